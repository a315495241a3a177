"""COS's signature in a header or a URL, computed by the official SDK (tencent.md 4.6)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imgmove.clouds.keys import AccessKey
from imgmove.clouds.tencent.cos_address import Address, quoted_query

_TOKEN: Final = "x-cos-security-token"  # noqa: S105 - the name of a header
#: For a request that is sent at once.
_HEADER_SECONDS: Final = 3600


@dataclass
class _Signable:
    """As much of a request as the SDK's signer looks at and writes to."""

    method: str
    headers: dict[str, str]
    url: str = ""


@dataclass(frozen=True)
class SignedUrl:
    url: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)


class Signer:
    """Signs with one key. Safe to use from several threads."""

    def __init__(self, key: AccessKey) -> None:
        from qcloud_cos import CosConfig, CosS3Auth

        # It logs what it signs with, and its key of the hour, at DEBUG.
        logging.getLogger("qcloud_cos").setLevel(logging.WARNING)
        self.key = key
        self._auth: Any = CosS3Auth
        self._config = CosConfig(Region="any", SecretId=key.id, SecretKey=key.secret)

    def headers(
        self, method: str, address: Address, key: str, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> dict[str, str]:
        """`headers` with Host, signature and token; all of those that COS signs are."""
        complete = {**headers, "Host": address.host}
        if self.key.token:
            complete[_TOKEN] = self.key.token
        signature = self._signature(method, key, parameters, complete, _HEADER_SECONDS)
        return {**complete, "Authorization": signature}

    def url(
        self, method: str, address: Address, key: str, parameters: Mapping[str, str], expires_seconds: float
    ) -> SignedUrl:
        """A URL that anybody may use for `expires_seconds`, with the headers that have to be sent along.

        Method, host and parameters are signed; the token travels in the URL (as the SDK wants it, 4.6).
        """
        named = {**parameters, **({_TOKEN: self.key.token} if self.key.token else {})}
        signature = self._signature(method, key, named, {"Host": address.host}, max(1, int(expires_seconds)))
        fields = dict(item.split("=", 1) for item in signature.split("&"))
        return SignedUrl(address.url(key, quoted_query({**named, **fields})), address.extra_headers)

    def _signature(
        self, method: str, key: str, parameters: Mapping[str, str], headers: Mapping[str, str], seconds: int
    ) -> str:
        request = _Signable(method, dict(headers))
        self._auth(self._config, key, dict(parameters), seconds)(request)
        return request.headers["Authorization"]
