"""Addresses of COS objects as ImportImage takes them: parsing, and which region may read from which."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from imgmove.sandbox.world.tencent_rules import FINANCE_REGIONS, MAINLAND_REGIONS

_COS_HOST = re.compile(
    r"(?P<bucket>[A-Za-z0-9][A-Za-z0-9-]*)\."
    r"(?:cosd|cos\.accelerate|cos-internal\.accelerate|(?:cos|cos-internal)\.(?P<region>[a-z0-9-]+))"
    r"\.(?:myqcloud\.com|tencentcos\.cn|tencentcos\.com)"
)
_WITH_APP_ID = re.compile(r".+-\d{5,}")


class UrlError(ValueError):
    """Text that is no address of a COS object; `wrong_app_id` where only the bucket's APPID is the trouble."""

    def __init__(self, message: str, *, wrong_app_id: bool = False) -> None:
        super().__init__(message)
        self.wrong_app_id = wrong_app_id


@dataclass(frozen=True)
class ObjectUrl:
    """Where an object is. `region` is "" where the host does not tell it; path and query are as they were given."""

    host: str
    bucket: str
    region: str
    key: str
    raw_path: str
    raw_query: str


def parse(url: str) -> ObjectUrl:
    """The address of an object: virtual-host form (tencent.md 3.4), or this sandbox's own with the bucket in the path
    or before `localhost`. Raises UrlError."""
    try:
        parts = urlsplit(url)
        hostname = parts.hostname or ""
        host = parts.netloc.rpartition("@")[2]
        _ = parts.port
    except ValueError as error:
        raise UrlError(str(error)) from error
    if parts.scheme not in ("http", "https") or not hostname:
        raise UrlError("the URL has to begin with http:// or https://")
    match = _COS_HOST.fullmatch(hostname)
    if match is not None:
        bucket, region, key = match["bucket"], match["region"] or "", unquote(parts.path).lstrip("/")
    elif _is_loopback(hostname):
        bucket, key, region = *_loopback_object(hostname, unquote(parts.path)), ""
    else:
        raise UrlError("the URL is not one of COS")
    if not key or key.endswith("/"):
        raise UrlError("the URL names no object")
    if not _WITH_APP_ID.fullmatch(bucket):
        raise UrlError("the bucket's name has no APPID", wrong_app_id=True)
    return ObjectUrl(host, bucket, region, key, parts.path, parts.query)


def _is_loopback(hostname: str) -> bool:
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def _loopback_object(hostname: str, path: str) -> tuple[str, str]:
    if hostname.endswith(".localhost"):
        return hostname.partition(".")[0], path.lstrip("/")
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


def may_read(image_region: str, object_region: str) -> bool:
    """Whether an import into one region may read an object of another: within the mainland yes, elsewhere and in
    finance zones only from the same region (tencent.md 3.3)."""
    if image_region == object_region:
        return True
    if image_region in FINANCE_REGIONS or object_region in FINANCE_REGIONS:
        return False
    return image_region in MAINLAND_REGIONS and object_region in MAINLAND_REGIONS
