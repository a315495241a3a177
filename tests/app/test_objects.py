"""Objects that are looked at as images: pinned by their ETag; a store that lies about them does not fool the guard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from imgmove.app.objects import StoredImage, look_at_image
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import ObjectInfo
from imgmove.images.headers.facts import Facts
from imgmove.testing.memory_store import MemoryStore
from tests.images.hostile import qcow2, vhd, vmdk
from tests.images.hostile.disks import entry, mbr

GOOD = qcow2.image()
EVIL = qcow2.image(backing_offset=4096, backing_bytes=11, text=b"/etc/shadow")
KEY = "disk.qcow2"

Lie = Callable[[bytes, int, int], bytes]
"""What comes of the true bytes, where the range begins and how many reads there were."""


class LyingStore(MemoryStore):
    """A store whose answers are not what was asked for."""

    def __init__(self, body: bytes, lie: Lie = lambda data, _offset, _reads: data, size_off_by: int = 0) -> None:
        super().__init__()
        self.put(KEY, body)
        self.lie, self.size_off_by = lie, size_off_by
        self.reads: list[tuple[int, int, str | None]] = []

    def head(self, key: str) -> ObjectInfo | None:
        info = super().head(key)
        return info and replace(info, size_bytes=info.size_bytes + self.size_off_by)

    def read(self, key: str, offset: int, length: int, etag: str | None = None) -> bytes:
        self.reads.append((offset, length, etag))
        return self.lie(super().read(key, offset, length, etag), offset, len(self.reads))


def look(store: MemoryStore) -> Facts:
    return look_at_image(store, KEY, None, system_disk=True)


def failure(store: MemoryStore) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        look(store)
    return caught.value


def test_every_read_is_pinned_and_the_truth_passes() -> None:
    store = LyingStore(GOOD)
    assert look(store).virtual_bytes == 1 << 20
    info = store.head(KEY)
    assert info is not None
    assert {etag for _, _, etag in store.reads} == {info.etag}


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("nothing", lambda data, _offset, _reads: b""),
        ("one byte less", lambda data, _offset, _reads: data[:-1]),
        ("half", lambda data, _offset, _reads: data[: len(data) // 2]),
        ("less the second time", lambda data, _offset, reads: data if reads == 1 else data[:-8]),
    ],
)
def test_short_answers_are_refused(name: str, lie: Lie) -> None:
    assert failure(LyingStore(GOOD, lie)).code == "TruncatedImage"


def test_long_answers_are_cut() -> None:
    """What was not asked for is not looked at: here a header that would be refused."""
    store = LyingStore(GOOD, lambda data, _offset, _reads: data + EVIL)
    assert look(store).virtual_bytes == 1 << 20
    assert failure(LyingStore(EVIL, lambda data, _offset, _reads: data + GOOD)).code == "BackingFile"


def test_an_error_in_the_middle_is_that_error() -> None:
    def lie(data: bytes, _offset: int, reads: int) -> bytes:
        if reads > 1:
            raise ImgmoveError(Kind.UNAVAILABLE, "the connection was reset", code="ConnectionReset")
        return data

    error = failure(LyingStore(GOOD, lie))
    assert (error.kind, error.code) == (Kind.UNAVAILABLE, "ConnectionReset")


@pytest.mark.parametrize("size_off_by", [-len(GOOD), -65536, -1, 1, 512, 1 << 40])
def test_a_size_that_is_not_the_objects(size_off_by: int) -> None:
    """Too small: the image is cut off, or the same image if nothing of it is missing. Too large: its end is not there."""
    error = failure(LyingStore(GOOD, size_off_by=size_off_by)) if size_off_by != -1 else None
    assert error is None or error.code in {"TruncatedImage", "NotAnImage", "InvalidRange"}


@pytest.mark.parametrize("data", [EVIL, vmdk.image(text=vmdk.descriptor("monolithicFlat")), vhd.image(disk_type=4)])
@pytest.mark.parametrize("size_off_by", [-512, 0, 512, 1 << 30])
def test_a_hostile_image_is_refused_whatever_size_is_told(data: bytes, size_off_by: int) -> None:
    assert failure(LyingStore(data, size_off_by=size_off_by)).kind in {Kind.CORRUPT, Kind.INVALID}


def test_the_first_bytes_are_read_once() -> None:
    """A store that shows a harmless header first and another later: what was judged is what counts."""
    store = LyingStore(GOOD, lambda data, offset, reads: data if reads == 1 else EVIL[offset : offset + len(data)])
    look(store)
    ranges = [(offset, length) for offset, length, _ in store.reads]
    assert len(set(ranges)) == len(ranges)
    assert sum(offset == 0 for offset, _ in ranges) == 1


def test_an_object_that_changes_meanwhile_is_a_conflict() -> None:
    def lie(data: bytes, _offset: int, reads: int) -> bytes:
        if reads == 1:
            store.put(KEY, EVIL)
        return data

    store = LyingStore(GOOD, lie)
    error = failure(store)
    assert (error.kind, error.code) == (Kind.CONFLICT, "SourceChanged")
    assert "memory://bucket/disk.qcow2 changed" in error.message


def test_every_look_is_at_the_same_bytes() -> None:
    store = LyingStore(GOOD)
    image = StoredImage.of(store, KEY)
    assert image.guarded(None, system_disk=True).format is DiskFormat.QCOW2
    store.put(KEY, mbr(entry(0x83)))
    with pytest.raises(ImgmoveError) as caught:
        image.guarded(None, system_disk=True)
    assert caught.value.code == "SourceChanged"


def test_an_object_that_is_not_there() -> None:
    error = failure(MemoryStore())
    assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchKey")
