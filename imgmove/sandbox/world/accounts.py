"""Who may do what: accounts, their keys and temporary tokens, roles and policies, for both vendors."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

T = TypeVar("T")


@dataclass
class Account:
    """One customer of one vendor. `app_id` is Tencent's APPID, the suffix of its bucket names; "" at Alibaba."""

    vendor: str
    account_id: str
    """Tencent: the uin; Alibaba: the account's number."""
    app_id: str = ""


@dataclass
class Key:
    """An access key, long-lived or (with `token`) temporary. `expires_at` is wall time, None for never."""

    vendor: str
    access_key_id: str
    secret: str = field(repr=False)
    account_id: str
    principal: str
    """The user or role it acts as, in the vendor's own spelling of an ARN."""
    token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    disabled: bool = False
    policies: list[str] | None = None
    """Names of the policies that limit a user's key; None for one that may do everything of its account's own."""


@dataclass
class Policy:
    """A named policy. `document` is the JSON text as given; `scope` is "System" or "Custom"."""

    name: str
    document: str
    scope: str = "Custom"
    description: str = ""
    created: float = 0.0
    policy_id: str = ""


@dataclass
class Role:
    """A role that services or accounts may take on. `document` is its trust policy, JSON text as given."""

    vendor: str
    account_id: str
    name: str
    role_id: str
    trusted_services: list[str]
    document: str
    policies: list[str] = field(default_factory=list)
    """Names of the policies attached, in the order of attaching."""
    description: str = ""
    created: float = 0.0
    max_session_seconds: int = 3600
    trusted_at: float | None = None
    """Sandbox seconds at which its trust policy was last set; None for ever. Grants take time to spread."""
    attached_at: dict[str, float] = field(default_factory=dict)
    """The same for policies that were attached while the sandbox ran, by name."""


@dataclass
class AccountsState:
    """Everything that persists."""

    accounts: list[Account] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
    roles: list[Role] = field(default_factory=list)
    policies: dict[str, list[Policy]] = field(default_factory=dict)
    """Policies by owner: "vendor/account id", or "vendor/*" for those that the vendor itself provides."""


