"""One account of Tencent Cloud, looked at beforehand (`imgmove.core.inspection.AccountInspector`). Reads only, but for
`create_role`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from imgmove.clouds.tencent import answers, cam, credentials, cvm_images, endpoints, limits, sdk, service_roles
from imgmove.clouds.tencent.abilities import CVM
from imgmove.clouds.tencent.account import Account
from imgmove.clouds.tencent.api import Api
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import Endpoint, Identity, Quota, RoleState, ServiceRole
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings

#: What the caller's ARN tells of its kind; what tells nothing is an account's own key or a CAM user's.
_KINDS: Final = ((":assumed-role/", "role"), (":federated-user/", "federated user"))
#: Ends of codes that begin like a missing right, and are about the key itself (tencent.md 7.2).
_ABOUT_KEYS: Final = (".InvalidToken", ".MFAExpired", ".MFANotFound")
_TYPES: Final = {"CAMUser": "user", "CAMRole": "role"}


class TencentInspector:
    """The account that the settings have a key for; DENIED without one. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._account = Account(settings)

    def identity(self) -> Identity:
        api = self._api(sdk.STS, self._region)
        key = self._account.key()
        try:
            response = api.call("GetCallerIdentity", {})
        except ImgmoveError as error:
            raise _unless_key_is_good(error) from error
        account_id, principal = (answers.text(response, name) for name in ("AccountId", "Arn"))
        if not account_id:
            raise api.incomplete("AccountId", response)
        return Identity(
            account_id, principal, _kind(response), key_id=key.short_id, source=key.source, app_id=self._app_id(),
            is_temporary=bool(key.token) or key.expires_at is not None, expires_at=key.expires_at,
            renews=key.renews,
            request_id=answers.text(response, "RequestId") or None,
        )  # fmt: skip

    def clock_skew_seconds(self) -> float | None:
        return self._account.skew_seconds

    def endpoints(self, provider: str, region: str) -> Sequence[Endpoint]:
        return endpoints.endpoints(provider, region, self._settings)

    def image_quota(self, provider: str, region: str) -> Quota | None:
        """CVM's; ECM has no call that tells how many images there may be (`DescribeConfig` tells their size alone)."""
        if provider != CVM.provider:
            return None
        api = self._api(sdk.CVM, region)
        try:
            limit = answers.number(api.call("DescribeImageQuota", {}), "ImageNumQuota")
            used = sum(1 for _ in cvm_images.own(api))
        except ImgmoveError as error:
            if error.code in cam.UNKNOWN_CALLS:
                return None
            raise
        return Quota(limit, used)

    def service_roles(self, provider: str, role_names: dict[Operation, str]) -> Sequence[ServiceRole]:
        return service_roles.service_roles(provider, role_names)

    def role_state(self, role: ServiceRole) -> RoleState:
        try:
            api = self._api(sdk.CAM, "")
        except ImgmoveError as error:
            raise cam.closed(error) from error
        return cam.role_state(api, role)

    def create_role(self, role: ServiceRole) -> Sequence[str]:
        return cam.create_role(self._api(sdk.CAM, ""), role)

    @property
    def _region(self) -> str:
        """STS and DescribeAccountQuota want a region, and answer the same in all."""
        return self._settings.region or limits.FALLBACK_REGION

    def _app_id(self) -> str:
        """The account's APPID, of CAM or else of CVM; empty where neither may be asked: nothing depends on it."""
        for service, region, action in ((sdk.CAM, "", "GetUserAppId"), (sdk.CVM, self._region, "DescribeAccountQuota")):
            try:
                found = answers.text(self._api(service, region).call(action, {}), "AppId")
            except ImgmoveError:
                continue
            if found:
                return found
        return ""

    def _api(self, service: sdk.Service, region: str) -> Api:
        """The service; UNSUPPORTED where this is a rehearsal without it: the real one has no business there."""
        if credentials.is_rehearsal(self._settings) and not self._settings.endpoints.get(service.name):
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"{service.name} is not asked: other services are on this machine, and it is not",
                code="NoEndpoint", hint=f"set IMGMOVE_ENDPOINT_URL_{service.name}",
            )  # fmt: skip
        return self._account.api(service, region)


def _unless_key_is_good(error: ImgmoveError) -> ImgmoveError:
    """A key that may not ask who it is was recognised all the same: UNSUPPORTED, which says nothing against it."""
    about_rights = error.code.startswith("UnauthorizedOperation") or error.code == "AuthFailure.UnauthorizedOperation"
    if not about_rights or error.code.endswith(_ABOUT_KEYS):
        return error
    return replace(error, kind=Kind.UNSUPPORTED, hint="allow the key sts:GetCallerIdentity, or do without")


def _kind(response: Mapping[str, Any]) -> str:
    arn, word = answers.text(response, "Arn"), answers.text(response, "Type")
    kind = next((kind for mark, kind in _KINDS if mark in arn), _TYPES.get(word, word))
    is_owner = answers.text(response, "UserId") == answers.text(response, "AccountId")
    return "account" if kind == "user" and is_owner else kind
