"""qcow2: each thing that the guard refuses, and what it lets pass beside it."""

import struct
from typing import Any

import pytest

from tests.images.hostile import qcow2
from tests.images.hostile.looking import look, refusal
from tests.images.hostile.qcow2 import COMPRESSED, DATA, L1, L2, OWNED, REFCOUNT_BLOCK, REFCOUNT_TABLE, extension

END = 6 * qcow2.CLUSTER
TIB = 1 << 40

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    # other files
    ("a backing file", "BackingFile", {"backing_offset": 4096, "backing_bytes": 11, "text": b"/etc/shadow"}),
    ("a backing file that is itself", "BackingFile", {"backing_offset": 4096, "backing_bytes": 4, "text": b"disk"}),
    ("a backing file over the network", "BackingFile",
     {"backing_offset": 4096, "backing_bytes": 20, "text": b"nbd://127.0.0.1/disk"}),
    ("a backing file in QEMU's own words", "BackingFile",
     {"backing_offset": 4096, "backing_bytes": 25, "text": b'json:{"driver":"nbd",...}'}),
    ("a backing file without a length", "BackingFile", {"backing_offset": 4096}),
    ("a backing file without a place", "BackingFile", {"backing_bytes": 10}),
    ("a backing file beyond the end", "BackingFile", {"backing_offset": 1 << 60, "backing_bytes": 10}),
    ("a backing file, version 2", "BackingFile", {"version": 2, "backing_offset": 4096, "backing_bytes": 9}),
    ("an external data file", "ExternalData", {"incompatible": 4}),
    ("its name without the bit", "ExternalData", {"extensions": extension(0x44415441, b"/etc/shadow")}),
    ("its name behind other extensions", "ExternalData",
     {"extensions": extension(0x6803F857, bytes(48)) * 40 + extension(0x44415441, b"data")}),
    ("its name, version 2", "ExternalData", {"version": 2, "extensions": extension(0x44415441, b"data")}),
    ("a raw data file, by the autoclear bit alone", "ExternalData", {"autoclear": 2}),
    # encryption
    ("AES", "EncryptedImage", {"crypt_method": 1}),
    ("LUKS", "EncryptedImage", {"crypt_method": 2}),
    ("a method that nobody knows", "EncryptedImage", {"crypt_method": 77}),
    ("a crypto header without the method", "EncryptedImage", {"extensions": extension(0x0537BE77, bytes(16))}),
    # features
    ("marked as corrupt", "DamagedImage", {"incompatible": 2}),
    ("a feature of tomorrow", "UnknownFeatures", {"incompatible": 1 << 5}),
    ("the last feature bit", "UnknownFeatures", {"incompatible": 1 << 63}),
    ("a compression of tomorrow", "UnknownFeatures", {"incompatible": 8, "compression": 2}),
    ("zstd without its bit", "AbsurdHeader", {"compression": 1}),
    ("the bit without zstd", "AbsurdHeader", {"incompatible": 8}),
    ("version 1", "AbsurdHeader", {"version": 1}),
    ("version 4", "AbsurdHeader", {"version": 4}),
    # sizes
    ("clusters of 256 bytes", "AbsurdHeader", {"cluster_bits": 8}),
    ("clusters of 4 MiB", "AbsurdHeader", {"cluster_bits": 22}),
    ("clusters of 2^(2^32)", "AbsurdHeader", {"cluster_bits": 0xFFFF_FFFF}),
    ("no disk", "AbsurdHeader", {"virtual_bytes": 0}),
    ("a disk of half a sector", "AbsurdHeader", {"virtual_bytes": 256}),
    ("a disk larger than its L1 table", "AbsurdHeader", {"virtual_bytes": 1 << 62}),
    ("a size bomb", "TooLarge",
     {"virtual_bytes": 64 * TIB, "l1_entries": 64 * TIB >> 29, "l1": [0], "l2": [0], "after": bytes(1 << 20)}),
    ("an L1 table of no entries", "AbsurdHeader", {"l1_entries": 0}),
    ("an L1 table of 32 GiB", "AbsurdHeader", {"l1_entries": 0xFFFF_FFFF}),
    ("an L1 table cut off", "TruncatedImage", {"l1_entries": 4 << 20}),
    ("an L1 table at 0", "AbsurdHeader", {"l1_offset": 0}),
    ("an L1 table between clusters", "AbsurdHeader", {"l1_offset": 12345}),
    ("an L1 table beyond the end", "TruncatedImage", {"l1_offset": 1 << 40}),
    ("no refcount table", "AbsurdHeader", {"refcount_clusters": 0}),
    ("a refcount table of terabytes", "AbsurdHeader", {"refcount_clusters": 0xFFFF_FFFF}),
    ("a refcount table beyond the end", "TruncatedImage", {"refcount_offset": 1 << 40}),
    ("refcounts of 2^7 bits", "AbsurdHeader", {"refcount_order": 7}),
    ("a header of 8 bytes", "AbsurdHeader", {"header_bytes": 8}),
    ("a header of a gigabyte", "AbsurdHeader", {"header_bytes": 1 << 30}),
    # header extensions
    ("an extension of 4 GiB", "AbsurdHeader", {"extensions": extension(7, b"", 0xFFFF_FFF0)}),
    ("an extension that leaves the cluster", "AbsurdHeader", {"extensions": extension(7, b"", 65536)}),
    ("bitmaps beyond the end", "TruncatedImage",
     {"extensions": extension(0x23852875, struct.pack(">IIQQ", 1, 0, 512, 1 << 50))}),
    ("bitmaps in three bytes", "AbsurdHeader", {"extensions": extension(0x23852875, b"abc")}),
    # loops
    ("L1 names the header", "AbsurdHeader", {"l1": [OWNED | 512]}),
    ("L1 names itself", "AbsurdHeader", {"l1": [L1 | OWNED]}),
    ("L1 names the refcount table", "AbsurdHeader", {"l1": [REFCOUNT_TABLE | OWNED]}),
    ("L1 names a refcount block", "AbsurdHeader", {"l1": [REFCOUNT_BLOCK | OWNED]}),
    ("L1 names a table twice", "AbsurdHeader", {"l1": [L2 | OWNED, L2 | OWNED], "l1_entries": 2}),
    ("L1 names no cluster", "AbsurdHeader", {"l1": [(L2 + 512) | OWNED]}),
    ("L1 names what is beyond the end", "TruncatedImage", {"l1": [1 << 50 | OWNED]}),
    ("L2 names the L1 table", "AbsurdHeader", {"l2": [L1 | OWNED]}),
    ("L2 names itself", "AbsurdHeader", {"l2": [L2 | OWNED]}),
    ("L2 names another L2 table", "AbsurdHeader", {"l1": [L2 | OWNED, DATA | OWNED], "l1_entries": 2}),
    ("L2 names the refcount table", "AbsurdHeader", {"l2": [DATA, REFCOUNT_TABLE | OWNED]}),
    ("L2 names no cluster", "AbsurdHeader", {"l2": [(DATA + 512) | OWNED]}),
    ("L2 names what is beyond the end", "TruncatedImage", {"l2": [END | OWNED]}),
    ("compressed data beyond the end", "TruncatedImage", {"l2": [COMPRESSED | 1 << 50]}),
    ("compressed data in the header", "AbsurdHeader", {"l2": [COMPRESSED | 512]}),
    ("refcounts in the header", "AbsurdHeader", {"refcount_table": [512]}),
    ("refcounts in the L1 table", "AbsurdHeader", {"refcount_table": [L1]}),
    ("refcounts in their own table", "AbsurdHeader", {"refcount_table": [REFCOUNT_TABLE]}),
    ("refcounts twice", "AbsurdHeader", {"refcount_table": [REFCOUNT_BLOCK, REFCOUNT_BLOCK]}),
    ("refcounts beyond the end", "TruncatedImage", {"refcount_table": [1 << 50]}),
    ("a cluster in use beyond the end", "TruncatedImage", {"refcounts": [1] * 9}),
    # snapshots
    ("a million snapshots", "AbsurdHeader", {"snapshots": 1 << 20, "snapshots_offset": END}),
    ("snapshots beyond the end", "TruncatedImage", {"snapshots": 1, "snapshots_offset": 1 << 40}),
    ("more snapshots than bytes", "TruncatedImage",
     {"snapshots": 60000, "snapshots_offset": END, "after": qcow2.snapshot()}),
    ("snapshots in the header", "AbsurdHeader", {"snapshots": 1, "snapshots_offset": 0}),
    ("a snapshot's table beyond the end", "TruncatedImage",
     {"snapshots": 1, "snapshots_offset": END, "after": qcow2.snapshot(1 << 50)}),
    ("a snapshot's table of 32 GiB", "AbsurdHeader",
     {"snapshots": 1, "snapshots_offset": END, "after": qcow2.snapshot(entries=0xFFFF_FFFF)}),
    ("a snapshot with 4 GiB of its own", "AbsurdHeader",
     {"snapshots": 1, "snapshots_offset": END, "after": qcow2.snapshot(extra_bytes=0xFFFF_FFFF)}),
    ("a snapshot's name cut off", "TruncatedImage",
     {"snapshots": 1, "snapshots_offset": END, "after": qcow2.snapshot(name_bytes=60000)}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fields"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(code: str, fields: dict[str, Any]) -> None:
    assert refusal(qcow2.image(**fields)).code == code


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"version": 2},
        {"incompatible": 1},
        {"incompatible": 8, "compression": 1},
        {"incompatible": 16},
        {"compatible": 1, "autoclear": 1},
        {"extensions": extension(0x6803F857, bytes(144)) + extension(0x12345678, b"of tomorrow")},
        {"version": 2, "extensions": extension(0x12345678, bytes(12))},
        {"l1": [0]},
        {"l2": [DATA | 1, 1]},
        {"l2": [1 << 40 | 1]},
        {"l2": [COMPRESSED | DATA, COMPRESSED | (DATA + 513)]},
        {"l2": [DATA, DATA]},
        {"header_bytes": 104},
        {"snapshots": 1, "snapshots_offset": END, "after": qcow2.snapshot()},
    ],
    ids=str,
)
def test_passes(fields: dict[str, Any]) -> None:
    assert look(qcow2.image(**fields)).virtual_bytes == 1 << 20


