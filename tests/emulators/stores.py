"""COS and OSS once more: one small object store that speaks two dialects, with the buckets in a dictionary.

A bucket is found in the path or in the Host header, whichever the client can sign. `ways` are legal readings of the
documents; each test says which one it wants.
"""

from __future__ import annotations

import base64
import hashlib
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from fastcrc.crc64 import xz

from tests.emulators.bucket_settings import SettledShelf, SetUp
from tests.emulators.shelf import COS, OSS, RefusedError, Thing, Upload
from tests.emulators.wire import Ask, Say


class Store(SettledShelf):
    """The buckets of one account, over HTTP."""

    def __init__(self, dialect: Mapping[str, Any], now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__(dialect, now, ways)
        self.set_up: dict[str, SetUp] = {}
        self.name, self.answer = self._named, self._answered

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
        special = ("location", "bucketInfo", "encryption", "acl", "versioning", "lifecycle", "uploads", "uploadId")
        named = next((name for name in special if name in ask.query), "")
        if not bucket:
            return "service"
        if key:
            return "part" if "partNumber" in ask.query else named or "object"
        return named or ("objects" if ask.method == "GET" else "bucket")

    def _answered(self, ask: Ask) -> Say:
        self.request_id = f"q-{next(self.numbers)}"
        try:
            self._look_at_signature(ask)
            waiting = self.refusals.get(ask.what)
            if waiting:
                raise RefusedError(*waiting.pop(0))
            say = self._do(ask)
        except RefusedError as refusal:
            say = self._refused(ask, refusal)
        if "no request id" not in self.ways:
            say.headers[f"{self.mark}request-id"] = self.request_id
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
        if bucket:
            self.look_at_place(ask, bucket)
        self.look_at_rights(ask)
        method = getattr(self, "do_" + ask.what.replace(" ", "_"), None)
        if method is None or ask.what not in self.ways.get("only", [ask.what]):
            raise RefusedError(405, "MethodNotAllowed")
        found: Say = method(ask, bucket, key)
        return found

    def _refused(self, ask: Ask, refusal: RefusedError) -> Say:
        told = {"Message": "refused by the emulation", **refusal.more}
        more = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.items())
        known = f"<Resource>/</Resource><RequestId>{self.request_id}</RequestId>"
        document = f"<Error><Code>{refusal.code}</Code>{more}{known}</Error>"
        if not refusal.code:
            return Say(refusal.status, b"", dict(refusal.headers))
        if ask.method != "HEAD":
            say = self.xml(document, refusal.status)
            say.headers.update(refusal.headers)
            return say
        header = {} if "bare heads" in self.ways or self.mark == "x-cos-" else {
            "x-oss-err": base64.b64encode(document.encode()).decode()
        }  # fmt: skip
        return Say(refusal.status, b"", {**header, **refusal.headers})

    # ---------------------------------------------------------------------------------------------------- lists

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
            token = self.coded(ask, f"tok:{quote(shown[-1])}")
            following = f"<NextContinuationToken>{token}</NextContinuationToken>"
        elif more and "no markers" not in self.ways:
            following = f"<NextMarker>{self.coded(ask, shown[-1])}</NextMarker>"
        return self.xml(
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{self.coded(ask, prefix)}</Prefix>{self.encoding(ask)}"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>"
        )

    def _row(self, ask: Ask, key: str, thing: Thing) -> str:
        changed = datetime.fromtimestamp(thing.changed, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return (
            f"<Contents><Key>{self.coded(ask, key)}</Key><LastModified>{changed}</LastModified>"
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
            f"<Upload><Key>{self.coded(ask, key)}</Key><UploadId>{name}</UploadId><Initiated>"
            f"{datetime.fromtimestamp(self.uploads[name].begun, UTC).strftime('%Y-%m-%dT%H:%M:%S.000Z')}</Initiated></Upload>"
            for key, name in found[:size]
        )
        more = len(found) > size
        next_ = "" if not more else (f"<NextKeyMarker>{self.coded(ask, found[size - 1][0])}</NextKeyMarker>"
                                     f"<NextUploadIdMarker>{found[size - 1][1]}</NextUploadIdMarker>")  # fmt: skip
        return self.xml(f"<ListMultipartUploadsResult>{self.encoding(ask)}<IsTruncated>{str(more).lower()}</IsTruncated>"
                        f"{next_}{rows}</ListMultipartUploadsResult>")  # fmt: skip

    # -------------------------------------------------------------------------------------------------- objects

    def _thing(self, bucket: str, key: str) -> Thing:
        thing = self.things.get(f"{bucket}/{key}")
        if thing is None:
            raise RefusedError(404, "NoSuchKey")
        return thing

    def do_HEAD_object(self, _ask: Ask, bucket: str, key: str) -> Say:
        thing = self._thing(bucket, key)
        return Say(200, b"", {**self.facts(thing), "Content-Length": str(len(thing.body))})

    def do_GET_object(self, ask: Ask, bucket: str, key: str) -> Say:
        thing = self._thing(bucket, key)
        pinned = ask.headers.get("if-match", "").strip('"')
        if pinned and pinned != self.shown_etag(thing).strip('"'):
            raise RefusedError(412, "PreconditionFailed")
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", ask.headers.get("range", ""))
        if not found or "no ranges" in self.ways:
            return Say(200, thing.body, self.facts(thing))
        first, last = int(found.group(1)), min(int(found.group(2)), len(thing.body) - 1)
        if first >= len(thing.body):
            if self.mark == "x-oss-" and ask.headers.get("x-oss-range-behavior") != "standard":
                return Say(200, thing.body, self.facts(thing))
            raise RefusedError(416, "InvalidRange")
        headers = {**self.facts(thing), "Content-Range": f"bytes {first}-{last}/{len(thing.body)}"}
        return Say(206, thing.body[first : last + 1], headers)

    def do_PUT_object(self, ask: Ask, bucket: str, key: str) -> Say:
        self.write(f"{bucket}/{key}", ask.body)
        return Say(200, b"", self.facts(self.things[f"{bucket}/{key}"]))

    def do_DELETE_object(self, _ask: Ask, bucket: str, key: str) -> Say:
        if self.things.pop(f"{bucket}/{key}", None) is None and "absent is an error" in self.ways:
            raise RefusedError(404, "NoSuchKey")
        return Say(204)

    # ------------------------------------------------------------------------------------------------- multipart

    def do_POST_uploads(self, ask: Ask, bucket: str, key: str) -> Say:
        upload_id = f"up{next(self.numbers):06d}"
        self.uploads[upload_id] = Upload(bucket, key, self.now())
        return self.xml(f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{self.coded(ask, key)}</Key>"
                        f"<UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>")  # fmt: skip

    def _upload(self, ask: Ask) -> Upload:
        upload = self.uploads.get(ask.query["uploadId"])
        if upload is None:
            raise RefusedError(404, "NoSuchUpload")
        return upload

    def do_PUT_part(self, ask: Ask, _bucket: str, _key: str) -> Say:
        self.look_at_part(ask)
        thing = Thing(ask.body, hashlib.md5(ask.body).hexdigest(), self.now())
        self._upload(ask).parts[int(ask.query["partNumber"])] = thing
        return Say(200, b"", self.facts(thing))

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
        say = self.xml(f"<CompleteMultipartUploadResult><Key>{self.coded(ask, key)}</Key>"
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
