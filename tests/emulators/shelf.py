"""What both dialects of the second emulation's stores are made of: objects, uploads, and how they are written down."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from fastcrc.crc64 import xz

from tests.emulators.wire import Ask, Say, Service

#: What the dialects differ in.
COS: Final = {"mark": "x-cos-", "signed": "q-signature=", "header": "q-sign-algorithm=sha1&q-ak=AKIDemulator&",
              "host": r"([a-z0-9-]+)\.cos\.", "case": str.lower}  # fmt: skip
OSS: Final = {"mark": "x-oss-", "signed": "x-oss-signature=", "header": "OSS4-HMAC-SHA256 Credential=LTAIemulator/",
              "host": r"([a-z0-9-]+)\.oss-", "case": str.upper}  # fmt: skip


@dataclass
class Thing:
    """An object."""

    body: bytes
    etag: str
    changed: float


@dataclass
class Upload:
    bucket: str
    key: str
    begun: float
    parts: dict[int, Thing] = field(default_factory=dict)


class RefusedError(Exception):
    """A refusal; `more` are elements of its document."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None, **more: str) -> None:
        super().__init__(code)
        self.status, self.code, self.more, self.headers = status, code, more, dict(headers or {})


class Shelf(Service):
    """The buckets of one account, without a protocol."""

    def __init__(self, dialect: Mapping[str, Any], now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__()
        self.dialect, self.now, self.ways = dialect, now, dict(ways)
        self.mark = str(dialect["mark"])
        self.buckets: dict[str, str] = {}
        self.things: dict[str, Thing] = {}
        self.uploads: dict[str, Upload] = {}
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        self.numbers = itertools.count(1)
        self.request_id = ""

    # ---------------------------------------------------------------------------------- what the compute side does

    def has(self, bucket: str, key: str) -> bool:
        return f"{bucket}/{key}" in self.things

    def write(self, path: str, body: bytes | None, *, ago: float = 0.0) -> None:
        """Write an object at once; the same bytes again leave it as it is, None removes it."""
        there = self.things.get(path)
        if body is None:
            self.things.pop(path, None)
        elif there is None or there.body != body:
            self.things[path] = Thing(body, hashlib.md5(body).hexdigest(), self.now() - ago)

    # ------------------------------------------------------------------------------------------------ as written

    def xml(self, document: str, status: int = 200, *, blanks: bool = False) -> Say:
        """A document; with or without declaration and namespace."""
        if "namespace" in self.ways:
            document = re.sub(r"^<(\w+)>", r'<\1 xmlns="http://doc.example.com/2006-03-01/">', document)
        head = "" if "no declaration" in self.ways else '<?xml version="1.0" encoding="UTF-8"?>\n'
        body = (" \n" * 40 if blanks or "blanks in front" in self.ways else "") + head + document
        return Say(status, body.encode(), {"Content-Type": "application/xml"})

    def coded(self, ask: Ask, name: str) -> str:
        if ask.query.get("encoding-type") == "url" and "keys as they are" not in self.ways:
            return quote(name, safe="" if "quotes slashes" in self.ways else "/")
        return escape(name)

    def encoding(self, ask: Ask) -> str:
        if ask.query.get("encoding-type") != "url" or "keys as they are" in self.ways:
            return ""
        tag = "Encoding-Type" if "encoding with a dash" in self.ways else "EncodingType"
        return f"<{tag}>url</{tag}>"

    def shown_etag(self, thing: Thing) -> str:
        """In the dialect's case and with quotes, unless asked for otherwise."""
        way = self.ways.get("etag", "")
        case = {"upper": str.upper, "lower": str.lower}.get(way.partition(" ")[0], self.dialect["case"])
        text: str = case(thing.etag)
        return text if "bare" in way else f'"{text}"'

    def facts(self, thing: Thing, *, ranged: bytes | None = None) -> dict[str, str]:
        headers = {"ETag": self.shown_etag(thing), "Last-Modified": formatdate(thing.changed, usegmt=True)}
        if "no crc" not in self.ways:
            headers[f"{self.mark}hash-crc64ecma"] = str(xz(thing.body if ranged is None else ranged))
        return headers
