"""An object store in memory: a twin of `ObjectStore`, with signed requests that `send` carries out."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import fastcrc

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import BucketInfo, ObjectInfo, PartInfo, SignedRequest, StoreLimits, UploadInfo

CRC_HEADER: Final = "x-memory-crc64"

#: The store's codes: what they are to us, and the HTTP status that they come with.
_CODES: Final[dict[str, tuple[Kind, int]]] = {
    "NoSuchBucket": (Kind.NOT_FOUND, 404),
    "NoSuchKey": (Kind.NOT_FOUND, 404),
    "NoSuchUpload": (Kind.NOT_FOUND, 404),
    "PreconditionFailed": (Kind.CONFLICT, 412),
    "InvalidRange": (Kind.INVALID, 416),
    "InvalidPart": (Kind.INVALID, 400),
    "EntityTooSmall": (Kind.INVALID, 400),
    "EntityTooLarge": (Kind.INVALID, 400),
    "AccessDenied": (Kind.DENIED, 403),
}


@dataclass(frozen=True)
class Answer:
    """What the store answers to a signed request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class _Upload:
    key: str
    initiated: float
    parts: dict[int, tuple[PartInfo, bytes]] = field(default_factory=dict)


class MemoryStore:
    """One bucket. Keeps to `imgmove.core.ports.ObjectStore`; `exists` false makes it a bucket that is not there."""

    scheme = "memory"

    def __init__(
        self, bucket: str = "bucket", region: str = "here", time: Callable[[], float] = lambda: 0.0,
        limits: StoreLimits = StoreLimits(16, 5 << 30, 10_000, 48 << 40, 5 << 30),  # noqa: B008 - frozen
    ) -> None:  # fmt: skip
        self.bucket = bucket
        self.region = region
        self.limits = limits
        self.exists = True
        self._time = time
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}
        self._uploads: dict[str, _Upload] = {}
        self._count = 0
        self._lock = threading.RLock()

    # ------------------------------------------------------------------------------------------------- objects

    def bucket_info(self) -> BucketInfo:
        self._check_bucket()
        return BucketInfo(self.bucket, self.region, encrypted=False)

    def head(self, key: str) -> ObjectInfo | None:
        with self._lock:
            self._check_bucket()
            return self._objects[key][0] if key in self._objects else None

    def measure(self, key: str) -> int | None:
        return None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._lock:
            self._check_bucket()
            return iter([self._objects[key][0] for key in sorted(self._objects) if key.startswith(prefix)])

    def read(self, key: str, offset: int, length: int, etag: str | None = None) -> bytes:
        with self._lock:
            info, body = self._object(key)
            if etag is not None and etag.lower() != info.etag.lower():
                raise _error("PreconditionFailed", f"{key} has changed")
            if offset >= len(body) and body:
                raise _error("InvalidRange", f"{key} has {len(body)} bytes")
            return body[offset : offset + length]

    def put(self, key: str, body: bytes) -> ObjectInfo:
        with self._lock:
            self._check_bucket()
            if len(body) > self.limits.max_single_put_bytes:
                raise _error("EntityTooLarge", f"{len(body)} bytes in one request")
            return self._store(key, body, hashlib.md5(body, usedforsecurity=False).hexdigest())

    def delete(self, key: str) -> None:
        with self._lock:
            self._check_bucket()
            self._objects.pop(key, None)

    # ------------------------------------------------------------------------------------------------- uploads

    def begin(self, key: str) -> str:
        with self._lock:
            self._check_bucket()
            self._count += 1
            upload_id = f"upload-{self._count}"
            self._uploads[upload_id] = _Upload(key, self._time())
            return upload_id

    def parts(self, key: str, upload_id: str) -> Iterator[PartInfo]:
        with self._lock:
            parts = self._upload(key, upload_id).parts
            return iter([parts[number][0] for number in sorted(parts)])

    def uploads(self, prefix: str) -> Iterator[UploadInfo]:
        with self._lock:
            self._check_bucket()
            found = (UploadInfo(name, item.key, item.initiated) for name, item in self._uploads.items())
            return iter([upload for upload in found if upload.key.startswith(prefix)])

    def finish(self, key: str, upload_id: str, parts: Sequence[PartInfo]) -> ObjectInfo:
        with self._lock:
            held = self._upload(key, upload_id).parts
            numbers = [part.number for part in parts]
            if not parts or numbers != sorted(set(numbers)):
                raise _error("InvalidPart", "parts are missing or out of order")
            bodies = [self._body_of(held, part) for part in parts]
            if any(len(body) < self.limits.min_part_bytes for body in bodies[:-1]):
                raise _error("EntityTooSmall", f"a part has less than {self.limits.min_part_bytes} bytes")
            del self._uploads[upload_id]
            whole = b"".join(bodies)
            etag = f"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{len(parts)}"
            return self._store(key, whole, etag)

    @staticmethod
    def _body_of(held: Mapping[int, tuple[PartInfo, bytes]], part: PartInfo) -> bytes:
        if part.number not in held or held[part.number][0].etag.lower() != part.etag.lower():
            raise _error("InvalidPart", f"part {part.number} is not what the store holds")
        return held[part.number][1]

    def abort(self, key: str, upload_id: str) -> None:
        with self._lock:
            self._check_bucket()
            self._uploads.pop(upload_id, None)

    # ------------------------------------------------------------------------------------------ signed requests

    def sign_read(self, key: str, offset: int, length: int, etag: str | None, expires_seconds: float) -> SignedRequest:
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        return SignedRequest("GET", self._url(key, expires_seconds), headers)

    def sign_put_part(
        self, key: str, upload_id: str, number: int, length: int, expires_seconds: float
    ) -> SignedRequest:
        url = self._url(key, expires_seconds, uploadId=upload_id, partNumber=str(number))
        return SignedRequest("PUT", url, {"Content-Length": str(length)})

    def share_url(self, key: str, expires_seconds: float) -> str:
        return self._url(key, expires_seconds)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ImgmoveError:
        try:
            code = str(json.loads(body)["code"])
        except (ValueError, KeyError, TypeError):
            kind = Kind.UNAVAILABLE if status >= 500 else Kind.UNKNOWN
            return ImgmoveError(kind, f"the store answered {status}", code=f"Http{status}")
        return _error(code, f"the store answered {status}")

    def crc64_of(self, headers: Mapping[str, str]) -> int | None:
        lowered = {name.lower(): value for name, value in headers.items()}
        return int(lowered[CRC_HEADER]) if CRC_HEADER in lowered else None

    def send(self, request: SignedRequest, body: bytes = b"") -> Answer:
        """Carry out a signed request as the store would; errors come back as answers."""
        parts = urlsplit(request.url)
        query = dict(parse_qsl(parts.query))
        with self._lock:
            try:
                self._check_signature(request, parts.netloc, query)
                if request.method == "PUT":
                    return self._put_part(unquote(parts.path[1:]), query, request, body)
                return self._get(unquote(parts.path[1:]), request)
            except ImgmoveError as error:
                return Answer(_CODES[error.code][1], {}, json.dumps({"code": error.code}).encode())

    def _check_signature(self, request: SignedRequest, bucket: str, query: Mapping[str, str]) -> None:
        expected = self._signature(unquote(urlsplit(request.url).path[1:]), query.get("expires", ""))
        late = self._time() >= float(query.get("expires", "0"))
        if bucket != self.bucket or query.get("signature") != expected or late:
            raise _error("AccessDenied", "the signature is wrong or has expired")

    def _get(self, key: str, request: SignedRequest) -> Answer:
        etag = request.headers["If-Match"].strip('"') if "If-Match" in request.headers else None
        if "Range" not in request.headers:
            info, whole = self._object(key)
            return Answer(200, {"ETag": f'"{info.etag}"', CRC_HEADER: str(info.crc64)}, whole)
        first, last = (int(word) for word in request.headers["Range"].removeprefix("bytes=").split("-"))
        piece = self.read(key, first, last - first + 1, etag)
        info = self._objects[key][0]
        span = f"bytes {first}-{first + len(piece) - 1}/{info.size_bytes}"
        return Answer(206, {"ETag": f'"{info.etag}"', "Content-Range": span, CRC_HEADER: str(info.crc64)}, piece)

    def _put_part(self, key: str, query: Mapping[str, str], request: SignedRequest, body: bytes) -> Answer:
        if len(body) != int(request.headers["Content-Length"]):
            raise _error("AccessDenied", "the body is not as long as was signed")
        if len(body) > self.limits.max_part_bytes:
            raise _error("EntityTooLarge", f"{len(body)} bytes in one part")
        upload = self._upload(key, query["uploadId"])
        number = int(query["partNumber"])
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        info = PartInfo(number, len(body), etag, fastcrc.crc64.xz(body))
        upload.parts[number] = (info, body)
        return Answer(200, {"ETag": f'"{etag}"', CRC_HEADER: str(info.crc64)})

    # -------------------------------------------------------------------------------------------------- inside

    def _url(self, key: str, expires_seconds: float, **query: str) -> str:
        expires = repr(self._time() + expires_seconds)
        signed = {**query, "expires": expires, "signature": self._signature(key, expires)}
        return f"memory://{self.bucket}/{quote(key)}?{urlencode(signed)}"

    def _signature(self, key: str, expires: str) -> str:
        return hashlib.sha256(f"{self.bucket}/{key}?{expires}".encode()).hexdigest()[:16]

    def _check_bucket(self) -> None:
        if not self.exists:
            raise _error("NoSuchBucket", f"there is no bucket {self.bucket}")

    def _object(self, key: str) -> tuple[ObjectInfo, bytes]:
        self._check_bucket()
        if key not in self._objects:
            raise _error("NoSuchKey", f"there is no {key}")
        return self._objects[key]

    def _upload(self, key: str, upload_id: str) -> _Upload:
        self._check_bucket()
        upload = self._uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise _error("NoSuchUpload", f"there is no upload {upload_id} of {key}")
        return upload

    def _store(self, key: str, body: bytes, etag: str) -> ObjectInfo:
        info = ObjectInfo(key, len(body), etag, self._time(), fastcrc.crc64.xz(body), "STANDARD")
        self._objects[key] = (info, body)
        return replace(info)


def _error(code: str, message: str) -> ImgmoveError:
    kind = _CODES[code][0] if code in _CODES else Kind.UNKNOWN
    return ImgmoveError(kind, message, code=code)
