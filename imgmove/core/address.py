"""Addresses: one way to name an image, a place for images, an object, or a file (contract, "Addresses").

Parsing here knows only the grammar `SCHEME://AUTHORITY[/PATH]`; which scheme belongs to which cloud is the
registry's knowledge, so that a third party's cloud needs no line here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from imgmove.core.errors import usage_error
from imgmove.core.text import clean

_URI: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)", re.DOTALL)
_FORMS: Final = (
    "tencent://REGION/img-…, ecm://REGION/img-…, alibaba://REGION/m-…, cos://BUCKET-APPID/KEY, oss://BUCKET/KEY "
    "or a path"
)


@dataclass(frozen=True)
class Uri:
    """A parsed address of a cloud: `tencent://ap-guangzhou/img-1` is ("tencent", "ap-guangzhou", "img-1")."""

    scheme: str
    authority: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}" + (f"/{self.path}" if self.path else "")


@dataclass(frozen=True)
class LocalFile:
    """A path on this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class ObjectAddress:
    """An object in a store (`cos://BUCKET-APPID/KEY`, `oss://BUCKET/KEY`); a key that ends in `/` is a prefix."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"

    @property
    def is_prefix(self) -> bool:
        return self.key == "" or self.key.endswith("/")


@dataclass(frozen=True)
class ImageAddress:
    """An image, an instance, or (id empty) a place for images: a provider's service in a region.

    `region` is empty where the address gave none (`ecm://`).
    """

    provider: str
    region: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.provider}://{self.region}" + (f"/{self.id}" if self.id else "")


def parse_address(text: str) -> Uri | LocalFile:
    """`text` as a cloud's address or a local path.

    Raises a usage error for an empty text, control characters, a missing bucket or region where one is
    needed to make sense, user information, and a `file://` with a host. Keys are taken as they are written:
    a `%` in a key is a `%`.
    """
    if not text or text.isspace():
        raise usage_error("an empty address", f"give one of {_FORMS}")
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise usage_error(f"the address {clean(text)!r} has control characters", "remove them")
    match = _URI.fullmatch(text)
    if match is None:
        return LocalFile(Path(text))
    scheme, rest = match.group(1).lower(), match.group(2)
    if scheme == "file":
        return _file(rest, text)
    authority, _, path = rest.partition("/")
    if "@" in authority or "?" in authority or "#" in authority:
        raise usage_error(
            f"the address {text!r} has more than a region or bucket before its first '/'",
            f"the forms are {_FORMS}",
        )
    return Uri(scheme, authority, path)


def _file(rest: str, text: str) -> LocalFile:
    host, slash, path = rest.partition("/")
    if host not in {"", "localhost"} or not slash or not path:
        raise usage_error(f"{text!r} is not a file of this machine", "write file:///absolute/path or just the path")
    return LocalFile(Path("/" + unquote(path)))
