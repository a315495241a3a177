"""The API of STS, version 2018-08-13: who am I, and temporary keys that every Tencent service here accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import unquote

from imgmove.sandbox.wire.cvm_checks import TAG
from imgmove.sandbox.wire.tencent_api import Action, Call, Service, TencentApi
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct
from imgmove.sandbox.world.accounts import Key, Role
from imgmove.sandbox.world.tencent_policy import PolicyError, read, trusted
from imgmove.sandbox.world.tencent_records import Session

ASSUME_PARAMETERS = Struct.of(
    {"RoleArn": Scalar.STRING, "RoleSessionName": Scalar.STRING},
    DurationSeconds=Scalar.UNSIGNED,
    Policy=Scalar.STRING,
    ExternalId=Scalar.STRING,
    Tags=ListOf(TAG),
    SourceIdentity=Scalar.STRING,
    SerialNumber=Scalar.STRING,
    TokenCode=Scalar.STRING,
)
FEDERATION_PARAMETERS = Struct.of({"Name": Scalar.STRING, "Policy": Scalar.STRING}, DurationSeconds=Scalar.UNSIGNED)

_ROLE_ARN = re.compile(
    r"qcs::cam::uin/(?P<uin>\d+):(?:role/(?:tencentcloudServiceRole/)?(?P<id>\d+)"
    r"|roleName/(?P<name>[\w+=,.@-]{1,128}))"
)
_USER_ARN = re.compile(r"qcs::cam:\d+:uin/(?P<user>\d+)")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,128}")
_FEDERATED_NAME = re.compile(r"[\w+=,.@-]{1,128}")
ASSUME_DEFAULT_SECONDS, ASSUME_MAX_SECONDS = 7200, 43200
FEDERATION_DEFAULT_SECONDS, FEDERATION_MAX_SECONDS = 1800, 7200


def get_caller_identity(call: Call) -> dict[str, Any]:
    """The account, role session or federated user behind the key."""
    uin, key = call.account.account_id, call.key
    session = call.world.tencent.state.sessions.get(key.access_key_id)
    user = _USER_ARN.fullmatch(key.principal)
    user_id, kind = user["user"] if user else uin, "CAMUser"
    principal_id = user_id
    if session is not None and session.kind == "role":
        user_id, kind = f"{key.principal.rpartition('/')[2]}:{session.name}", "CAMRole"
    elif session is not None:
        user_id = f"{uin}:{session.name}"
    arn = key.principal or f"qcs::cam:{uin}:uin/{uin}"
    return {"Arn": arn, "AccountId": uin, "UserId": user_id, "PrincipalId": principal_id, "Type": kind}


def assume_role(call: Call) -> dict[str, Any]:
    """Temporary keys that act as a role, if the role trusts the account."""
    if not _SESSION_NAME.fullmatch(call.text("RoleSessionName")):
        raise ApiError("InvalidParameter.ParamError", "`RoleSessionName` is invalid.")
    role = _role(call, call.text("RoleArn"))
    policy = _policy(call)
    seconds = call.get("DurationSeconds", ASSUME_DEFAULT_SECONDS)
    longest = max(role.max_session_seconds, ASSUME_DEFAULT_SECONDS)
    if not 0 < seconds <= min(longest, ASSUME_MAX_SECONDS):
        raise ApiError("InvalidParameter.OverTimeError")
    principal = f"qcs::sts:{role.account_id}:assumed-role/{role.role_id}"
    session = Session("role", call.text("RoleSessionName"), role.name, policy)
    return _issue(call, role.account_id, principal, session, seconds)


def _role(call: Call, arn: str) -> Role:
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise ApiError("InvalidParameter.ParamError", "`RoleArn` is invalid.")
    for role in call.world.accounts.roles("tencent", match["uin"]):
        if match["id"] == role.role_id or match["name"] == role.name:
            if not _trusts(role, call.account.account_id):
                raise ApiError("UnauthorizedOperation", "The role does not trust the caller.")
            return role
    raise ApiError("ResourceNotFound.RoleNotFound")


def _trusts(role: Role, uin: str) -> bool:
    """Whether the role's trust policy names the account; a role without a policy trusts its own."""
    if not role.document:
        return role.account_id == uin
    named = trusted(role.document, "qcs")
    return any(re.fullmatch(rf"qcs::cam::uin/{uin}:(root|uin/{uin})", each) for each in named)


def _policy(call: Call) -> str:
    """The policy that narrows the keys down. It arrives URL-encoded, as documented, or as it is."""
    text = call.text("Policy")
    if not text:
        return ""
    document = text if text.lstrip().startswith("{") else unquote(text)
    try:
        read(document)
    except PolicyError as error:
        raise ApiError("InvalidParameter.StrategyFormatError", f"{error}.") from error
    return document


def get_federation_token(call: Call) -> dict[str, Any]:
    """Temporary keys for somebody else, with some of the caller's rights. Needs a permanent key."""
    if call.key.token is not None:
        raise ApiError("FailedOperation.TempKeyNotAllowed")
    name = call.text("Name")
    if not _FEDERATED_NAME.fullmatch(name):
        raise ApiError("InvalidParameter.ParamError", "`Name` is invalid.")
    policy = _policy(call)
    seconds = call.get("DurationSeconds", FEDERATION_DEFAULT_SECONDS)
    if not 0 < seconds <= FEDERATION_MAX_SECONDS:
        raise ApiError("InvalidParameter.OverTimeError")
    uin = call.account.account_id
    principal = f"qcs::sts:{uin}:federated-user/{uin}"
    return _issue(call, uin, principal, Session("federated", name, policy=policy), seconds)


def _issue(call: Call, account_id: str, principal: str, session: Session, seconds: int) -> dict[str, Any]:
    limits = call.key.policies if session.kind == "federated" else None
    key: Key = call.world.accounts.issue_temporary("tencent", account_id, principal, seconds, limits)
    call.world.tencent.state.sessions[key.access_key_id] = session
    call.world.changed()
    expires = int(key.expires_at or 0)
    return {
        "Credentials": {"Token": key.token, "TmpSecretId": key.access_key_id, "TmpSecretKey": key.secret},
        "ExpiredTime": expires,
        "Expiration": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


ACTIONS: Mapping[str, Action] = {
    "GetCallerIdentity": Action(get_caller_identity, needs_rights=False),
    "AssumeRole": Action(assume_role, ASSUME_PARAMETERS, per_second=600),
    "GetFederationToken": Action(get_federation_token, FEDERATION_PARAMETERS, per_second=600),
}


class TencentSts(TencentApi):
    """STS's wire."""

    service: ClassVar[Service] = Service("sts", "2018-08-13", ACTIONS)
