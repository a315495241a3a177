"""Where a bucket is reached: COS's own names, a domain of one's own, or an emulator on this machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from imgmove.clouds.tencent.limits import MAX_KEY_BYTES
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.hosts import is_loopback
from imgmove.core.settings import Settings

_DOMAIN: Final = "myqcloud.com"
_REGION_OF_HOST: Final = re.compile(
    r"(?:[a-z0-9-]+\.)?cos(?:-internal)?\.(?!accelerate)([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)"
)
_UNRESERVED: Final = "-_.~"


@dataclass(frozen=True)
class Address:
    """Scheme, host and port that a request is sent to, and the Host that it names and signs (4.1, 4.6)."""

    base: str
    host: str

    def url(self, key: str = "", query: str = "") -> str:
        return f"{self.base}/{quoted_key(key)}" + (f"?{query}" if query else "")

    @property
    def extra_headers(self) -> dict[str, str]:
        """`Host`, where the URL's own would be another."""
        return {} if urlsplit(self.base).netloc == self.host else {"Host": self.host}


def bucket_address(bucket: str, region: str, settings: Settings, *, public: bool = False) -> Address:
    """The address of `bucket` in `region`: the endpoint of the settings (unless `public`), else COS's.

    An endpoint that is an address or a bare name takes the bucket in the Host header, as the SDK does with `IP` and
    `Port`; one with a domain takes it in front of the name, as with `Endpoint`. COS's own names resolve to internal
    addresses inside the region (4.1), so that `network` makes no difference here.
    """
    override = "" if public else settings.endpoints.get("COS", "").rstrip("/")
    canonical = f"{bucket}.cos.{region}.{_DOMAIN}"
    if not override:
        return Address(f"https://{canonical}", canonical)
    parts = urlsplit(override)
    if _takes_no_subdomain(parts.hostname or ""):
        return Address(override, canonical)
    own = parts.netloc if parts.netloc.startswith(f"{bucket}.") else f"{bucket}.{parts.netloc}"
    return Address(f"{parts.scheme}://{own}", own)


def service_address(settings: Settings) -> Address:
    """Where the account's buckets are listed."""
    host = f"service.cos.{_DOMAIN}"
    override = settings.endpoints.get("COS", "").rstrip("/")
    if not override:
        return Address(f"https://{host}", host)
    parts = urlsplit(override)
    return Address(override, host if _takes_no_subdomain(parts.hostname or "") else parts.netloc)


def region_of_host(host: str) -> str:
    """The region that a name of COS's speaks of, or empty."""
    found = _REGION_OF_HOST.fullmatch(host)
    return found.group(1) if found else ""


def quoted_key(key: str) -> str:
    """A key as part of a URL. Segments of dots alone are quoted whole, so that no client takes them for a way up."""
    return "/".join(_quoted_segment(segment) for segment in key.split("/"))


def _quoted_segment(segment: str) -> str:
    return "%2E" * len(segment) if segment in {".", ".."} else quote(segment, safe=_UNRESERVED)


def quoted_query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}"
                    for name, value in parameters.items())  # fmt: skip


def check_key(key: str) -> None:
    """Raise INVALID for what is no key of an object: empty, too long, or one that a URL would not keep."""
    if not key or key[0] in "/\\":
        problem = "is no key of an object: it may not be empty, nor begin with / or \\"
    elif any(0xD800 <= ord(character) <= 0xDFFF for character in key):
        problem = "is not text"
    elif len(key.encode()) > MAX_KEY_BYTES:
        problem = f"is longer than {MAX_KEY_BYTES} bytes"
    else:
        return
    raise ImgmoveError(Kind.INVALID, f"{key[:80]!r} {problem}", code="InvalidObjectName", hint="use another key")


def _takes_no_subdomain(host: str) -> bool:
    if is_loopback(host) or "." not in host:
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
