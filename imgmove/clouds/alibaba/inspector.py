"""An account of Alibaba Cloud looked at beforehand (`imgmove.core.inspection.AccountInspector`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.alibaba import answers, credentials, ecs_images, endpoints, metadata, rpc, service_roles
from imgmove.clouds.alibaba.abilities import ECS
from imgmove.clouds.alibaba.ram_roles import RamRoles
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.hosts import is_loopback
from imgmove.core.inspection import Endpoint, Identity, Quota, RoleState, ServiceRole
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings

_SERVICES: Final = ("ECS", "OSS", "ALIBABA_STS", "RAM")
#: Refusals of an action by a policy (of the user, of the session, of the directory), for which the key had to be good.
_ABOUT_RIGHTS: Final = frozenset({"NoPermission", "Forbidden", "Forbidden.RAM", "Forbidden.Unauthorized"})
#: IdentityType, whose spelling the vendor's pages do not agree on.
_KINDS: Final = {"account": "account", "ramuser": "user", "assumedroleuser": "role"}


class AlibabaInspector:
    """One account, as its keys see it. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transport = Transport(settings, metadata.DIRECT_HOSTS)
        self._keys = credentials.find(settings, self._transport)

    def identity(self) -> Identity:
        """STS's GetCallerIdentity, which every key may ask; UNSUPPORTED where an emulation has no STS."""
        self._check_is_there("ALIBABA_STS")
        key = self._keys.current()
        sts = rpc.sts(endpoints.sts_host(self._settings), self._settings, self._keys, self._transport)
        try:
            body = sts.call("GetCallerIdentity", {})
        except ImgmoveError as error:
            raise _unless_key_is_good(error) from error
        account_id = answers.text(body, "AccountId")
        if not account_id:
            raise sts.incomplete("AccountId", body, changes=False)
        kind = answers.text(body, "IdentityType")
        return Identity(
            account_id=account_id,
            principal=answers.text(body, "Arn"),
            kind=_KINDS.get(kind.lower(), kind),
            key_id=key.short_id,
            source=key.source,
            is_temporary=bool(key.token),
            expires_at=key.expires_at or None,
            renews=key.renews,
            request_id=answers.text(body, "RequestId") or None,
        )

    def clock_skew_seconds(self) -> float | None:
        return self._transport.skew_seconds

    def endpoints(self, provider: str, region: str) -> Sequence[Endpoint]:
        _check_provider(provider)
        return tuple(endpoints.endpoints(region, self._settings, self._keys, self._transport))

    def image_quota(self, provider: str, region: str) -> Quota | None:
        """How many images there are. ECS tells no limit: DescribeAccountAttributes has no word for images (SDK 7.11.8).

        The limit stands in the Quota Center, a service of its own that imgmove does not ask.
        """
        _check_provider(provider)
        ecs = rpc.ecs(region, self._settings, self._keys, self._transport)
        query = {"RegionId": region, "ImageOwnerAlias": "self", "Status": "ALL", "PageSize": 1}
        total = answers.number(ecs.call("DescribeImages", query), "TotalCount")
        return Quota(None, sum(1 for _ in ecs_images.own(ecs, region)) if total is None else total)

    def service_roles(self, provider: str, role_names: Mapping[Operation, str]) -> Sequence[ServiceRole]:
        """The roles of export and import. Whether ECS takes another name than the default is not documented."""
        _check_provider(provider)
        return tuple(
            replace(role, name=own_name, is_confirmed=False)
            if (own_name := role_names.get(role.operation, "")) and own_name != role.name else role
            for role in service_roles.ROLES
        )  # fmt: skip

    def role_state(self, role: ServiceRole) -> RoleState:
        return RamRoles(self._ram()).state(role)

    def create_role(self, role: ServiceRole) -> Sequence[str]:
        return RamRoles(self._ram()).create(role)

    def _ram(self) -> Rpc:
        try:
            self._check_is_there("RAM")
        except ImgmoveError as error:
            raise replace(error, kind=Kind.DENIED) from error
        return rpc.ram(self._settings, self._keys, self._transport)

    def _check_is_there(self, service: str) -> None:
        """UNSUPPORTED where others of our services are emulated on this machine and this one is not.

        An emulator's keys are nothing for the vendor's own services.
        """
        found = self._settings.endpoints
        emulated = [name for name in _SERVICES if is_loopback(urlsplit(found.get(name, "")).hostname or "")]
        if emulated and not found.get(service):
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"{service} is not asked: {emulated[0]} is emulated on this machine, and it is not",
                code="NoEndpoint", hint=f"set IMGMOVE_ENDPOINT_URL_{service}",
            )  # fmt: skip


def _unless_key_is_good(error: ImgmoveError) -> ImgmoveError:
    """A key that may not ask who it is was recognised all the same: UNSUPPORTED, which says nothing against it."""
    if error.code not in _ABOUT_RIGHTS:
        return error
    return replace(error, kind=Kind.UNSUPPORTED, hint="allow the key sts:GetCallerIdentity, or do without")


def _check_provider(provider: str) -> None:
    if provider != ECS.provider:
        raise usage_error(f"Alibaba Cloud has no service {provider!r}", "its image service is alibaba (ECS)")
