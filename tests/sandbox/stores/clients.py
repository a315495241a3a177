"""Both vendors' official SDKs behind one small interface, so that one suite of cases can run through each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import oss2
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.sandbox.stores.worlds import GUANGZHOU, HANGZHOU, Credentials


class RefusedError(Exception):
    """The store answered with an error."""

    def __init__(self, status: int, code: str, body: str = "") -> None:
        super().__init__(f"{status} {code}: {body}")
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Written:
    """What the answer to a write says; ETags without quotes."""

    etag: str
    crc64: int | None


@dataclass(frozen=True)
class Read:
    """What the answer to a read says; header names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Listing:
    """A page of a listing."""

    names: list[str]
    prefixes: list[str]
    next_marker: str
    """"" on the last page."""


class Store(ABC):
    """A client of one store, used in one bucket."""

    vendor: str
    bucket: str
    header: str
    """The prefix of the vendor's own headers."""
    min_part_bytes: int

    @abstractmethod
    def put(self, key: str, body: bytes, headers: dict[str, str] | None = None) -> Written: ...

    @abstractmethod
    def get(self, key: str, headers: dict[str, str] | None = None) -> Read: ...

    @abstractmethod
    def head(self, key: str) -> dict[str, str]: ...

    @abstractmethod
    def delete(self, key: str) -> None: ...

    @abstractmethod
    def delete_many(self, keys: list[str]) -> list[str]: ...

    @abstractmethod
    def copy(self, source: str, key: str) -> None: ...

    @abstractmethod
    def listing(self, prefix: str = "", delimiter: str = "", marker: str = "", limit: int = 1000) -> Listing: ...

    @abstractmethod
    def begin(self, key: str) -> str: ...

    @abstractmethod
    def part(self, key: str, upload_id: str, number: int, body: bytes) -> Written: ...

    @abstractmethod
    def copy_part(self, source: str, first: int, last: int, key: str, upload_id: str, number: int) -> str: ...

    @abstractmethod
    def parts(self, key: str, upload_id: str, after: int = 0, limit: int = 1000) -> tuple[dict[int, int], int]: ...

    @abstractmethod
    def uploads(self, prefix: str = "", key_marker: str = "", limit: int = 1000) -> Listing: ...

    @abstractmethod
    def complete(self, key: str, upload_id: str, parts: dict[int, str]) -> Written: ...

    @abstractmethod
    def abort(self, key: str, upload_id: str) -> None: ...

    @abstractmethod
    def sign(self, method: str, key: str, seconds: int) -> str: ...


