"""Signing of OSS requests with oss2's signature version 4: in headers, and in URLs for whoever holds no key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from imgmove.clouds.alibaba import sdk
from imgmove.clouds.keys import KeySource

with sdk.quiet():
    from oss2.auth import ProviderAuthV4
    from oss2.credentials import Credentials
    from oss2.http import Request

#: OSS takes no URL that lives longer (seven days).
MAX_EXPIRES_SECONDS: Final = 604_800
_PRODUCT: Final = "oss"


class _Provider:
    """Our keys in the form that oss2 asks for them, for every request."""

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys

    def get_credentials(self) -> Any:
        key = self._keys.current()
        return Credentials(key.id, key.secret, key.token)


class Signer:
    """Signs for one region. Safe to use from several threads; a signature takes about a tenth of a millisecond."""

    def __init__(self, keys: KeySource, region: str, user_agent: str) -> None:
        self._auth = ProviderAuthV4(_Provider(keys))
        self.region = region
        self._user_agent = user_agent

    def headers(
        self, method: str, url: str, bucket: str, key: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """The URL with its query, and all headers to be sent with it."""
        request = self._request(method, url, params, headers)
        self._auth._sign_request(request, bucket, key)
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params.items())
        sent = {name: value for name, value in request.headers.items() if value is not None}
        return (f"{url}?{query}" if query else url), sent

    def url(
        self, method: str, url: str, bucket: str, key: str, params: Mapping[str, str], headers: Mapping[str, str],
        expires_seconds: float,
    ) -> str:  # fmt: skip
        """A URL that carries its signature. `headers` that begin with `x-oss-` have to be sent with it unchanged."""
        request = self._request(method, url, params, headers)
        expires = min(MAX_EXPIRES_SECONDS, max(1, int(expires_seconds)))
        return str(self._auth._sign_url(request, bucket, key, expires))

    def _request(self, method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        return Request(
            method, url, params=dict(params), headers=dict(headers), app_name=self._user_agent,
            region=self.region, product=_PRODUCT,
        )  # fmt: skip
