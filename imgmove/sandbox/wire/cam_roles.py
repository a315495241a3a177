"""CAM's calls about roles: GetRole, CreateRole, DeleteRole, DescribeRoleList; and GetUserAppId."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from imgmove.sandbox.wire.cvm_checks import TAG
from imgmove.sandbox.wire.ecm_describe import ecm_time
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct
from imgmove.sandbox.world.accounts import Role
from imgmove.sandbox.world.tencent_policy import PolicyError, read, trusted

ONE_ROLE = Struct.of(RoleId=Scalar.STRING, RoleName=Scalar.STRING)
CREATE_PARAMETERS = Struct.of(
    {"RoleName": Scalar.STRING, "PolicyDocument": Scalar.STRING},
    Description=Scalar.STRING,
    ConsoleLogin=Scalar.UNSIGNED,
    SessionDuration=Scalar.UNSIGNED,
    Tags=ListOf(TAG),
)
TRUST_PARAMETERS = Struct.of({"PolicyDocument": Scalar.STRING}, RoleId=Scalar.STRING, RoleName=Scalar.STRING)
DESCRIPTION_PARAMETERS = Struct.of({"Description": Scalar.STRING}, RoleId=Scalar.STRING, RoleName=Scalar.STRING)
LIST_PARAMETERS = Struct.of({"Page": Scalar.UNSIGNED, "Rp": Scalar.UNSIGNED}, Tags=ListOf(TAG))

NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,128}")
MAX_DESCRIPTION_BYTES = 300
MAX_PAGE = 200
MAX_SESSION_SECONDS = 43200
DEFAULT_SESSION_SECONDS = 7200

T = TypeVar("T")


def get_user_app_id(call: Call) -> dict[str, Any]:
    """Who the account is: uin and APPID."""
    account = call.account
    return {"Uin": account.account_id, "OwnerUin": account.account_id, "AppId": int(account.app_id)}


def get_role(call: Call) -> dict[str, Any]:
    """One role, by id or name."""
    return {"RoleInfo": _render(find_role(call))}


def find_role(call: Call, prefix: str = "") -> Role:
    """The role that `<prefix>RoleId` or `<prefix>RoleName` names; one of them has to be given."""
    role_id, name = call.text(f"{prefix}RoleId"), call.text(f"{prefix}RoleName")
    if not (role_id or name):
        raise ApiError("InvalidParameter.ParamError", f"{prefix}RoleId or {prefix}RoleName must be specified.")
    for role in call.world.accounts.roles("tencent", call.account.account_id):
        if role.role_id == role_id or (not role_id and role.name == name):
            return role
    raise ApiError("InvalidParameter.RoleNotExist")


def create_role(call: Call) -> dict[str, Any]:
    """Creates a role that the services or accounts of its trust policy may take on."""
    name, document = call.text("RoleName"), call.text("PolicyDocument")
    if not NAME.fullmatch(name):
        raise ApiError("InvalidParameter.RoleNameError")
    check_description(call)
    services = _trusted_services(document)
    seconds = call.get("SessionDuration", 0) or DEFAULT_SESSION_SECONDS
    if seconds > MAX_SESSION_SECONDS:
        raise ApiError("InvalidParameter.ParamError", "`SessionDuration` may be 43200 at most.")
    if call.world.accounts.role("tencent", call.account.account_id, name):
        raise ApiError("InvalidParameter.RoleNameInUse")
    role = Role(
        vendor="tencent",
        account_id=call.account.account_id,
        name=name,
        role_id=str(call.world.tencent.new_cam_id()),
        trusted_services=services,
        document=document,
        description=call.text("Description"),
        created=call.world.clock.wall(),
        trusted_at=call.world.clock.now(),
        max_session_seconds=seconds,
    )
    call.world.accounts.add_role(role)
    return {"RoleId": role.role_id}


def update_assume_role_policy(call: Call) -> dict[str, Any]:
    """Replaces a role's trust policy."""
    role, document = find_role(call), call.text("PolicyDocument")
    call.world.accounts.set_trust(role, document, _trusted_services(document))
    return {}


def update_role_description(call: Call) -> dict[str, Any]:
    """Replaces a role's description."""
    role = find_role(call)
    check_description(call)
    role.description = call.text("Description")
    call.world.changed()
    return {}


def _trusted_services(document: str) -> list[str]:
    check_document(document)
    services = trusted(document, "service")
    if not (services or trusted(document, "qcs") or trusted(document, "federated")):
        raise ApiError("InvalidParameter.PrincipalError")
    return services


DOCUMENT_CODES = {
    "Document": "InvalidParameter.PolicyDocumentError",
    "Version": "InvalidParameter.VersionError",
    "Statement": "InvalidParameter.StatementError",
    "Effect": "InvalidParameter.EffectError",
    "Action": "InvalidParameter.ActionError",
    "Resource": "InvalidParameter.ResourceError",
    "Principal": "InvalidParameter.PrincipalError",
}


def check_document(document: str) -> None:
    """Raises the code for the element of a policy document that is wrong."""
    try:
        read(document)
    except PolicyError as error:
        raise ApiError(DOCUMENT_CODES[error.element], f"{error}.") from error


def check_description(call: Call) -> None:
    """Length of Description."""
    if len(call.text("Description").encode()) > MAX_DESCRIPTION_BYTES:
        raise ApiError("InvalidParameter.DescriptionLengthOverlimit")


def delete_role(call: Call) -> dict[str, Any]:
    """Deletes a role, attached policies or not."""
    role = find_role(call)
    call.world.accounts.delete_role("tencent", role.account_id, role.name)
    return {}


def describe_role_list(call: Call) -> dict[str, Any]:
    """The account's roles, a page at a time. None of them has tags here."""
    roles = [] if call.get("Tags") else call.world.accounts.roles("tencent", call.account.account_id)
    shown = page(roles, call.get("Page"), call.get("Rp"))
    return {"List": [_render(role) for role in shown], "TotalNum": len(roles)}


def page(items: Sequence[T], number: int, rows: int) -> Sequence[T]:
    """Page `number`, from 1, of `rows` items each, at most 200."""
    if number < 1 or not 1 <= rows <= MAX_PAGE:
        raise ApiError("InvalidParameter.ParamError", "`Page` begins at 1, and `Rp` is between 1 and 200.")
    return items[(number - 1) * rows : number * rows]


def role_arn(role: Role) -> str:
    """The role's RoleArn, as AssumeRole takes it."""
    return f"qcs::cam::uin/{role.account_id}:roleName/{role.name}"


def _render(role: Role) -> dict[str, Any]:
    return {
        "RoleId": role.role_id,
        "RoleName": role.name,
        "PolicyDocument": role.document,
        "Description": role.description,
        "AddTime": ecm_time(role.created),
        "UpdateTime": ecm_time(role.created),
        "ConsoleLogin": 0,
        "RoleType": "system" if "_QcsRole" in role.name or "_QCSRole" in role.name else "user",
        "SessionDuration": role.max_session_seconds,
        "DeletionTaskId": None,
        "Tags": [],
        "RoleArn": role_arn(role),
    }
