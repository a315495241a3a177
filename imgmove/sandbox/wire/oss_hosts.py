"""Which bucket and key an OSS request is about, told by its Host header and path (alibaba.md 5.2, 5.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_BUCKET = r"(?:(?P<bucket>[a-z0-9][a-z0-9-]*)\.)?"
_REGIONAL = re.compile(
    rf"{_BUCKET}(?:(?:s3\.)?oss-(?P<region>[a-z]{{2,}}-[a-z0-9-]+?)(?P<internal>-internal)?|(?P<dual>[a-z]{{2}}-[a-z0-9-]+)\.oss)"
    r"\.aliyuncs\.com"
)
_ACCELERATED = re.compile(rf"{_BUCKET}oss-accelerate(?:-overseas)?\.aliyuncs\.com")
_LOCALHOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9-]*)\.localhost")
_ADDRESS = re.compile(r"localhost|[\d.]+|\[[0-9a-f:.]+\]")


@dataclass(frozen=True)
class Place:
    """Where a request goes. Without a bucket it goes to the service; without a key, to the bucket."""

    bucket: str
    key: str
    region: str = ""
    """The region that the host names, "" where it names none."""
    public: bool = False
    """Whether this is a default public name, which some mainland accounts may not use for data; a bare address, as
    the sandbox's own, counts as one, a name of the user's own does not (alibaba.md 5.2)."""
    accelerated: bool = False
    second_level: bool = False
    """Whether the bucket is in the path although the host is the vendor's: OSS refuses that."""


def place_of(host: str, raw_path: str) -> Place:
    """The place of a request, from its Host header and its undecoded path.

    At an IP address, `localhost` and any name that is not the vendor's, the bucket is the path's first part.
    """
    name = re.sub(r":\d*$", "", host).lower()
    path = unquote(raw_path).removeprefix("/")
    if match := _REGIONAL.fullmatch(name):
        region = match["region"] or match["dual"]
        public = match["internal"] is None
        return Place(match["bucket"] or "", path, region, public, second_level=bool(path) and not match["bucket"])
    if match := _ACCELERATED.fullmatch(name):
        return Place(match["bucket"] or "", path, accelerated=True, second_level=bool(path) and not match["bucket"])
    if match := _LOCALHOST.fullmatch(name):
        return Place(match["bucket"], path, public=True)
    bucket, _, key = path.partition("/")
    return Place(bucket, key, public=_ADDRESS.fullmatch(name) is not None)
