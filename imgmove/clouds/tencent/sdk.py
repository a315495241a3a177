"""The official API 3.0 clients, as request builders and signers: endpoint, language, and what they log.

Their own transport is not used. It takes proxies for loopback by a textual match, has one timeout for everything,
follows redirects (a POST becomes a GET), and does not tell a request that was never sent from one whose answer was
lost; their reader of answers misses errors behind a charset and raises warnings (tencent.md 4.4, 4.5).
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from imgmove.clouds.keys import KeySource
from imgmove.clouds.tencent import limits, profiles
from imgmove.core.errors import usage_error
from imgmove.core.settings import Settings

#: The SDK warns of other characters, and leaves the name out.
_NOT_IN_CLIENT_NAMES: Final = re.compile(r"[^0-9A-Za-z_,;.-]")
_ROOT_DOMAIN: Final = "tencentcloudapi.com"
#: By `site` and `network` of the profile (4.1). The vendor names one internal domain, for both sites.
_ROOT_DOMAINS: Final = {
    ("mainland", "public"): _ROOT_DOMAIN,
    ("international", "public"): f"intl.{_ROOT_DOMAIN}",
    ("mainland", "internal"): f"internal.{_ROOT_DOMAIN}",
    ("international", "internal"): f"internal.{_ROOT_DOMAIN}",
}


@dataclass(frozen=True)
class Service:
    """A product of API 3.0: its name in settings, in host names, and its version."""

    name: str
    product: str
    version: str


CVM: Final = Service("CVM", "cvm", limits.CVM_API_VERSION)
ECM: Final = Service("ECM", "ecm", limits.ECM_API_VERSION)
STS: Final = Service("TENCENT_STS", "sts", limits.STS_API_VERSION)
CAM: Final = Service("CAM", "cam", limits.CAM_API_VERSION)


@dataclass(frozen=True)
class Endpoint:
    """Where a service is reached. `host` has the port where one is given: it is signed so."""

    scheme: str
    host: str


class Sender(Protocol):
    """What a client hands its signed request to."""

    def send_request(self, request: Any) -> Any: ...


def endpoint_of(service: Service, region: str, settings: Settings) -> Endpoint:
    """The endpoint of the settings, else of `site` and `network`, else of the tccli profile, else the vendor's own.

    Finance regions have one of their own. A usage error for words that `site` and `network` do not know.
    """
    override = settings.endpoints.get(service.name, "")
    if override:
        parts = urlsplit(override)
        return Endpoint(parts.scheme, parts.netloc)
    choice = (settings.options.get("site", "mainland"), settings.options.get("network", "public"))
    root = _ROOT_DOMAINS.get(choice)
    if root is None:
        raise usage_error(
            f"site {choice[0]!r} and network {choice[1]!r} name no endpoint of Tencent Cloud",
            'site is "mainland" or "international", network "public" or "internal"',
        )
    named = profiles.profile_endpoint(settings, service.product)
    if named and not {"site", "network"} & set(settings.options):
        return Endpoint("https", named)
    regional = f".{region}" if region.endswith("-fsi") else ""
    return Endpoint("https", f"{service.product}{regional}.{root}")


def client(service: Service, region: str, endpoint: Endpoint, keys: KeySource, user_agent: str, sender: Sender) -> Any:
    """The official client of `service`, which hands its requests to `sender`. Its retries and its breaker are off."""
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile

    _quiet()
    profile = ClientProfile(
        httpProfile=HttpProfile(protocol=endpoint.scheme, endpoint=endpoint.host), language="en-US",
        request_client=_NOT_IN_CLIENT_NAMES.sub("-", user_agent)[:128], disable_region_breaker=True,
    )  # fmt: skip
    made = _client_class(service)(_Credential(keys), region, profile)
    made.request = sender
    return made


def _client_class(service: Service) -> Any:
    if service is CVM:
        from tencentcloud.cvm.v20170312.cvm_client import CvmClient

        return CvmClient
    if service is ECM:
        from tencentcloud.ecm.v20190719.ecm_client import EcmClient

        return EcmClient
    from tencentcloud.common.common_client import CommonClient

    return lambda credential, region, profile: CommonClient(
        service.product, service.version, credential, region, profile
    )


def _quiet() -> None:
    """The SDK logs whole answers at DEBUG, temporary keys among them."""
    logging.getLogger("tencentcloud_sdk_common").setLevel(logging.WARNING)


class _Credential:
    """The current key, asked for every request, in the form in which the SDK takes it."""

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys

    def get_credential_info(self) -> tuple[str, str, str | None]:
        key = self._keys.current()
        return key.id, key.secret, key.token or None
