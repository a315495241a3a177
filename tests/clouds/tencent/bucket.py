"""A bucket behind the scripted server: objects that a test puts there, and unfinished uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import quote

from tests.clouds.tencent.scripted import Asked, Reply, cos_error, xml


@dataclass
class Held:
    """An object as a HEAD shows it."""

    size: int = 10
    etag: str = "E1"
    modified: float = 1_780_000_000.0
    crc64: str = "77"


@dataclass
class FakeBucket:
    """Answers HEAD of an object or the bucket, lists, and lists of uploads (tencent.md 6)."""

    objects: dict[str, Held] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    parts: int = 1
    """So many parts has each unfinished upload."""
    exists: bool = True
    uploads_closed: bool = False

    def __call__(self, asked: Asked) -> Reply:
        if not self.exists:
            return cos_error("NoSuchBucket", 404) if asked.method != "HEAD" else Reply(404)
        key = asked.path.lstrip("/")
        if asked.method == "HEAD":
            return self._head(key)
        if "uploads" in asked.query:
            return cos_error("AccessDenied", 403) if self.uploads_closed else self._uploads(asked.query["prefix"])
        if "uploadId" in asked.query:
            parts = "".join(f"<Part><PartNumber>{number + 1}</PartNumber></Part>" for number in range(self.parts))
            return xml(f"<ListPartsResult><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>")
        return self._list(asked.query.get("prefix", ""))

    def _head(self, key: str) -> Reply:
        held = self.objects.get(key)
        if held is None:
            return Reply(404)
        headers = {"Content-Length": str(held.size), "ETag": f'"{held.etag}"',
                   "Last-Modified": formatdate(held.modified, usegmt=True)}  # fmt: skip
        return Reply(200, b"", headers | ({"x-cos-hash-crc64ecma": held.crc64} if held.crc64 else {}))

    def _list(self, prefix: str) -> Reply:
        entries = "".join(
            f"<Contents><Key>{quote(key)}</Key><LastModified>2026-05-28T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{held.etag}&quot;</ETag><Size>{held.size}</Size></Contents>"
            for key, held in sorted(self.objects.items()) if key.startswith(prefix)
        )  # fmt: skip
        return xml(f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{entries}"
                   "</ListBucketResult>")  # fmt: skip

    def _uploads(self, prefix: str) -> Reply:
        entries = "".join(
            f"<Upload><Key>{key}</Key><UploadId>u</UploadId><Initiated>2026-05-28T20:26:40.000Z</Initiated></Upload>"
            for key in self.uploads if key.startswith(prefix)
        )  # fmt: skip
        return xml(f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{entries}"
                   "</ListMultipartUploadsResult>")  # fmt: skip
