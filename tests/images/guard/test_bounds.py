"""Whatever the bytes are: an answer or CORRUPT, no read outside of the file, bounded reads, bounded memory."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError
from imgmove.images.guard import inspect
from imgmove.images.headers.image_bytes import MAX_TOTAL_BYTES, ImageBytes
from tests.images.guard.test_archives import DISK
from tests.images.hostile import archives, qcow2, vdi, vhd, vmdk
from tests.images.hostile.looking import CountingReader, check_refusal
from tests.images.hostile.written import DIALECTS, Dialect, written
from tests.tools import needs_qemu_img

MIB = 1 << 20
ARCHIVE: Final = archives.packed(archives.member(DISK), archives.END)


def answered(data: bytes, claimed_bytes: int = 0) -> CountingReader:
    """The reader itself refuses what is out of bounds."""
    reader = CountingReader(data, claimed_bytes)
    try:
        facts = inspect("x", reader.image(), system_disk=False)
    except ImgmoveError as error:
        check_refusal(error)
    else:
        assert facts.virtual_bytes is None or facts.virtual_bytes >= 0
    return reader


CHANGES: Final = st.lists(
    st.tuples(
        st.integers(0, 600) | st.integers(-2048, -1) | st.integers(0, 400_000), st.binary(min_size=1, max_size=16)
    ),
    max_size=6,
)


def damaged(data: bytes, changes: list[tuple[int, bytes]], cut: int) -> bytes:
    changed = bytearray(data)
    for offset, piece in changes:
        start = offset % len(changed)
        changed[start : start + len(piece)] = piece[: len(changed) - start]
    return bytes(changed[: len(changed) - cut] if cut < len(changed) else changed)


@needs_qemu_img
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DIALECTS), CHANGES, st.integers(0, 3) | st.integers(512, 300_000),
    st.sampled_from([0, 8 * MIB, 1 << 50]),
)  # fmt: skip
@example(DIALECTS[0], [(24, b"\x7f" + b"\xff" * 7)], 0, 1 << 50)
def test_damaged_images(dialect: Dialect, changes: list[tuple[int, bytes]], cut: int, claimed_bytes: int) -> None:
    answered(damaged(written(dialect), changes, cut), claimed_bytes)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from([qcow2.image(), vmdk.image(), vmdk.stream(), vhd.image(), vdi.image(), ARCHIVE]), CHANGES,
    st.integers(0, 3), st.sampled_from([0, 8 * MIB, 1 << 50]),
)  # fmt: skip
def test_damaged_headers(data: bytes, changes: list[tuple[int, bytes]], cut: int, claimed_bytes: int) -> None:
    answered(damaged(data, changes, cut), claimed_bytes)


WORDS: Final = st.integers(0, (1 << 32) - 1) | st.sampled_from([0, 1, 511, 512, 4096, 65536, 0x7FFFFFFF, 0xFFFFFFFF])
LONG_WORDS: Final = WORDS | st.integers(0, (1 << 64) - 1) | st.sampled_from([1 << 40, (1 << 63) - 1, (1 << 64) - 1])
PLACES: Final = LONG_WORDS | st.integers(0, 8).map(lambda number: number * qcow2.CLUSTER | qcow2.OWNED)


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(st.sampled_from([name for name in qcow2.FIELDS if name not in {"magic", "compression"}]), WORDS, max_size=4),
    st.lists(PLACES, max_size=8), st.lists(PLACES, max_size=8), st.lists(PLACES, max_size=8),
    st.sampled_from([0, 1 << 30, 1 << 45]),
)  # fmt: skip
def test_structured_qcow2(
    fields: dict[str, Any], l1: list[int], l2: list[int], refcount_table: list[int], claimed_bytes: int
) -> None:
    answered(qcow2.image(l1=l1, l2=l2, refcount_table=refcount_table, **fields), claimed_bytes)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["version", "capacity", "grain", "entries", "directory", "flags", "redundant",
                                     "descriptor_sectors"]), WORDS, max_size=3),
    st.lists(WORDS, max_size=8), st.lists(WORDS, max_size=8), st.text(max_size=200), st.booleans(),
)  # fmt: skip
def test_structured_vmdk(
    fields: dict[str, Any], directory: list[int], grains: list[int], line: str, stream: bool
) -> None:
    if stream:
        answered(vmdk.stream(directory_entries=directory, grains=grains, footer=fields))
    else:
        text = vmdk.descriptor(more=[line]) if line else None
        answered(vmdk.image(text=text, directory_entries=directory, grains=grains, **fields))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["header_offset", "current_bytes", "table_offset"]), LONG_WORDS, max_size=3),
    st.dictionaries(st.sampled_from(["disk_type", "entries", "block_bytes"]), WORDS, max_size=3),
    st.lists(WORDS, min_size=1, max_size=128),
)
def test_structured_vhd(long_fields: dict[str, Any], fields: dict[str, Any], table: list[int]) -> None:
    answered(vhd.image(table=table, **long_fields, **fields))


@settings(max_examples=200)
@given(
    st.binary(max_size=3000),
    st.sampled_from([b"", b"QFI\xfb", b"KDMV", b"conectix", b"# x\nversion=1\n", b"\x1f\x8b\x08", b"LUKS\xba\xbe"]),
)
def test_any_bytes(data: bytes, front: bytes) -> None:
    answered(front + data)


def test_a_reader_is_sent_to_no_more_places_than_the_bounds() -> None:
    reader = CountingReader(bytes(64 * MIB))
    image: ImageBytes = reader.image()
    with pytest.raises(ImgmoveError) as caught:
        deque((image.exactly(MIB + number * 500_000, 400_000, "a table") for number in range(100)), maxlen=0)
    assert caught.value.code == "AbsurdHeader"
    assert sum(length for _, length in reader.asked) <= MAX_TOTAL_BYTES


_FIELD_BOMB = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
from tests.images.guard.corpus import CORPUS
from tests.images.guard.test_bounds import answered
for data in CORPUS.values():
    answered(data, 1 << 50)
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not run: only Linux keeps a limit on address space")
def test_the_whole_corpus_fits_in_little_address_space() -> None:
    done = subprocess.run([sys.executable, "-c", _FIELD_BOMB], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "done", done.stderr
