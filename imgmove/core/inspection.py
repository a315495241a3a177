"""The seams of looking beforehand: who we are, what the service roles may, how a bucket is set up. Reads only.

A cloud need not have them: `Inspectable` and `SurveyableStore` are asked for with `isinstance`, and what is missing is
said as "not looked at". Every method raises only `ImgmoveError`; DENIED means "we may not look", and is no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from imgmove.core.requests import Operation
from imgmove.core.settings import Settings

Reach = Literal["public", "internal", "international", "accelerated", "custom", "loopback"]


@dataclass(frozen=True)
class Identity:
    """Who the credentials act as. `principal` is the vendor's own name of it (an ARN)."""

    account_id: str
    principal: str
    kind: str = ""
    """`account` (the owner itself), `user`, `role`, or the vendor's own word."""
    key_id: str = ""
    """The access key's id, shortened to its ends."""
    source: str = ""
    """Where the key was found, in words: `environment`, `tccli profile default`; empty where nobody knows."""
    app_id: str = ""
    """Tencent's APPID, the suffix of bucket names; empty elsewhere, or where we may not ask."""
    is_temporary: bool = False
    expires_at: float | None = None
    """Unix seconds; None for a key that lives on, and for a temporary one whose end nobody told us."""
    renews: bool = False
    """A temporary key that is fetched anew before it runs out: its end is no end."""
    request_id: str | None = None


@dataclass(frozen=True)
class Endpoint:
    """Where one service is asked. `service` is a name of the contract (`CVM`, `OSS`)."""

    service: str
    host: str
    reach: Reach
    note: str = ""


@dataclass(frozen=True)
class Quota:
    """How many custom images a region may hold, and how many it holds; None where the service does not say."""

    limit: int | None
    used: int | None


@dataclass(frozen=True)
class ServiceRole:
    """A role that a vendor's service takes on to do `operation` for us, exactly as it is to be created.

    `trust_policy` and `policy` are the JSON documents; `policy_name` is what is attached (`policy_is_system`: the
    vendor's own, which need not be created). `needed_actions` are the rights in the vendor's own words.
    """

    provider: str
    operation: Operation
    name: str
    trusted_service: str
    trust_policy: str
    policy_name: str
    policy: str
    policy_is_system: bool
    needed_actions: tuple[str, ...]
    buckets: tuple[str, ...] = ()
    """Where the rights are needed; fill in with `dataclasses.replace`. Empty: not known, and a right on any counts."""
    description: str = ""
    spread_seconds: float = 60.0
    """How long a new grant may take until the service can use it."""
    is_confirmed: bool = True
    """False where the vendor's documents leave name, trust or policy open: a difference is then a warning."""
    console: str = ""
    """How to do the same by hand."""
    source: str = ""


@dataclass(frozen=True)
class RoleState:
    """A service role as it is. None means that we may not look."""

    exists: bool
    trusts: bool | None = None
    """Does its trust policy let the service take it on?"""
    attached: tuple[str, ...] | None = None
    missing_actions: tuple[str, ...] | None = None
    """Needed actions that none of the attached policies allows on all that they must."""
    trusted_services: tuple[str, ...] = ()


class AccountInspector(Protocol):
    """One account of one cloud, as its credentials see it. Safe to use from several threads."""

    def identity(self) -> Identity:
        """Ask STS who we are. DENIED where the credentials are wrong, expired or missing. Safe to repeat."""

    def clock_skew_seconds(self) -> float | None:
        """The services' clock minus ours, by the `Date` of an answer; None before any came, or where none has one.

        A refusal for a wrong clock has a date too: ask after `identity`, also after it failed.
        """

    def endpoints(self, provider: str, region: str) -> Sequence[Endpoint]:
        """Where the image service, its store, STS and the service of roles are asked. Sends nothing."""

    def image_quota(self, provider: str, region: str) -> Quota | None:
        """The quota of custom images; None where the service has no call for it. Safe to repeat."""

    def service_roles(self, provider: str, role_names: dict[Operation, str]) -> Sequence[ServiceRole]:
        """The roles that the provider's operations need; `role_names` are the operator's own names. Sends nothing."""

    def role_state(self, role: ServiceRole) -> RoleState:
        """How the role is now. DENIED where we may not look. Safe to repeat."""

    def create_role(self, role: ServiceRole) -> Sequence[str]:
        """Create what is missing of the role: the role, its trust, its policy, the grant; what was done, in words.

        Safe to repeat: what is there is kept, nothing is taken away. Does not wait for the grant to spread.
        """


@runtime_checkable
class Inspectable(Protocol):
    """A cloud (`imgmove.core.ports.Cloud`) that can be looked at beforehand."""

    def inspector(self, settings: Settings) -> AccountInspector:
        """The account that `settings` have credentials for. DENIED without credentials. Loads the SDK."""


@dataclass(frozen=True)
class LifecycleRule:
    """What a bucket does to objects by itself. Days None: not of that kind."""

    id: str
    prefix: str
    enabled: bool = True
    expire_days: int | None = None
    transition_days: int | None = None
    transition_class: str = ""
    abort_upload_days: int | None = None


@dataclass(frozen=True)
class BucketSurvey:
    """How a bucket is set up. None means that we may not look, or that the store has no such thing."""

    name: str
    region: str
    encryption: str | None = None
    """The default encryption's name (`KMS`, `AES256`), empty for none."""
    storage_class: str = ""
    """What new objects become by default, in the vendor's word; empty where unknown."""
    is_archive: bool = False
    """Objects there cannot be read until they are restored."""
    acl: str | None = None
    """`private`, `public-read`, `public-read-write`."""
    versioning: str | None = None
    """`enabled`, `suspended`, or empty for off."""
    lifecycle: tuple[LifecycleRule, ...] | None = None
    may_list: bool | None = None
    owner: str = ""


@runtime_checkable
class SurveyableStore(Protocol):
    """An object store (`imgmove.core.ports.ObjectStore`) that can tell how its bucket is set up."""

    def survey(self) -> BucketSurvey:
        """All that can be seen of the bucket with reads. NOT_FOUND (`NoSuchBucket`), or DENIED where not even its
        region may be asked. A bucket in another region than the store was opened for is found there, and its region
        told: it is never taken for a missing right. Safe to repeat."""

    def probe_write(self, key: str) -> None:
        """May we write `key`? Asked by a request that can never take effect (a part of an upload that does not
        exist). DENIED where we may not; returns where we may. Safe to repeat, leaves nothing."""

    def probe_read(self, key: str) -> None:
        """May we read objects? Asked for a key that need not exist. DENIED where we may not. Safe to repeat."""


# ------------------------------------------------------------------------------------------------------- advice


@dataclass(frozen=True)
class Advice:
    """What a cloud knows better than we do about findings: how they are mended there, and which of its codes are one.

    `fixes` by a finding's id: the exact command or console step, with `{bucket}`, `{region}`, `{provider}`, `{role}`,
    `{image}` and what else the finding's own texts name. `codes`: the cloud's error codes that are a kind of finding
    of their own, wherever they come from.
    """

    fixes: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Advising(Protocol):
    """A cloud (`imgmove.core.ports.Cloud`) that has advice."""

    advice: Advice