class Accounts:
    """The accounts of both vendors. Every method is to be called under `world.lock`."""

    State = AccountsState

    def __init__(self, world: World) -> None:
        self._world = world
        self.state = AccountsState()

    # Accounts and keys

    def add(self, account: Account) -> Account:
        """Opens an account. Raises ValueError when the vendor has one of that id."""
        if self.account(account.vendor, account.account_id):
            raise ValueError(f"{account.vendor} account {account.account_id} is there already")
        self.state.accounts.append(account)
        self._world.changed()
        return account

    def account(self, vendor: str, account_id: str) -> Account | None:
        """The account of that id."""
        return _first(self.state.accounts, lambda a: (a.vendor, a.account_id) == (vendor, account_id))

    def account_of_app(self, app_id: str) -> Account | None:
        """The Tencent account whose APPID this is."""
        return _first(self.state.accounts, lambda a: a.vendor == "tencent" and a.app_id == app_id)

    def add_key(self, key: Key) -> Key:
        """Adds an access key, or replaces the one of the same id."""
        self.state.keys[f"{key.vendor}/{key.access_key_id}"] = key
        self._world.changed()
        return key

    def key(self, vendor: str, access_key_id: str) -> Key | None:
        """The key of that id, expired and disabled ones too: the wires' errors tell these apart."""
        return self.state.keys.get(f"{vendor}/{access_key_id}")

    def issue_temporary(
        self, vendor: str, account_id: str, principal: str, seconds: int, policies: list[str] | None = None
    ) -> Key:
        """A new temporary key with a token, good for `seconds` of wall time from now."""
        prefix = "AKIDtmp" if vendor == "tencent" else "STS."
        return self.add_key(
            Key(
                vendor=vendor,
                access_key_id=prefix + secrets.token_hex(14),
                secret=secrets.token_urlsafe(24),
                account_id=account_id,
                principal=principal,
                token=secrets.token_urlsafe(96),
                expires_at=self._world.clock.wall() + seconds,
                policies=policies,
            )
        )

    # Roles

    def role(self, vendor: str, account_id: str, name: str) -> Role | None:
        """The account's role of that name."""
        return _first(self.roles(vendor, account_id), lambda role: role.name == name)

    def roles(self, vendor: str, account_id: str) -> list[Role]:
        """The account's roles, oldest first."""
        return [r for r in self.state.roles if (r.vendor, r.account_id) == (vendor, account_id)]

    def add_role(self, role: Role) -> Role:
        """Creates a role. Raises ValueError when the account has one of that name."""
        if self.role(role.vendor, role.account_id, role.name):
            raise ValueError(f"role {role.name} is there already")
        self.state.roles.append(role)
        self._world.changed()
        return role

    def delete_role(self, vendor: str, account_id: str, name: str) -> bool:
        """Removes a role; False when there was none."""
        role = self.role(vendor, account_id, name)
        if role is None:
            return False
        self.state.roles.remove(role)
        self._world.changed()
        return True

    def attach_policy(self, role: Role, policy: str) -> bool:
        """Attaches a policy by name; False when it was attached already."""
        if policy in role.policies:
            return False
        role.policies.append(policy)
        role.attached_at[policy] = self._world.clock.now()
        self._world.changed()
        return True

    def detach_policy(self, role: Role, policy: str) -> bool:
        """Detaches a policy by name; False when it was not attached."""
        if policy not in role.policies:
            return False
        role.policies.remove(policy)
        role.attached_at.pop(policy, None)
        self._world.changed()
        return True

    def set_trust(self, role: Role, document: str, services: list[str]) -> None:
        """Sets the role's trust policy from now on; `services` are those that it names."""
        role.document, role.trusted_services = document, services
        role.trusted_at = self._world.clock.now()
        self._world.changed()

    def spread(self, role: Role | None, seconds: float) -> Role | None:
        """The role as services see it that learn of a grant after `seconds` of the sandbox: without the policies
        that are younger, and not at all if its trust is."""
        if role is None:
            return None
        since = self._world.clock.now() - seconds
        if role.trusted_at is not None and role.trusted_at > since:
            return None
        return replace(role, policies=[name for name in role.policies if role.attached_at.get(name, since) <= since])

    # Policies

    def policy(self, vendor: str, account_id: str, name: str) -> Policy | None:
        """The account's own policy of that name, else the vendor's."""
        return _first(self.policies(vendor, account_id), lambda policy: policy.name == name)

    def policies(self, vendor: str, account_id: str) -> list[Policy]:
        """The account's own policies, then those that the vendor provides to everybody."""
        owned = self.state.policies.get(f"{vendor}/{account_id}", [])
        return owned + self.state.policies.get(f"{vendor}/*", [])

    def documents(self, vendor: str, account_id: str, names: list[str]) -> list[str]:
        """The documents of the account's or the vendor's policies of these names; those that are gone are left out."""
        found = (self.policy(vendor, account_id, name) for name in names)
        return [policy.document for policy in found if policy is not None]

    def add_policy(self, vendor: str, account_id: str, policy: Policy) -> Policy:
        """Creates a policy; `account_id` "*" makes it the vendor's. Raises ValueError when the name is taken."""
        if self.policy(vendor, account_id, policy.name):
            raise ValueError(f"policy {policy.name} is there already")
        self.state.policies.setdefault(f"{vendor}/{account_id}", []).append(policy)
        self._world.changed()
        return policy

    def delete_policy(self, vendor: str, account_id: str, name: str) -> bool:
        """Removes one of the account's own policies; False when it has none of that name."""
        owned = self.state.policies.get(f"{vendor}/{account_id}", [])
        found = _first(owned, lambda policy: policy.name == name)
        if found is None:
            return False
        owned.remove(found)
        self._world.changed()
        return True


def _first(items: list[T], wanted: Callable[[T], bool]) -> T | None:
    return next((item for item in items if wanted(item)), None)
