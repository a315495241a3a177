"""Roles and access keys of a seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imgmove.sandbox.seed.stores import OWNERS
from imgmove.sandbox.seed.tables import KeyTable, RoleTable
from imgmove.sandbox.world.accounts import Account, Key, Policy, Role

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

SERVICES = {"tencent": ["cvm.qcloud.com"], "alibaba": ["ecs.aliyuncs.com"]}
_APP_ID = "125{:07d}"


def sow_role(world: World, table: RoleTable) -> None:
    """Makes a role or changes the one of that name; its grants are effective at once."""
    accounts, vendor, account = world.accounts, table.provider, OWNERS[table.provider]
    role = accounts.role(vendor, account, table.name)
    if table.absent:
        accounts.delete_role(vendor, account, table.name)
        return
    if role is None:
        number = str(world.tencent.new_cam_id())
        role = accounts.add_role(
            Role(vendor, account, table.name, number, [], "", created=world.clock.wall(), trusted_at=None)
        )
        _trust(role, SERVICES[vendor])
    if table.trusts is not None:
        _trust(role, table.trusts)
    if table.policies is not None or table.actions is not None:
        role.policies = _policies(world, vendor, account, table.name, table.policies, table.actions)
        role.attached_at = {}
    world.changed()


def _trust(role: Role, services: list[str]) -> None:
    role.trusted_services, role.trusted_at = services, None
    role.document = _trust_document(role.vendor, services)


def _policies(
    world: World, vendor: str, account: str, owner: str, names: list[str] | None, actions: list[str] | None
) -> list[str]:
    """The names of policies, with that of one of its own for `actions`."""
    if actions is None:
        return list(names or [])
    own = f"{owner}-seed"
    world.accounts.delete_policy(vendor, account, own)
    world.accounts.add_policy(
        vendor, account, Policy(own, _policy_document(vendor, actions), created=world.clock.wall())
    )
    return [*(names or []), own]


def sow_key(world: World, table: KeyTable) -> None:
    """Adds an access key, or replaces the one of that id."""
    vendor, account = table.provider, table.account or OWNERS[table.provider]
    if world.accounts.account(vendor, account) is None:
        app_id = _APP_ID.format(len(world.accounts.state.accounts)) if vendor == "tencent" else ""
        world.accounts.add(Account(vendor, account, app_id))
    limited = table.policies is not None or table.actions is not None
    policies = _policies(world, vendor, account, f"key-{table.id}", table.policies, table.actions) if limited else None
    until = None if table.expires_in_seconds is None else world.clock.wall() + table.expires_in_seconds
    world.accounts.add_key(
        Key(
            vendor,
            table.id,
            table.secret,
            account,
            _principal(vendor, account, table),
            token=table.token,
            expires_at=until,
            disabled=table.disabled,
            policies=policies,
        )
    )


def _principal(vendor: str, account: str, table: KeyTable) -> str:
    """Tencent's users have numbers, Alibaba's names; a key with rights of its own is a user's."""
    named = table.user or ("user" if table.policies is not None or table.actions is not None else "")
    if vendor == "alibaba":
        return f"acs:ram::{account}:{f'user/{named}' if named else 'root'}"
    number = named if named.isdecimal() else (str(int(account) + 1000) if named else account)
    return f"qcs::cam:{account}:uin/{number}"


def _policy_document(vendor: str, actions: list[str]) -> str:
    if vendor == "tencent":
        return json.dumps({"version": "2.0", "statement": [{"effect": "allow", "action": actions, "resource": ["*"]}]})
    return json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def _trust_document(vendor: str, services: list[str]) -> str:
    if vendor == "tencent":
        trust = {"effect": "allow", "action": "name/sts:AssumeRole", "principal": {"service": services}}
        return json.dumps({"version": "2.0", "statement": [trust]})
    role = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    return json.dumps({"Version": "1", "Statement": [role]})
