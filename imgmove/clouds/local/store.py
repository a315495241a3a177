"""Local files behind the port of an object store.

An upload is a file of its own beside the destination, with a log of the parts that are whole; finishing it renames it
into place. A reader never sees half a file, and a copy that died continues where it was.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import Final
from urllib.parse import quote

from fastcrc import crc64

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.files import FILE_ERROR_HEADER, FILE_ETAG_HEADER, PART_LOG_HEADER, file_etag, read_part_log
from imgmove.core.ports import BucketInfo, ObjectInfo, PartInfo, SignedRequest, StoreLimits, UploadInfo

_MARK: Final = ".imgmove-"
_READ_BYTES: Final = 4 << 20
_LIMITS: Final = StoreLimits(1, 1 << 40, 1_000_000, 1 << 60, 1 << 40)
_KINDS: Final = {
    errno.ENOENT: Kind.NOT_FOUND,
    errno.ENOTDIR: Kind.NOT_FOUND,
    errno.EACCES: Kind.DENIED,
    errno.EPERM: Kind.DENIED,
    errno.EROFS: Kind.DENIED,
    errno.ENOSPC: Kind.QUOTA,
    errno.EDQUOT: Kind.QUOTA,
    errno.EFBIG: Kind.QUOTA,
    errno.EISDIR: Kind.INVALID,
    errno.ELOOP: Kind.INVALID,
    errno.ENAMETOOLONG: Kind.INVALID,
}
_HINTS: Final = {
    Kind.NOT_FOUND: "check the path",
    Kind.DENIED: "check the permissions of the file and its directory",
    Kind.QUOTA: "free some space, then run the same command again: what is there is kept",
    Kind.INVALID: "name a regular file",
}


class LocalStore:
    """A directory as a bucket. Raises only `ImgmoveError`. Safe to use from several threads."""

    scheme = "file"
    limits = _LIMITS

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def bucket(self) -> str:
        return str(self._root)

    def bucket_info(self) -> BucketInfo:
        with self._errors(self._root):
            self._root.stat()
        return BucketInfo(self.bucket, "")

    def _path(self, key: str) -> Path:
        path = Path(os.path.normpath(self._root / key))
        if not path.is_relative_to(self._root) or path == self._root:
            raise ImgmoveError(Kind.INVALID, f"{key!r} leaves the directory {self._root}", code="InvalidKey")
        return path

    @contextmanager
    def _errors(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "OSError")
            raise _failure(name, f"{path}: {error.strerror or error}") from error

    # ------------------------------------------------------------------------------------------------ objects

    def head(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        with self._errors(path):
            try:
                stat = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
        if not S_ISREG(stat.st_mode):  # a pipe would be waited for without end; a device has no size
            raise ImgmoveError(
                Kind.INVALID, f"{path} is no regular file, but a device, a pipe or a socket", code="NotARegularFile",
                hint="write what is in it to a file, and name that: `qemu-img convert -O qcow2 DEVICE FILE`",
            )  # fmt: skip
        etag = file_etag(stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return ObjectInfo(key, stat.st_size, etag, stat.st_mtime)

    def measure(self, key: str) -> int | None:
        """The CRC-64 of the file, read for the purpose."""
        path, value = self._path(key), 0
        with self._errors(path), path.open("rb", buffering=0) as file:
            buffer = memoryview(bytearray(_READ_BYTES))
            while count := file.readinto(buffer):
                value = crc64.xz(buffer[:count], value)
        return value

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._errors(self._root):
            keys = sorted(
                path.relative_to(self._root).as_posix()
                for path in self._root.rglob("*")
                if path.is_file() and _MARK not in path.name
            )
        for key in keys:
            info = self.head(key) if key.startswith(prefix) else None
            if info is not None:
                yield info

    def read(self, key: str, offset: int, length: int, etag: str | None = None) -> bytes:
        info = self.head(key)
        if info is None:
            raise ImgmoveError(
                Kind.NOT_FOUND, f"there is no file {self._path(key)}", code="NoSuchKey", hint="check the path"
            )
        if etag and etag != info.etag:
            raise ImgmoveError(Kind.CONFLICT, f"{self._path(key)} changed", code="PreconditionFailed")
        with self._errors(self._path(key)), self._path(key).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def put(self, key: str, body: bytes) -> ObjectInfo:
        upload_id = self.begin(key)
        partial = self._partial(key, upload_id)
        with self._errors(partial):
            partial.write_bytes(body)
        return self.finish(key, upload_id, [PartInfo(1, len(body), "")])

    def delete(self, key: str) -> None:
        with self._errors(self._path(key)):
            self._path(key).unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------------ uploads

    def _partial(self, key: str, upload_id: str) -> Path:
        path = self._path(key)
        return path.with_name(f".{path.name}{_MARK}{upload_id}")

    def _log(self, key: str, upload_id: str) -> Path:
        partial = self._partial(key, upload_id)
        return partial.with_name(partial.name + ".parts")

    def begin(self, key: str) -> str:
        upload_id = secrets.token_hex(8)
        partial = self._partial(key, upload_id)
        with self._errors(partial):
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.touch()
            self._log(key, upload_id).touch()
        return upload_id

    def parts(self, key: str, upload_id: str) -> Iterator[PartInfo]:
        """The parts that the log names."""
        log = self._log(key, upload_id)
        if not log.exists():
            raise _no_upload(log)
        with self._errors(log):
            found = read_part_log(log.read_text("ascii", errors="replace"))
        for number, (length, value) in sorted(found.items()):
            yield PartInfo(number, length, "", value)

    def uploads(self, prefix: str) -> Iterator[UploadInfo]:
        path = self._path(prefix)
        if not path.parent.is_dir():
            return
        beginning = f".{path.name}{_MARK}"
        for partial in sorted(path.parent.iterdir()):
            if partial.name.startswith(beginning) and not partial.name.endswith(".parts"):
                yield UploadInfo(partial.name.removeprefix(beginning), prefix, partial.stat().st_mtime)

    def finish(self, key: str, upload_id: str, parts: Sequence[PartInfo]) -> ObjectInfo:
        partial, path = self._partial(key, upload_id), self._path(key)
        size = sum(part.size_bytes for part in parts)
        if not partial.exists():
            raise _no_upload(partial)
        with self._errors(partial):
            if partial.stat().st_size < size:
                raise ImgmoveError(
                    Kind.CORRUPT, f"{partial} has {partial.stat().st_size} bytes instead of {size}", code="SizeMismatch"
                )
            os.truncate(partial, size)  # parts that are not named are dropped, as object stores do
            _sync(partial)
            partial.replace(path)
            _sync(path.parent)
            self._log(key, upload_id).unlink(missing_ok=True)
        info = self.head(key)
        if info is None:
            raise ImgmoveError(Kind.CONFLICT, f"{path} vanished as soon as it was written", code="NoSuchKey")
        return ObjectInfo(key, info.size_bytes, info.etag, info.last_modified, self.measure(key))

    def abort(self, key: str, upload_id: str) -> None:
        with self._errors(self._partial(key, upload_id)):
            self._partial(key, upload_id).unlink(missing_ok=True)
            self._log(key, upload_id).unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------------ signing

    def sign_read(
        self, key: str, _offset: int, _length: int, etag: str | None, _expires_seconds: float
    ) -> SignedRequest:
        return SignedRequest("GET", _url(self._path(key)), {FILE_ETAG_HEADER: etag} if etag else {})

    def sign_put_part(
        self, key: str, upload_id: str, _number: int, _length: int, _expires_seconds: float
    ) -> SignedRequest:
        headers = {PART_LOG_HEADER: str(self._log(key, upload_id))}
        return SignedRequest("PUT", _url(self._partial(key, upload_id)), headers)

    def share_url(self, key: str, _expires_seconds: float) -> str:
        return _url(self._path(key))

    def failure(self, _status: int, headers: Mapping[str, str], body: bytes) -> ImgmoveError:
        """What the operating system refused to whoever moved a part."""
        return _failure(headers.get(FILE_ERROR_HEADER, "OSError"), body.decode("utf-8", "replace"))

    def crc64_of(self, _headers: Mapping[str, str]) -> int | None:
        return None


def _failure(name: str, text: str) -> ImgmoveError:
    """The error for the operating system's, by its name."""
    kind = _KINDS.get(getattr(errno, name, 0), Kind.UNAVAILABLE)
    return ImgmoveError(kind, text, code=name, hint=_HINTS.get(kind, ""))


def _no_upload(path: Path) -> ImgmoveError:
    return ImgmoveError(
        Kind.NOT_FOUND, f"there is no unfinished copy {path}", code="NoSuchUpload", hint="begin the copy anew"
    )


def _url(path: Path) -> str:
    return "file://" + quote(str(path))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
