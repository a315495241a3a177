"""`.raw.tar.gz`: the first member as far as the beginning shows it; whole where the archive is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from imgmove.core.errors import ImgmoveError
from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, refuse, truncated
from imgmove.images.inflate import Gunzip
from imgmove.images.sniff import foreign, has_partition_table, recognise_all
from imgmove.images.tar_stream import open_tar

_HEAD_BYTES: Final = 1 << 20
#: DEFLATE packs 258 bytes into two bits at best.
_MOST_INFLATED: Final = 1032


class _Unpacked:
    """What the beginning of an archive inflates to: 1 MiB at most. `whole` once that was all there is."""

    def __init__(self, image: ImageBytes) -> None:
        self._image = image
        self.whole = False

    def pieces(self) -> Iterator[bytes]:
        gunzip, left = Gunzip(), _HEAD_BYTES
        for piece in gunzip.feed(self._image.head):
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return
        if self._image.size_bytes <= len(self._image.head):
            gunzip.finish()
            self.whole = True


def look(image: ImageBytes) -> Facts:
    """The archive's first member, as far as its first bytes show it: it must be a raw disk, not another image."""
    unpacked = _Unpacked(image)
    disk, first = None, b""
    try:
        disk = open_tar(unpacked.pieces())
        offset, piece = next(disk.runs, (0, b""))
        first = b"" if offset else piece
        for _ in disk.runs:
            continue
    except ImgmoveError as error:
        # Cut off by us and not by itself: unpacking will see the rest.
        if error.code != "TruncatedTar" or unpacked.whole:
            raise replace(error, message=f"is refused: {error.message}") from error
    if disk is None:
        return Facts(DiskFormat.RAW_TAR_GZ)
    if disk.stored_bytes > image.size_bytes * _MOST_INFLATED:
        truncated(f"its disk has {disk.stored_bytes} bytes, which {image.size_bytes} of gzip cannot hold")
    return Facts(DiskFormat.RAW_TAR_GZ, disk.size_bytes, disk.name[:100], _check_member(first))


def _check_member(first: bytes) -> tuple[str, ...]:
    """What the disk in an archive begins with: it may not be an image once more."""
    inner, other = recognise_all(first), foreign(first)
    tolerated = other and (other.on_disk or (other.on_partitioned_disk and has_partition_table(first)))
    if inner or (other and not tolerated):
        what = f"a {inner[0].value} image" if inner else other.name if other else ""
        refuse(
            "FormatMismatch", f"holds {what} where the raw disk should be",
            "unpack it, look at it, and import what is in it",
        )  # fmt: skip
    return (f"its disk begins as {other.name}",) if other else ()
