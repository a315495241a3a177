"""RAM's calls about roles, and the checks that its calls about policies share."""

from __future__ import annotations

import re
import secrets
from typing import Any

from imgmove.sandbox.wire.alibaba_access import VENDOR
from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_rpc import Call
from imgmove.sandbox.wire.alibaba_time import to_second
from imgmove.sandbox.world.accounts import Role
from imgmove.sandbox.world.alibaba_policy import MAX_DOCUMENT_BYTES, MalformedPolicyError, trusted_services

Answer = dict[str, Any]

ROLE_NAME = re.compile(r"[A-Za-z0-9. @-]+")
MAX_ROLES = 1000
MAX_DESCRIPTION_BYTES = 1024
SESSION_SECONDS = range(3600, 43200 + 1)


def get_role(call: Call) -> Answer:
    """One role with its trust policy."""
    return {"Role": _show_role(call, named_role(call), document=True)}


def list_roles(call: Call) -> Answer:
    """The account's roles by name, in pages that a Marker continues."""
    size = call.arguments.number("MaxItems", 100)
    if not 1 <= size <= 1000:
        raise RpcError("InvalidParameter.MaxItems")
    after = call.arguments.text("Marker")
    left = sorted(
        (role for role in call.world.accounts.roles(VENDOR, call.account) if role.name > after),
        key=lambda role: role.name,
    )
    shown = {"Roles": {"Role": [_show_role(call, role, document=False) for role in left[:size]]}}
    if len(left) > size:
        return {"IsTruncated": True, "Marker": left[size - 1].name, **shown}
    return {"IsTruncated": False, **shown}


def create_role(call: Call) -> Answer:
    """Makes a role; who may assume it is in AssumeRolePolicyDocument."""
    given, accounts = call.arguments, call.world.accounts
    name, document = given.text("RoleName"), given.text("AssumeRolePolicyDocument")
    check_name("RoleName", name, ROLE_NAME, 64)
    check_length("Description", given.text("Description"), MAX_DESCRIPTION_BYTES)
    if accounts.role(VENDOR, call.account, name):
        raise RpcError("EntityAlreadyExists.Role", name)
    if len(accounts.roles(VENDOR, call.account)) >= MAX_ROLES:
        raise RpcError("LimitExceeded.Role")
    role = accounts.add_role(
        Role(
            vendor=VENDOR,
            account_id=call.account,
            name=name,
            role_id=str(300_000_000_000_000_000 + secrets.randbelow(10**17)),
            trusted_services=_trust(document),
            document=document,
            description=given.text("Description"),
            created=call.world.clock.wall(),
            trusted_at=call.world.clock.now(),
            max_session_seconds=_session_seconds(given.number("MaxSessionDuration", SESSION_SECONDS.start)),
        )
    )
    return {"Role": _show_role(call, role, document=True)}


def update_role(call: Call) -> Answer:
    """Changes a role's trust policy, description or longest session."""
    role, given = named_role(call), call.arguments
    document = given.text("NewAssumeRolePolicyDocument", role.document)
    services = _trust(document)
    seconds = _session_seconds(given.number("NewMaxSessionDuration", role.max_session_seconds))
    description = given.text("NewDescription", role.description)
    check_length("Description", description, MAX_DESCRIPTION_BYTES)
    if document != role.document:
        call.world.accounts.set_trust(role, document, services)
    role.description, role.max_session_seconds = description, seconds
    call.world.alibaba.state.update_dates[f"{call.account}/role/{role.name}"] = call.world.clock.wall()
    call.world.changed()
    return {"Role": _show_role(call, role, document=True)}


def delete_role(call: Call) -> Answer:
    """Deletes a role that has no policies attached any more."""
    role = named_role(call)
    if role.policies:
        raise RpcError("DeleteConflict.Role.Policy")
    call.world.accounts.delete_role(VENDOR, call.account, role.name)
    return {}


def named_role(call: Call) -> Role:
    """The role that a call is about. Raises RpcError EntityNotExist.Role."""
    name = call.arguments.text("RoleName")
    role = call.world.accounts.role(VENDOR, call.account, name)
    if role is None:
        raise RpcError("EntityNotExist.Role", name)
    return role


def check_name(parameter: str, name: str, pattern: re.Pattern[str], longest: int) -> None:
    """Refuses a name that is too long or has letters that it may not have."""
    if len(name) > longest:
        raise RpcError(f"InvalidParameter.{parameter}.Length")
    if not pattern.fullmatch(name):
        raise RpcError(f"InvalidParameter.{parameter}.InvalidChars")


def check_length(parameter: str, value: str, longest_bytes: int) -> None:
    """Refuses a text that is too long."""
    if len(value.encode()) > longest_bytes:
        raise RpcError(f"InvalidParameter.{parameter}.Length")


def _trust(document: str) -> list[str]:
    check_length("AssumeRolePolicyDocument", document, MAX_DOCUMENT_BYTES)
    try:
        return trusted_services(document)
    except MalformedPolicyError as error:
        raise RpcError("MalformedPolicyDocument", str(error)) from error


def _session_seconds(seconds: int) -> int:
    if seconds not in SESSION_SECONDS:
        raise RpcError("InvalidParameter.MaxSessionDuration")
    return seconds


def _show_role(call: Call, role: Role, *, document: bool) -> Answer:
    updated = call.world.alibaba.state.update_dates.get(f"{role.account_id}/role/{role.name}", role.created)
    return {
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": f"acs:ram::{role.account_id}:role/{role.name}",
        "Description": role.description,
        "MaxSessionDuration": role.max_session_seconds,
        "CreateDate": to_second(role.created),
        "UpdateDate": to_second(updated),
        **({"AssumeRolePolicyDocument": role.document} if document else {}),
    }