def test_what_is_named_stands_in_the_message_without_its_tricks() -> None:
    error = refusal(qcow2.image(backing_offset=4096, backing_bytes=16, text=b"/etc/\x1b[31m\n\rroot"))
    assert "'/etc/\\x1b[31m\\n\\rro" in error.message


def test_an_extension_hidden_where_nobody_looks() -> None:
    """With clusters of 2 MiB, header extensions may go on where the first look ends."""
    data = bytearray(4 << 20)
    data[:112] = qcow2.image(cluster_bits=21, l1_offset=2 << 20, refcount_offset=2 << 20)[:112]
    struct.pack_into(">II", data, 112, 7, 1 << 20)
    data[120 + (1 << 20) :][:20] = extension(0x44415441, b"data")
    error = refusal(bytes(data))
    assert error.code == "AbsurdHeader"
    assert "no end" in error.message


def test_extensions_without_end_are_read_once() -> None:
    data = bytearray(qcow2.image())
    data[112:65536] = extension(7, b"") * ((65536 - 112) // 8)
    assert look(bytes(data)).virtual_bytes == 1 << 20


def test_of_many_l2_tables_a_few_are_read() -> None:
    """A thousand tables: the first, the last and some between; the last one tells that the image is cut."""
    tables = 1000
    size = (tables + 8) * qcow2.CLUSTER
    data = bytearray(qcow2.image(virtual_bytes=tables << 29, l1_entries=tables, refcounts=[]))
    data += bytes(size - len(data))
    struct.pack_into(f">{tables}Q", data, L1, *((number + 6) * qcow2.CLUSTER | OWNED for number in range(tables)))
    assert look(bytes(data)).virtual_bytes == tables << 29
    struct.pack_into(">Q", data, (tables + 5) * qcow2.CLUSTER, size | OWNED)
    assert refusal(bytes(data)).code == "TruncatedImage"


@pytest.mark.parametrize("length", [0, 1, 71, 72, 100, 103, 511, 512, 65536, 4 * 65536, 5 * 65536])
def test_cut_off(length: int) -> None:
    assert refusal(qcow2.image()[:length], declared=None, system_disk=True).code in {
        "TruncatedImage", "NotAnImage", "AbsurdHeader",
    }  # fmt: skip
