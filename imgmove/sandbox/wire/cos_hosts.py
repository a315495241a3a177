"""Which bucket and key a COS request is about, told by its Host header and path (tencent.md 4.1, 4.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_ROOT = r"(?:myqcloud\.com|tencentcos\.cn|tencentcos\.com)"
_BUCKET = re.compile(
    rf"(?P<bucket>[A-Za-z0-9][A-Za-z0-9-]*)\.(?:(?P<fast>cos(?:-internal)?\.accelerate|cosd)"
    rf"|(?:cos|cos-internal|cos-website|pic)\.(?P<region>[a-z0-9-]+))\.{_ROOT}"
)
_SERVICE = re.compile(rf"(?:service\.cos|(?:cos|cos-internal)\.(?P<region>[a-z0-9-]+))\.{_ROOT}")
_LOCALHOST = re.compile(r"(?P<bucket>[A-Za-z0-9][A-Za-z0-9-]*)\.localhost")


@dataclass(frozen=True)
class Place:
    """Where a request goes. Without a bucket it goes to the service; without a key, to the bucket."""

    bucket: str
    key: str
    region: str = ""
    """The region that the host names, "" where it names none."""
    accelerated: bool = False
    in_path: bool = False
    """Whether the bucket was found in the path: an emulator at a loopback address accepts that too."""


def place_of(host: str, raw_path: str) -> Place:
    """The place of a request, from its Host header and its undecoded path."""
    name = _without_port(host).lower()
    path = unquote(raw_path).removeprefix("/")
    if match := _BUCKET.fullmatch(name):
        return Place(match["bucket"], path, match["region"] or "", accelerated=match["fast"] is not None)
    if match := _LOCALHOST.fullmatch(name):
        return Place(match["bucket"], path)
    if match := _SERVICE.fullmatch(name):
        return Place("", path, match["region"] or "")
    bucket, _, key = path.partition("/")
    return Place(bucket, key, in_path=True)


def signed_hosts(host: str) -> tuple[str, ...]:
    """What a client may have signed as Host: the header, or, as cos-python-sdk-v5 does, without the port."""
    bare = _without_port(host)
    return (host,) if bare == host else (host, bare)


def _without_port(host: str) -> str:
    return re.sub(r":\d*$", "", host)
