"""COS: one bucket as an object store (`imgmove.core.ports.ObjectStore`)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from imgmove.clouds.keys import KeySource
from imgmove.clouds.tencent import answers, bucket_survey, credentials, errors, limits, store_errors, store_xml
from imgmove.clouds.tencent.bucket import Bucket
from imgmove.clouds.tencent.cos_address import check_key
from imgmove.clouds.transport import Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import BucketSurvey
from imgmove.core.ports import BucketInfo, ObjectInfo, PartInfo, SignedRequest, StoreLimits, UploadInfo
from imgmove.core.settings import Settings

_CRC64: Final = "x-cos-hash-crc64ecma"
_CONTENT_TYPE: Final = "application/octet-stream"
#: COS may take so long to join the parts of a large object; the SDK waits as long (tencent.md 4.7).
_FINISH_TIMEOUT_SECONDS: Final = 1200.0


class CosStore:
    """One bucket of COS. Primitive requests, each sent once; the engine decides on retries."""

    scheme = "cos"
    limits: StoreLimits = limits.COS_LIMITS

    def __init__(
        self, bucket: str, region: str, settings: Settings,
        keys: KeySource | None = None, transport: Transport | None = None,
    ) -> None:  # fmt: skip
        transport = transport or credentials.transport_for(settings)
        # ECM's own regions (ap-hangzhou-ecm) hold no buckets: the store is asked then.
        place = "" if region.endswith("-ecm") else region
        self._bucket = Bucket(bucket, place, settings, keys or credentials.find(settings, transport), transport)

    @property
    def bucket(self) -> str:
        return self._bucket.name

    @property
    def region(self) -> str:
        """Where the bucket is; asks the store where nobody said."""
        return self._bucket.region

    def bucket_info(self) -> BucketInfo:
        """Region and encryption; the latter unknown where we may not look."""
        self._bucket.call("GET", parameters={"location": ""})
        return BucketInfo(self.bucket, self._bucket.region, self._encrypts())

    def survey(self) -> BucketSurvey:
        return bucket_survey.survey(self._bucket)

    def probe_write(self, key: str) -> None:
        check_key(key)
        bucket_survey.probe_write(self._bucket, key)

    def probe_read(self, key: str) -> None:
        check_key(key)
        bucket_survey.probe_read(self._bucket, key)

    def _encrypts(self) -> bool | None:
        answer = self._bucket.send("GET", parameters={"encryption": ""})
        if answer.status == 404:
            return False
        root = answers.xml_root(answer.body) if answer.status < 300 else None
        return store_xml.encryption(root) if root is not None else None

    def head(self, key: str) -> ObjectInfo | None:
        check_key(key)
        answer = self._bucket.send("HEAD", key)
        if answer.status == 404:
            self._bucket.check_existence()
            return None
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=False, asked_region=self._bucket.region)
        if answer.length is None:
            raise errors.not_theirs("COS", answer, changes=False, what="no Content-Length in the answer")
        return self._info(key, answer, answer.length)

    def measure(self, _key: str) -> int | None:
        """None: reading an object costs traffic, and COS tells its CRC-64 by itself."""
        return None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        query = {"prefix": prefix, "encoding-type": "url", "max-keys": str(limits.COS_PAGE_SIZE)}
        for root in self._pages("", query, store_xml.next_objects):
            yield from store_xml.objects(root)

    def read(self, key: str, offset: int, length: int, etag: str | None = None) -> bytes:
        check_key(key)
        if length <= 0:
            return b""
        headers = _range_headers(offset, length, etag)
        answer = self._bucket.send("GET", key, headers=headers, max_bytes=max(length, limits.MIB))
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=False, asked_region=self._bucket.region)
        ranged = answer.status == 206 or (answer.status == 200 and offset == 0)
        if not ranged or len(answer.body) > length or not _begins_at(answer, offset):
            raise errors.not_theirs("COS", answer, changes=False, what="not the range that was asked for")
        return answer.body

    def put(self, key: str, body: bytes) -> ObjectInfo:
        check_key(key)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = {"Content-Type": _CONTENT_TYPE, "Content-MD5": digest}
        answer = self._bucket.call("PUT", key, headers=headers, body=body, changes=True)
        return self._info(key, answer, len(body))

    def sign_read(self, key: str, offset: int, length: int, etag: str | None, expires_seconds: float) -> SignedRequest:
        check_key(key)
        signed = self._bucket.signed_url("GET", key, {}, expires_seconds)
        return SignedRequest("GET", signed.url, {**signed.headers, **_range_headers(offset, length, etag)})

    def sign_put_part(
        self, key: str, upload_id: str, number: int, length: int, expires_seconds: float
    ) -> SignedRequest:
        check_key(key)
        if not 1 <= number <= self.limits.max_parts or length > self.limits.max_part_bytes:
            raise ImgmoveError(
                Kind.INVALID, f"part {number} of {length} bytes breaks COS's rules", code="InvalidArgument",
                hint=f"at most {self.limits.max_parts} parts of at most 5 GiB",
            )  # fmt: skip
        parameters = {"partNumber": str(number), "uploadId": upload_id}
        signed = self._bucket.signed_url("PUT", key, parameters, expires_seconds)
        return SignedRequest("PUT", signed.url, signed.headers)

    def share_url(self, key: str, expires_seconds: float) -> str:
        """The URL under COS's own name, whatever endpoint is set: it is the vendor that fetches it."""
        check_key(key)
        return self._bucket.signed_url("GET", key, {}, expires_seconds, public=True).url

    def begin(self, key: str) -> str:
        check_key(key)
        root, answer = self._bucket.document("POST", key, {"uploads": ""}, changes=True)
        upload_id = (root.findtext("UploadId") or "").strip()
        if not upload_id:
            raise errors.not_theirs("COS", answer, changes=True, what="no UploadId in the answer")
        return upload_id

    def parts(self, key: str, upload_id: str) -> Iterator[PartInfo]:
        check_key(key)
        query = {"uploadId": upload_id, "max-parts": str(limits.COS_PAGE_SIZE)}
        for root in self._pages(key, query, store_xml.next_parts):
            yield from store_xml.parts(root)

    def uploads(self, prefix: str) -> Iterator[UploadInfo]:
        query = {"uploads": "", "prefix": prefix, "encoding-type": "url", "max-uploads": str(limits.COS_PAGE_SIZE)}
        for root in self._pages("", query, store_xml.next_uploads):
            yield from store_xml.uploads(root)

    def finish(self, key: str, upload_id: str, parts: Sequence[PartInfo]) -> ObjectInfo:
        check_key(key)
        root, answer = self._bucket.document(
            "POST", key, {"uploadId": upload_id}, store_xml.completion(parts),
            changes=True, read_timeout_seconds=_FINISH_TIMEOUT_SECONDS,
        )  # fmt: skip
        etag = store_xml.etag(root.findtext("ETag") or answer.headers.get("etag", ""))
        if not etag:
            raise errors.not_theirs("COS", answer, changes=True, what="no ETag in the answer")
        size_bytes = sum(part.size_bytes for part in parts)
        return ObjectInfo(key, size_bytes, etag, _modified(answer), self.crc64_of(answer.headers))

    def abort(self, key: str, upload_id: str) -> None:
        check_key(key)
        self._absent_is_fine(lambda: self._bucket.call("DELETE", key, {"uploadId": upload_id}, changes=True))

    def delete(self, key: str) -> None:
        check_key(key)
        self._absent_is_fine(lambda: self._bucket.call("DELETE", key, changes=True))

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ImgmoveError:
        lowered = {name.lower(): value for name, value in headers.items()}
        answer = Answer(status, lowered, body, f"//{self.bucket}.cos.{self._bucket.region}")
        return store_errors.refusal(answer, changes=False, asked_region=self._bucket.region)

    def crc64_of(self, headers: Mapping[str, str]) -> int | None:
        value = next((value for name, value in headers.items() if name.lower() == _CRC64), "")
        return int(value) if value.isdecimal() else None

    def _pages(
        self, key: str, query: dict[str, str], next_page: Callable[[store_xml.Element], store_xml.NextPage]
    ) -> Iterator[store_xml.Element]:
        """Every page of a list; a list that does not move on is an error and no endless loop."""
        more: dict[str, str] = {}
        while True:
            root, answer = self._bucket.document("GET", key, query | more)
            yield root
            following = next_page(root)
            if following is None:
                return
            if following == more:
                raise errors.not_theirs("COS", answer, changes=False, what="a list that repeats its page")
            more = following

    def _info(self, key: str, answer: Answer, size_bytes: int) -> ObjectInfo:
        etag = store_xml.etag(answer.headers.get("etag", ""))
        if not etag:
            raise errors.not_theirs("COS", answer, changes=False, what="no ETag in the answer")
        return ObjectInfo(
            key, size_bytes, etag, _modified(answer), self.crc64_of(answer.headers),
            answer.headers.get("x-cos-storage-class", ""),
        )  # fmt: skip

    @staticmethod
    def _absent_is_fine(call: Callable[[], object]) -> None:
        try:
            call()
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND or error.code == "NoSuchBucket":
                raise


def _modified(answer: Answer) -> float:
    return answers.http_time(answer.headers.get("last-modified") or answer.headers.get("date", ""))


def _range_headers(offset: int, length: int, etag: str | None) -> dict[str, str]:
    headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
    return headers | {"If-Match": f'"{etag}"'} if etag else headers


def _begins_at(answer: Answer, offset: int) -> bool:
    """Does the answer say that it begins at `offset`? One that does not say is believed."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("content-range", ""))
    return found is None or int(found.group(1)) == offset