class CosStore(Store):
    """cos-python-sdk-v5, reached as tencent.md 4.6 recommends."""

    vendor, header, min_part_bytes = "tencent", "x-cos-", 1 << 20

    def __init__(self, endpoint: str, who: Credentials, bucket: str, region: str = GUANGZHOU) -> None:
        address = urlsplit(endpoint)
        config = CosConfig(
            Region=region,
            SecretId=who.key_id,
            SecretKey=who.secret,
            Token=who.token or None,
            Scheme="http",
            IP=address.hostname,
            Port=address.port,
            ServiceDomain=address.netloc,
        )
        session = requests.Session()
        session.trust_env = False
        self.sdk = CosS3Client(config, retry=0, session=session)
        self.bucket = bucket

    def put(self, key: str, body: bytes, headers: dict[str, str] | None = None) -> Written:
        with _cos_errors():
            answer = self.sdk.put_object(self.bucket, body, key, EnableMD5=False, **_cos_headers(headers))
        return Written(answer["ETag"].strip('"'), int(answer["x-cos-hash-crc64ecma"]))

    def get(self, key: str, headers: dict[str, str] | None = None) -> Read:
        with _cos_errors():
            answer = self.sdk.get_object(self.bucket, key, **_cos_headers(headers))
        response = answer["Body"].get_raw_stream()
        found = {name.lower(): value for name, value in answer.items() if name != "Body"}
        return Read(206 if "content-range" in found else 200, response.read(), found)

    def head(self, key: str) -> dict[str, str]:
        with _cos_errors():
            return {name.lower(): value for name, value in self.sdk.head_object(self.bucket, key).items()}

    def delete(self, key: str) -> None:
        with _cos_errors():
            self.sdk.delete_object(self.bucket, key)

    def delete_many(self, keys: list[str]) -> list[str]:
        wanted = {"Object": [{"Key": key} for key in keys], "Quiet": "false"}
        with _cos_errors():
            return [each["Key"] for each in self.sdk.delete_objects(self.bucket, wanted)["Deleted"]]

    def copy(self, source: str, key: str) -> None:
        where = {"Bucket": self.bucket, "Key": source, "Region": GUANGZHOU}
        with _cos_errors():
            assert self.sdk.copy_object(self.bucket, key, where)["ETag"]

    def listing(self, prefix: str = "", delimiter: str = "", marker: str = "", limit: int = 1000) -> Listing:
        with _cos_errors():
            page = self.sdk.list_objects(self.bucket, prefix, delimiter, marker, limit)
        names = [each["Key"] for each in page.get("Contents", [])]
        prefixes = [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        return Listing(names, prefixes, page.get("NextMarker") or "")

    def begin(self, key: str) -> str:
        with _cos_errors():
            return str(self.sdk.create_multipart_upload(self.bucket, key)["UploadId"])

    def part(self, key: str, upload_id: str, number: int, body: bytes) -> Written:
        with _cos_errors():
            answer = self.sdk.upload_part(self.bucket, key, body, number, upload_id)
        return Written(answer["ETag"].strip('"'), int(answer["x-cos-hash-crc64ecma"]))

    def copy_part(self, source: str, first: int, last: int, key: str, upload_id: str, number: int) -> str:
        where = {"Bucket": self.bucket, "Key": source, "Region": GUANGZHOU}
        with _cos_errors():
            answer = self.sdk.upload_part_copy(
                self.bucket, key, number, upload_id, where, CopySourceRange=f"bytes={first}-{last}"
            )
        return str(answer["ETag"].strip('"'))

    def parts(self, key: str, upload_id: str, after: int = 0, limit: int = 1000) -> tuple[dict[int, int], int]:
        with _cos_errors():
            page = self.sdk.list_parts(self.bucket, key, upload_id, MaxParts=limit, PartNumberMarker=after)
        found = {int(each["PartNumber"]): int(each["Size"]) for each in page.get("Part", [])}
        return found, int(page.get("NextPartNumberMarker") or 0) if page["IsTruncated"] == "true" else 0

    def uploads(self, prefix: str = "", key_marker: str = "", limit: int = 1000) -> Listing:
        with _cos_errors():
            page = self.sdk.list_multipart_uploads(self.bucket, Prefix=prefix, KeyMarker=key_marker, MaxUploads=limit)
        names = [each["Key"] for each in page.get("Upload", [])]
        return Listing(names, [], page.get("NextKeyMarker") or "")

    def complete(self, key: str, upload_id: str, parts: dict[int, str]) -> Written:
        wanted = {"Part": [{"PartNumber": number, "ETag": etag} for number, etag in parts.items()]}
        with _cos_errors():
            answer = self.sdk.complete_multipart_upload(self.bucket, key, upload_id, wanted)
        return Written(answer["ETag"].strip('"'), int(answer["x-cos-hash-crc64ecma"]))

    def abort(self, key: str, upload_id: str) -> None:
        with _cos_errors():
            self.sdk.abort_multipart_upload(self.bucket, key, upload_id)

    def sign(self, method: str, key: str, seconds: int) -> str:
        token = self.sdk.get_conf()._token
        params = {"x-cos-security-token": token} if token else {}
        url = self.sdk.get_presigned_url(self.bucket, key, method, Expired=seconds, Params=params, SignHost=False)
        # The SDK names the bucket in the Host header only; an emulator takes it in the path as well.
        scheme, _, rest = str(url).partition("://")
        address, _, path = rest.partition("/")
        return f"{scheme}://{address}/{self.bucket}/{path}"


COS_NAMES = {
    "Range": "Range",
    "If-Match": "IfMatch",
    "If-None-Match": "IfNoneMatch",
    "If-Modified-Since": "IfModifiedSince",
    "If-Unmodified-Since": "IfUnmodifiedSince",
    "Content-MD5": "ContentMD5",
    "Content-Type": "ContentType",
    "Cache-Control": "CacheControl",
    "x-cos-storage-class": "StorageClass",
    "x-cos-acl": "ACL",
}


def _cos_headers(headers: dict[str, str] | None) -> dict[str, Any]:
    """Headers by the SDK's names for them; those that it has no name for as metadata, which it sends as they are."""
    named = {COS_NAMES[name]: value for name, value in (headers or {}).items() if name in COS_NAMES}
    rest = {name: value for name, value in (headers or {}).items() if name not in COS_NAMES}
    return {**named, "Metadata": rest} if rest else named


@contextmanager
def _cos_errors() -> Iterator[None]:
    try:
        yield
    except CosServiceError as error:
        raise RefusedError(error.get_status_code(), error.get_error_code(), str(error)) from error


class OssStore(Store):
    """oss2, reached as alibaba.md 5.7 recommends."""

    vendor, header, min_part_bytes = "alibaba", "x-oss-", 100 << 10

    def __init__(
        self,
        endpoint: str,
        who: Credentials,
        bucket: str,
        auth: Callable[[Credentials], Any] | None = None,
        region: str = HANGZHOU,
    ) -> None:
        signer = (auth or oss_auth("v4"))(who)
        self.sdk = oss2.Bucket(signer, endpoint, bucket, region=region, connect_timeout=30)
        self.service = oss2.Service(signer, endpoint, region=region, connect_timeout=30)
        self.bucket = bucket

    def put(self, key: str, body: bytes, headers: dict[str, str] | None = None) -> Written:
        with _oss_errors():
            answer = self.sdk.put_object(key, body, headers=headers)
        return Written(answer.etag, answer.crc)

    def get(self, key: str, headers: dict[str, str] | None = None) -> Read:
        with _oss_errors():
            answer = self.sdk.get_object(key, headers=headers)
            return Read(answer.status, answer.read(), {n.lower(): v for n, v in answer.headers.items()})

    def head(self, key: str) -> dict[str, str]:
        with _oss_errors():
            return {name.lower(): value for name, value in self.sdk.head_object(key).headers.items()}

    def delete(self, key: str) -> None:
        with _oss_errors():
            self.sdk.delete_object(key)

    def delete_many(self, keys: list[str]) -> list[str]:
        with _oss_errors():
            return list(self.sdk.batch_delete_objects(keys).deleted_keys)

    def copy(self, source: str, key: str) -> None:
        with _oss_errors():
            assert self.sdk.copy_object(self.bucket, source, key).etag

    def listing(self, prefix: str = "", delimiter: str = "", marker: str = "", limit: int = 1000) -> Listing:
        with _oss_errors():
            page = self.sdk.list_objects(prefix, delimiter, marker, limit)
        return Listing([each.key for each in page.object_list], page.prefix_list, page.next_marker or "")

    def begin(self, key: str) -> str:
        with _oss_errors():
            return str(self.sdk.init_multipart_upload(key).upload_id)

    def part(self, key: str, upload_id: str, number: int, body: bytes) -> Written:
        with _oss_errors():
            answer = self.sdk.upload_part(key, upload_id, number, body)
        return Written(answer.etag, answer.crc)

    def copy_part(self, source: str, first: int, last: int, key: str, upload_id: str, number: int) -> str:
        with _oss_errors():
            answer = self.sdk.upload_part_copy(self.bucket, source, (first, last), key, upload_id, number)
        return str(answer.etag)

    def parts(self, key: str, upload_id: str, after: int = 0, limit: int = 1000) -> tuple[dict[int, int], int]:
        with _oss_errors():
            page = self.sdk.list_parts(key, upload_id, marker=str(after), max_parts=limit)
        found = {each.part_number: each.size for each in page.parts}
        return found, int(page.next_marker) if page.is_truncated else 0

    def uploads(self, prefix: str = "", key_marker: str = "", limit: int = 1000) -> Listing:
        with _oss_errors():
            page = self.sdk.list_multipart_uploads(prefix, key_marker=key_marker, max_uploads=limit)
        return Listing([each.key for each in page.upload_list], [], page.next_key_marker if page.is_truncated else "")

    def complete(self, key: str, upload_id: str, parts: dict[int, str]) -> Written:
        wanted = [oss2.models.PartInfo(number, etag) for number, etag in parts.items()]
        with _oss_errors():
            answer = self.sdk.complete_multipart_upload(key, upload_id, wanted)
        return Written(answer.etag, answer.crc)

    def abort(self, key: str, upload_id: str) -> None:
        with _oss_errors():
            self.sdk.abort_multipart_upload(key, upload_id)

    def sign(self, method: str, key: str, seconds: int) -> str:
        return str(self.sdk.sign_url(method, key, seconds))


def oss_auth(version: str) -> Callable[[Credentials], Any]:
    """oss2's signers: `v1`, `v2` or `v4`, for a temporary key its variant with the token."""
    plain = {"v1": oss2.Auth, "v2": oss2.AuthV2, "v4": oss2.AuthV4}[version]

    def make(who: Credentials) -> Any:
        if who.token:
            return oss2.StsAuth(who.key_id, who.secret, who.token, auth_version=version)
        return plain(who.key_id, who.secret)

    return make


@contextmanager
def _oss_errors() -> Iterator[None]:
    try:
        yield
    except oss2.exceptions.ServerError as error:
        raise RefusedError(error.status, error.code, str(error.body)) from error
