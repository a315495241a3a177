"""COS and OSS once more: one small object store that speaks two dialects, with the buckets in a dictionary.

A bucket is found in the path or in the Host header, whichever the client can sign. `ways` are legal readings of the
documents; each test says which one it wants.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import quote, unquote
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
    def __init__(self, status: int, code: str, **more: str) -> None:
        super().__init__(code)
        self.status, self.code, self.more = status, code, more


class Store(Service):
    """The buckets of one account."""

    def __init__(self, dialect: Mapping[str, Any], now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__()
        self.dialect, self.now, self.ways = dialect, now, dict(ways)
        self.mark = str(dialect["mark"])
        self.buckets: dict[str, str] = {}
        self.things: dict[str, Thing] = {}
        self.uploads: dict[str, Upload] = {}
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        self.numbers = itertools.count(1)
        self.name, self.answer = self._named, self._answered

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

    # ------------------------------------------------------------------------------------------------- envelope

    def _named(self, ask: Ask) -> Ask:
        host = ask.headers.get("host", "").partition(":")[0]
        found = re.match(self.dialect["host"], host) or re.fullmatch(r"([a-z0-9-]+)\.localhost", host)
        path = unquote(ask.path.lstrip("/"))
        bucket, key = (found.group(1), path) if found else (path.partition("/")[0], path.partition("/")[2])
        if host.startswith("service."):
            bucket, key = "", ""
        what = f"{ask.method} {self._what(ask, bucket, key)}"
        return Ask(ask.method, ask.path, ask.query, ask.headers, ask.body, what, {"bucket": bucket, "key": key})

    @staticmethod
    def _what(ask: Ask, bucket: str, key: str) -> str:
        special = ("location", "bucketInfo", "encryption", "uploads", "uploadId")
        named = next((name for name in special if name in ask.query), "")
        if not bucket:
            return "service"
        if key:
            return "part" if "partNumber" in ask.query else named or "object"
        return named or ("objects" if ask.method == "GET" else "bucket")

    def _answered(self, ask: Ask) -> Say:
        try:
            self._look_at_signature(ask)
            waiting = self.refusals.get(ask.what)
            if waiting:
                raise RefusedError(*waiting.pop(0))
            say = self._do(ask)
        except RefusedError as refusal:
            say = self._refused(ask, refusal)
        if "no request id" not in self.ways:
            say.headers[f"{self.mark}request-id"] = f"q-{next(self.numbers)}"
        return say

    def _look_at_signature(self, ask: Ask) -> None:
        in_url = any(name in ask.query for name in ("q-signature", "x-oss-signature"))
        in_header = ask.headers.get("authorization", "").startswith(self.dialect["header"])
        if in_url == in_header:
            raise RefusedError(403, "AccessDenied")

    def _do(self, ask: Ask) -> Say:
        bucket, key = ask.values["bucket"], ask.values["key"]
        if bucket and bucket not in self.buckets:
            raise RefusedError(404, "NoSuchBucket")
        method = getattr(self, "do_" + ask.what.replace(" ", "_"), None)
        if method is None:
            raise RefusedError(405, "MethodNotAllowed")
        found: Say = method(ask, bucket, key)
        return found

    def _refused(self, ask: Ask, refusal: RefusedError) -> Say:
        more = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in refusal.more.items())
        document = (
            f"<Error><Code>{refusal.code}</Code><Message>refused by the emulation</Message><Resource>/</Resource>"
            f"<RequestId>q-{next(self.numbers)}</RequestId>{more}</Error>"
        )
        if ask.method != "HEAD":
            return self.xml(document, refusal.status)
        header = {} if "bare heads" in self.ways or self.mark == "x-cos-" else {
            "x-oss-err": base64.b64encode(document.encode()).decode()
        }  # fmt: skip
        return Say(refusal.status, b"", header)

    def xml(self, document: str, status: int = 200, *, blanks: bool = False) -> Say:
        """A document; with or without declaration and namespace."""
        if "namespace" in self.ways:
            document = re.sub(r"^<(\w+)>", r'<\1 xmlns="http://doc.example.com/2006-03-01/">', document)
        head = "" if "no declaration" in self.ways else '<?xml version="1.0" encoding="UTF-8"?>\n'
        body = (" \n" * 40 if blanks else "") + head + document
        return Say(status, body.encode(), {"Content-Type": "application/xml"})

    # --------------------------------------------------------------------------------------------------- bucket

    def do_HEAD_bucket(self, _ask: Ask, bucket: str, _key: str) -> Say:
        if "closed" in self.ways:
            raise RefusedError(403, "AccessDenied")
        return Say(200, b"", {f"{self.mark}bucket-region": self.buckets[bucket]})

    def do_GET_location(self, _ask: Ask, bucket: str, _key: str) -> Say:
        if "closed" in self.ways:
            raise RefusedError(403, "AccessDenied")
        region = self.buckets[bucket] if self.mark == "x-cos-" else f"oss-{self.buckets[bucket]}"
        return self.xml(f"<LocationConstraint>{region}</LocationConstraint>")

    def do_GET_bucketInfo(self, _ask: Ask, bucket: str, _key: str) -> Say:
        if "closed" in self.ways:
            raise RefusedError(403, "AccessDenied")
        region = self.buckets[bucket]
        rule = "<ServerSideEncryptionRule><SSEAlgorithm>None</SSEAlgorithm></ServerSideEncryptionRule>"
        rule = "" if "few fields" in self.ways else rule
        return self.xml(
            f"<BucketInfo><Bucket><Name>{bucket}</Name><Location>oss-{region}</Location>{rule}</Bucket></BucketInfo>"
        )

    def do_GET_encryption(self, _ask: Ask, _bucket: str, _key: str) -> Say:
        raise RefusedError(404, "NoSuchEncryptionConfiguration")

    def do_GET_service(self, _ask: Ask, _bucket: str, _key: str) -> Say:
        if "closed list" in self.ways:
            raise RefusedError(403, "AccessDenied")
        prefix = "" if self.mark == "x-cos-" else "oss-"
        rows = "".join(f"<Bucket><Name>{name}</Name><Location>{prefix}{region}</Location></Bucket>"
                       for name, region in self.buckets.items())  # fmt: skip
        return self.xml(f"<ListAllMyBucketsResult><Buckets>{rows}</Buckets></ListAllMyBucketsResult>")

    # --------------------------------------------------------------------------------------------------- lists

    def _coded(self, ask: Ask, name: str) -> str:
        if ask.query.get("encoding-type") == "url" and "keys as they are" not in self.ways:
            return quote(name, safe="" if "quotes slashes" in self.ways else "/")
        return escape(name)

    def _encoding(self, ask: Ask) -> str:
        if ask.query.get("encoding-type") != "url" or "keys as they are" in self.ways:
            return ""
        tag = "Encoding-Type" if "encoding with a dash" in self.ways else "EncodingType"
        return f"<{tag}>url</{tag}>"

    def do_GET_objects(self, ask: Ask, bucket: str, _key: str) -> Say:
        after = unquote(ask.query.get("continuation-token", "").removeprefix("tok:")) or ask.query.get("marker", "")
        prefix = ask.query.get("prefix", "")
        keys = sorted(path.partition("/")[2] for path in self.things if path.partition("/")[0] == bucket)
        keys = [key for key in keys if key.startswith(prefix) and key > after]
        size = min(int(ask.query.get("max-keys", 1000)), self.ways.get("page", 1000))
        shown, more = keys[:size], len(keys) > size
        rows = "".join(self._row(ask, key, self.things[f"{bucket}/{key}"]) for key in shown)
        following = ""
        if more and ask.query.get("list-type") == "2" and "first lists" not in self.ways:
            token = self._coded(ask, f"tok:{quote(shown[-1])}")
            following = f"<NextContinuationToken>{token}</NextContinuationToken>"
        elif more and "no markers" not in self.ways:
            following = f"<NextMarker>{self._coded(ask, shown[-1])}</NextMarker>"
        return self.xml(
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{self._coded(ask, prefix)}</Prefix>{self._encoding(ask)}"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>"
        )

    def _row(self, ask: Ask, key: str, thing: Thing) -> str:
        changed = datetime.fromtimestamp(thing.changed, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return (
            f"<Contents><Key>{self._coded(ask, key)}</Key><LastModified>{changed}</LastModified>"
            f"<ETag>{escape(self.shown_etag(thing))}</ETag><Size>{len(thing.body)}</Size></Contents>"
        )

    def do_GET_uploads(self, ask: Ask, bucket: str, _key: str) -> Say:
        if "closed uploads" in self.ways:
            raise RefusedError(403, "AccessDenied")
        marker = (ask.query.get("key-marker", ""), ask.query.get("upload-id-marker", ""))
        found = sorted((upload.key, name) for name, upload in self.uploads.items()
                       if upload.bucket == bucket and upload.key.startswith(ask.query.get("prefix", "")))  # fmt: skip
        found = [pair for pair in found if pair > marker]
        size = self.ways.get("page", 1000)
        rows = "".join(
            f"<Upload><Key>{self._coded(ask, key)}</Key><UploadId>{name}</UploadId><Initiated>"
            f"{datetime.fromtimestamp(self.uploads[name].begun, UTC).strftime('%Y-%m-%dT%H:%M:%S.000Z')}</Initiated></Upload>"
            for key, name in found[:size]
        )
        more = len(found) > size
        next_ = "" if not more else (f"<NextKeyMarker>{self._coded(ask, found[size - 1][0])}</NextKeyMarker>"
                                     f"<NextUploadIdMarker>{found[size - 1][1]}</NextUploadIdMarker>")  # fmt: skip
        return self.xml(f"<ListMultipartUploadsResult>{self._encoding(ask)}<IsTruncated>{str(more).lower()}</IsTruncated>"
                        f"{next_}{rows}</ListMultipartUploadsResult>")  # fmt: skip

    # -------------------------------------------------------------------------------------------------- objects

    def shown_etag(self, thing: Thing) -> str:
        """In the dialect's case and with quotes, unless asked for otherwise."""
        way = self.ways.get("etag", "")
        case = {"upper": str.upper, "lower": str.lower}.get(way.partition(" ")[0], self.dialect["case"])
        text: str = case(thing.etag)
        return text if "bare" in way else f'"{text}"'

    def _facts(self, thing: Thing, *, ranged: bytes | None = None) -> dict[str, str]:
        headers = {"ETag": self.shown_etag(thing), "Last-Modified": formatdate(thing.changed, usegmt=True)}
        if "no crc" not in self.ways:
            headers[f"{self.mark}hash-crc64ecma"] = str(xz(thing.body if ranged is None else ranged))
        return headers

    def _thing(self, bucket: str, key: str) -> Thing:
        thing = self.things.get(f"{bucket}/{key}")
        if thing is None:
            raise RefusedError(404, "NoSuchKey")
        return thing

    def do_HEAD_object(self, _ask: Ask, bucket: str, key: str) -> Say:
        thing = self._thing(bucket, key)
        return Say(200, b"", {**self._facts(thing), "Content-Length": str(len(thing.body))})

    def do_GET_object(self, ask: Ask, bucket: str, key: str) -> Say:
        thing = self._thing(bucket, key)
        pinned = ask.headers.get("if-match", "").strip('"')
        if pinned and pinned != self.shown_etag(thing).strip('"'):
            raise RefusedError(412, "PreconditionFailed")
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", ask.headers.get("range", ""))
        if not found:
            return Say(200, thing.body, self._facts(thing))
        first, last = int(found.group(1)), min(int(found.group(2)), len(thing.body) - 1)
        if first >= len(thing.body):
            if self.mark == "x-oss-" and ask.headers.get("x-oss-range-behavior") != "standard":
                return Say(200, thing.body, self._facts(thing))
            raise RefusedError(416, "InvalidRange")
        headers = {**self._facts(thing), "Content-Range": f"bytes {first}-{last}/{len(thing.body)}"}
        return Say(206, thing.body[first : last + 1], headers)

    def do_PUT_object(self, ask: Ask, bucket: str, key: str) -> Say:
        self.write(f"{bucket}/{key}", ask.body)
        return Say(200, b"", self._facts(self.things[f"{bucket}/{key}"]))

    def do_DELETE_object(self, _ask: Ask, bucket: str, key: str) -> Say:
        if self.things.pop(f"{bucket}/{key}", None) is None and "absent is an error" in self.ways:
            raise RefusedError(404, "NoSuchKey")
        return Say(204)

    # ------------------------------------------------------------------------------------------------- multipart

    def do_POST_uploads(self, ask: Ask, bucket: str, key: str) -> Say:
        upload_id = f"up{next(self.numbers):06d}"
        self.uploads[upload_id] = Upload(bucket, key, self.now())
        return self.xml(f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{self._coded(ask, key)}</Key>"
                        f"<UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>")  # fmt: skip

    def _upload(self, ask: Ask) -> Upload:
        upload = self.uploads.get(ask.query["uploadId"])
        if upload is None:
            raise RefusedError(404, "NoSuchUpload")
        return upload

    def do_PUT_part(self, ask: Ask, _bucket: str, _key: str) -> Say:
        thing = Thing(ask.body, hashlib.md5(ask.body).hexdigest(), self.now())
        self._upload(ask).parts[int(ask.query["partNumber"])] = thing
        return Say(200, b"", self._facts(thing))

    def do_GET_uploadId(self, ask: Ask, _bucket: str, _key: str) -> Say:
        parts = self._upload(ask).parts
        after = int(ask.query.get("part-number-marker") or 0)
        size = min(int(ask.query.get("max-parts", 1000)), self.ways.get("page", 1000))
        numbers = sorted(number for number in parts if number > after)
        rows = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(self.shown_etag(parts[number]))}</ETag>"
            f"<Size>{len(parts[number].body)}</Size></Part>"
            for number in numbers[:size]
        )
        more = len(numbers) > size
        marker = f"<NextPartNumberMarker>{numbers[size - 1]}</NextPartNumberMarker>" if more else ""
        return self.xml(
            f"<ListPartsResult><IsTruncated>{str(more).lower()}</IsTruncated>{marker}{rows}</ListPartsResult>"
        )

    def do_POST_uploadId(self, ask: Ask, bucket: str, key: str) -> Say:
        upload = self._upload(ask)
        root = ElementTree.fromstring(ask.body)
        body = b""
        numbers: list[int] = []
        for entry in root.findall("Part"):
            number, etag = int(entry.findtext("PartNumber") or 0), (entry.findtext("ETag") or "").strip('"')
            part = upload.parts.get(number)
            if part is None or part.etag.lower() != etag.lower():
                raise RefusedError(400, "InvalidPart")
            body, numbers = body + part.body, [*numbers, number]
        if numbers != sorted(numbers) or not numbers:
            raise RefusedError(400, "InvalidPartOrder")
        if self.ways.get("complete fails"):
            self.ways["complete fails"] -= 1
            return self.xml("<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message>"
                            "<Resource>/</Resource><RequestId>q-200</RequestId></Error>", blanks=True)  # fmt: skip
        thing = Thing(body, f"{hashlib.md5(body).hexdigest()}-{len(numbers)}", self.now())
        self.things[f"{bucket}/{key}"] = thing
        del self.uploads[ask.query["uploadId"]]
        say = self.xml(f"<CompleteMultipartUploadResult><Key>{self._coded(ask, key)}</Key>"
                       f"<ETag>{escape(self.shown_etag(thing))}</ETag></CompleteMultipartUploadResult>",
                       blanks="blanks" in self.ways)  # fmt: skip
        if "no crc" not in self.ways and "blanks" not in self.ways:
            say.headers[f"{self.mark}hash-crc64ecma"] = str(xz(body))
        return say

    def do_DELETE_uploadId(self, ask: Ask, _bucket: str, _key: str) -> Say:
        self._upload(ask)
        del self.uploads[ask.query["uploadId"]]
        return Say(204)


def cos(now: Callable[[], float], ways: Mapping[str, Any]) -> Store:
    store = Store(COS, now, ways)
    store.buckets = {"stage-1250000000": "ap-guangzhou", "far-1250000000": "ap-shanghai"}
    return store


def oss(now: Callable[[], float], ways: Mapping[str, Any]) -> Store:
    store = Store(OSS, now, ways)
    store.buckets = {"stage": "cn-hangzhou", "far": "ap-southeast-1"}
    return store
