"""OSS: one bucket as an object store (`imgmove.core.ports.ObjectStore`)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from imgmove.clouds.alibaba import (
    bucket_probe,
    bucket_survey,
    credentials,
    errors,
    limits,
    metadata,
    store_errors,
    store_xml,
)
from imgmove.clouds.alibaba.bucket import Bucket, missing
from imgmove.clouds.alibaba.bucket_address import check_bucket_name, check_key
from imgmove.clouds.keys import KeySource
from imgmove.clouds.transport import Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import BucketSurvey
from imgmove.core.ports import BucketInfo, ObjectInfo, PartInfo, SignedRequest, StoreLimits, UploadInfo
from imgmove.core.settings import Settings

T = TypeVar("T")

#: A range outside the object is refused instead of answered with the whole object (alibaba.md 7.3).
_STRICT_RANGE = {"x-oss-range-behavior": "standard"}
_CRC64 = "x-oss-hash-crc64ecma"


class OssStore:
    """One bucket of OSS. Primitive requests, each sent once; the engine decides on retries."""

    scheme = "oss"
    limits: StoreLimits = limits.OSS_LIMITS

    def __init__(
        self, bucket: str, region: str, settings: Settings,
        keys: KeySource | None = None, transport: Transport | None = None,
    ) -> None:  # fmt: skip
        check_bucket_name(bucket)
        transport = transport or Transport(settings, metadata.DIRECT_HOSTS)
        self._bucket = Bucket(bucket, region, settings, keys or credentials.find(settings, transport), transport)

    @property
    def bucket(self) -> str:
        return self._bucket.name

    def bucket_info(self) -> BucketInfo:
        """Region, encryption and class; the latter two unknown where we may not read the bucket's information."""
        return self._bucket.info()

    def survey(self) -> BucketSurvey:
        """How the bucket is set up, in whichever region it is (`imgmove.core.inspection.SurveyableStore`)."""
        return bucket_survey.survey(self._bucket)

    def probe_write(self, key: str) -> None:
        check_key(key)
        bucket_probe.probe_write(self._bucket, key)

    def probe_read(self, key: str) -> None:
        check_key(key)
        bucket_probe.probe_read(self._bucket, key)

    def head(self, key: str) -> ObjectInfo | None:
        check_key(key)
        answer = self._bucket.send("HEAD", key)
        if answer.status == 404:
            code = store_errors.code_of(answer)
            if not code:
                self._bucket.check_exists()
            if code in {"", "NoSuchKey"}:
                return None
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=False, asked_region=self._bucket.region)
        if not answer.headers.get("etag"):
            raise errors.not_theirs("OSS", answer, changes=False, what="no ETag in the answer")
        if answer.length is None:
            raise errors.not_theirs("OSS", answer, changes=False, what="no Content-Length in the answer")
        return self._info(key, answer, answer.length)

    def measure(self, _key: str) -> int | None:
        """None: reading an object costs traffic, and OSS tells its CRC-64 by itself."""
        return None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix, "max-keys": str(limits.OSS_PAGE_SIZE)}
        for root in self._pages("", query, store_xml.next_objects):
            yield from store_xml.objects(root)

    def read(self, key: str, offset: int, length: int, etag: str | None = None) -> bytes:
        if length <= 0:
            return b""
        check_key(key)
        headers = self._range_headers(offset, length, etag)
        answer = self._bucket.send("GET", key, headers=headers, max_bytes=max(length, 1 << 20))
        if answer.status == 416:
            return b""
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=False, asked_region=self._bucket.region)
        starts_right = answer.headers.get("content-range", "").startswith(f"bytes {offset}-")
        whole = answer.status == 200 and offset == 0
        if not ((answer.status == 206 and starts_right) or whole) or len(answer.body) > length:
            raise errors.not_theirs("OSS", answer, changes=False, what="the range asked for was not given")
        return answer.body

    def put(self, key: str, body: bytes) -> ObjectInfo:
        check_key(key)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = {"Content-Type": "application/octet-stream", "Content-MD5": digest}
        answer = self._bucket.call("PUT", key, headers=headers, body=body, changes=True)
        return self._info(key, answer, len(body))

    def sign_read(self, key: str, offset: int, length: int, etag: str | None, expires_seconds: float) -> SignedRequest:
        check_key(key)
        headers = self._range_headers(offset, length, etag)
        url = self._signed_url("GET", key, {}, _STRICT_RANGE, expires_seconds)
        return SignedRequest("GET", url, headers)

    def sign_put_part(
        self, key: str, upload_id: str, number: int, length: int, expires_seconds: float
    ) -> SignedRequest:
        check_key(key)
        if not 1 <= number <= self.limits.max_parts or length > self.limits.max_part_bytes:
            raise ImgmoveError(
                Kind.INVALID, f"part {number} of {length} bytes breaks OSS's rules", code="InvalidArgument",
                hint=f"at most {self.limits.max_parts} parts of at most 5 GiB",
            )  # fmt: skip
        params = {"partNumber": str(number), "uploadId": upload_id}
        return SignedRequest("PUT", self._signed_url("PUT", key, params, {}, expires_seconds))

    def share_url(self, key: str, expires_seconds: float) -> str:
        check_key(key)
        return self._signed_url("GET", key, {}, {}, expires_seconds, public=True)

    def begin(self, key: str) -> str:
        check_key(key)
        root, answer = self._bucket.document("POST", key, {"uploads": ""}, changes=True)
        upload_id = (root.findtext("UploadId") or "").strip()
        if not upload_id:
            raise errors.not_theirs("OSS", answer, changes=True, what="no UploadId in the answer")
        return upload_id

    def parts(self, key: str, upload_id: str) -> Iterator[PartInfo]:
        check_key(key)
        query = {"uploadId": upload_id, "max-parts": str(limits.OSS_PAGE_SIZE)}
        for root in self._pages(key, query, store_xml.next_parts):
            yield from store_xml.parts(root)

    def uploads(self, prefix: str) -> Iterator[UploadInfo]:
        query = {"uploads": "", "encoding-type": "url", "prefix": prefix, "max-uploads": str(limits.OSS_PAGE_SIZE)}
        for root in self._pages("", query, store_xml.next_uploads):
            yield from store_xml.uploads(root)

    def finish(self, key: str, upload_id: str, parts: Sequence[PartInfo]) -> ObjectInfo:
        check_key(key)
        body = store_xml.completion(parts)
        root, answer = self._bucket.document("POST", key, {"uploadId": upload_id}, body, changes=True)
        etag = store_xml.etag(root.findtext("ETag") or answer.headers.get("etag", ""))
        if not etag:
            raise errors.not_theirs("OSS", answer, changes=True, what="no ETag in the answer")
        size_bytes = sum(part.size_bytes for part in parts)
        return ObjectInfo(key, size_bytes, etag, self._modified(answer), self.crc64_of(answer.headers))

    def abort(self, key: str, upload_id: str) -> None:
        check_key(key)
        self._absent_is_fine(lambda: self._bucket.call("DELETE", key, {"uploadId": upload_id}, changes=True))

    def delete(self, key: str) -> None:
        check_key(key)
        self._absent_is_fine(lambda: self._bucket.call("DELETE", key, changes=True))

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ImgmoveError:
        lowered = {name.lower(): value for name, value in headers.items()}
        answer = Answer(status, lowered, body, self._bucket.address().url())
        return store_errors.refusal(answer, changes=False, asked_region=self._bucket.region)

    def crc64_of(self, headers: Mapping[str, str]) -> int | None:
        value = next((value for name, value in headers.items() if name.lower() == _CRC64), "")
        return int(value) if value.isdecimal() else None

    def _signed_url(
        self, method: str, key: str, params: Mapping[str, str], headers: Mapping[str, str], expires_seconds: float,
        *, public: bool = False,
    ) -> str:  # fmt: skip
        url = self._bucket.address(public=public).url(key)
        return self._bucket.signer().url(method, url, self.bucket, key, params, headers, expires_seconds)

    def _pages(
        self, key: str, query: dict[str, str], next_page: Callable[[store_xml.Element], store_xml.Page]
    ) -> Iterator[store_xml.Element]:
        """Every page of a list; a list that does not move on is an error and no endless loop."""
        more: dict[str, str] = {}
        while True:
            root, answer = self._bucket.document("GET", key, query | more)
            yield root
            following = next_page(root).next_query
            if following is None:
                return
            if following == more:
                raise errors.not_theirs("OSS", answer, changes=False, what="a list that repeats its page")
            more = following

    def _info(self, key: str, answer: Answer, size_bytes: int) -> ObjectInfo:
        return ObjectInfo(
            key, size_bytes, store_xml.etag(answer.headers.get("etag", "")), self._modified(answer),
            self.crc64_of(answer.headers), answer.headers.get("x-oss-storage-class", ""),
        )  # fmt: skip

    @staticmethod
    def _modified(answer: Answer) -> float:
        return store_xml.http_time(answer.headers.get("last-modified") or answer.headers.get("date", ""))

    @staticmethod
    def _range_headers(offset: int, length: int, etag: str | None) -> dict[str, str]:
        headers = {"Range": f"bytes={offset}-{offset + length - 1}", **_STRICT_RANGE}
        return headers | {"If-Match": f'"{etag}"'} if etag else headers

    @staticmethod
    def _absent_is_fine(call: Callable[[], Any]) -> None:
        try:
            call()
        except ImgmoveError as error:
            if not missing(error, "NoSuchKey", "NoSuchUpload"):
                raise
