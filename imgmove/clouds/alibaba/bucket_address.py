"""Where a bucket is reached: the region's endpoint, a domain of one's own, or an emulator on this machine."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from imgmove.clouds.alibaba import limits
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.hosts import is_loopback
from imgmove.core.settings import Settings

MAX_KEY_BYTES: Final = 1023
_REGION_OF_HOST: Final = re.compile(r"(?:[a-z0-9-]+\.)?oss-(?!accelerate)([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com")
_REGION_OF_DUAL_STACK: Final = re.compile(r"(?:[a-z0-9-]+\.)?([a-z0-9-]+)\.oss\.aliyuncs\.com")


@dataclass(frozen=True)
class BucketAddress:
    """Scheme, host and port of a service, and how the bucket is named in a request to it (alibaba.md 5.2, 5.7)."""

    base: str
    bucket: str
    style: str
    """`host`: before the host name; `path`: first in the path; `cname`: the host name is the bucket's own."""

    def url(self, key: str = "") -> str:
        """The URL of the bucket, or of a key in it; every `/` of a key is quoted, as the SDK does."""
        name = quote(key, safe="")
        if self.style == "path":
            return f"{self.base}/{self.bucket}/{name}"
        if self.style == "cname":
            return f"{self.base}/{name}"
        scheme, _, host = self.base.partition("://")
        return f"{scheme}://{self.bucket}.{host}/{name}"

    @property
    def service_url(self) -> str:
        """The service itself, for the list of buckets; empty where a bucket's own name hides it."""
        return "" if self.style == "cname" else f"{self.base}/"


def bucket_address(bucket: str, region: str, settings: Settings, *, public: bool = False) -> BucketAddress:
    """The address of `bucket` in `region`: `oss_cname`, else the endpoint of the settings, else the region's.

    `network = internal` chooses the region's internal name, unless a `public` one is wanted.
    """
    cname = settings.options.get("oss_cname", "")
    override = settings.endpoints.get("OSS", "")
    if cname and not override:
        return BucketAddress(_with_scheme(cname), bucket, "cname")
    if override:
        base = override.rstrip("/")
        return BucketAddress(base, bucket, "path" if _needs_path(urlsplit(base).hostname or "") else "host")
    internal = "-internal" if settings.options.get("network") == "internal" and not public else ""
    return BucketAddress(f"https://oss-{region}{internal}.aliyuncs.com", bucket, "host")


def region_of_host(host: str) -> str:
    """The region that a name of OSS's speaks of, or empty."""
    found = _REGION_OF_HOST.fullmatch(host) or _REGION_OF_DUAL_STACK.fullmatch(host)
    return found.group(1) if found else ""


def check_bucket_name(bucket: str) -> None:
    """A usage error with the rule in words for what no bucket of OSS can be called: it becomes part of a host name."""
    if not re.fullmatch(limits.BUCKET_PATTERN, bucket):
        raise usage_error(f"{bucket!r} is no bucket of oss://", limits.BUCKET_RULE, code="InvalidBucketName")


def check_key(key: str) -> None:
    """Raise INVALID for what is no key of an object: empty, too long, or one that a URL would not keep."""
    if not key or key in {".", ".."} or key[0] in "/\\":
        problem = "is no key of an object: it may not be empty, `.` or `..`, nor begin with / or \\"
    elif any(0xD800 <= ord(character) <= 0xDFFF for character in key):
        problem = "is not text"
    elif len(key.encode()) > MAX_KEY_BYTES:
        problem = f"is longer than {MAX_KEY_BYTES} bytes"
    else:
        return
    raise ImgmoveError(Kind.INVALID, f"{key[:80]!r} {problem}", code="InvalidObjectName", hint="use another key")


def _needs_path(host: str) -> bool:
    if is_loopback(host):
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _with_scheme(domain: str) -> str:
    url = domain if "://" in domain else f"https://{domain}"
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise usage_error(f"oss_cname {domain!r} is not a domain", "write it like https://images.example.com")
    return f"{parts.scheme}://{parts.netloc}"
