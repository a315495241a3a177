"""VMDK: only images that are whole in one file pass; descriptors that name other files, and ESX's own types, do not.

The format: VMware's "Virtual Disk Format 5.0"; what QEMU takes for a descriptor: vmdk_probe in block/vmdk.c.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import MAX_READ_BYTES, ImageBytes, absurd, refuse, truncated

_SECTOR: Final = 512
_SPARSE: Final = struct.Struct("<4sIIQQQQIQQQB4sH")
_NEWLINES: Final = b"\n \r\n"
_AT_END: Final = (1 << 64) - 1
_FOOTER_BYTES: Final = 3 * _SECTOR
_FOOTER_MARKER: Final = 3
_LAST_TABLES: Final = 8
_WHOLE: Final = frozenset({"monolithicsparse", "streamoptimized"})
_NO_PARENT: Final = "ffffffff"
_FIELD: Final = re.compile(r'^\s*([\w.]+)\s*=\s*"?([^"]*)"?\s*$')
_EXTENT: Final = re.compile(r'^(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)")?', re.IGNORECASE)
_ONE_FILE: Final = (
    "where all its files are together and trusted, make one of them: "
    "`qemu-img convert -f vmdk -O qcow2 DISK.vmdk DISK.qcow2`"
)


@dataclass(frozen=True)
class _Header:
    magic: bytes
    version: int
    flags: int
    capacity: int
    grain: int
    descriptor: int
    descriptor_sectors: int
    entries_in_table: int
    redundant_directory: int
    directory: int
    overhead: int
    unclean: int
    newlines: bytes
    compression: int


def is_descriptor(head: bytes) -> bool:
    """Would QEMU take this text for a descriptor? Comments and blank lines may stand in front of `version=`."""
    for line in head[:4096].split(b"\n"):
        stripped = line.strip()
        if stripped.lower().startswith(b"# disk descriptorfile"):
            return True
        if stripped and not stripped.startswith(b"#"):
            return stripped in {b"version=1", b"version=2", b"version=3"}
    return False


def look(image: ImageBytes) -> Facts:
    """What is in the header, the descriptor and the grain directory."""
    if image.head.startswith(b"COWD"):
        refuse("ForeignExtents", "is an extent of ESX's own sparse type, without its descriptor", _ONE_FILE)
    if not image.head.startswith(b"KDMV"):
        refuse(
            "ForeignExtents",
            f"is only the descriptor of a VMDK: the disk is in other files{_named(image.head)}",
            _ONE_FILE,
        )
    header = _unpacked(image.exactly(0, _SPARSE.size, "the header"))
    _check_header(header)
    variant = _check_descriptor(image, header)
    _check_directory(image, header, _directory(image, header))
    notes = ("it was not closed cleanly",) if header.unclean else ()
    return Facts(DiskFormat.VMDK, header.capacity * _SECTOR, variant, notes)


def _unpacked(raw: bytes) -> _Header:
    return _Header(*_SPARSE.unpack(raw))


def _named(head: bytes) -> str:
    found = [match[3] for line in _lines(head) if (match := _EXTENT.match(line)) and match[3]]
    return f" ({', '.join(repr(name[:100]) for name in found[:3])})" if found else ""


def _lines(text: bytes) -> list[str]:
    return [line.strip() for line in text.split(b"\0")[0].decode("utf-8", "replace").splitlines()]


def _check_header(header: _Header) -> None:
    if header.version not in {1, 2, 3}:
        absurd(f"VMDK version {header.version}; 1 to 3 are known")
    if not header.capacity:
        # QEMU would follow the descriptor's extents then, wherever they point.
        refuse("ForeignExtents", "has no disk of its own: its extents are in other files", _ONE_FILE)
    if header.newlines != _NEWLINES:
        refuse("DamagedImage", "was changed by a transfer in text mode", "transfer it again in binary mode")
    if not 8 <= header.grain <= 65536 or header.grain & (header.grain - 1):
        absurd(f"grains of {header.grain} sectors")
    if not 1 <= header.entries_in_table <= 512:
        absurd(f"grain tables of {header.entries_in_table} entries")
    if header.compression > 1:
        absurd(f"compression method {header.compression}")


def _check_descriptor(image: ImageBytes, header: _Header) -> str:
    """The descriptor inside the file: one extent, this file, no parent. Its `createType`."""
    if not header.descriptor or not header.descriptor_sectors:
        refuse("ForeignExtents", "is one extent of a VMDK that consists of several files", _ONE_FILE)
    length = header.descriptor_sectors * _SECTOR
    if length > MAX_READ_BYTES:
        absurd(f"a descriptor of {length} bytes")
    fields, extents = _parsed(image.exactly(header.descriptor * _SECTOR, length, "the descriptor"))
    variant = fields.get("createtype", "")
    if variant.lower() not in _WHOLE:
        refuse("ForeignExtents", f"is of the type {variant[:60]!r}, whose data is in other files or devices", _ONE_FILE)
    if fields.get("parentcid", _NO_PARENT).lower() != _NO_PARENT or "parentfilenamehint" in fields:
        refuse(
            "BackingFile",
            f"is only the difference to {fields.get('parentfilenamehint', 'a parent')[:100]!r}",
            _ONE_FILE,
        )
    if any(name.startswith("encryption.") for name in fields):
        refuse("EncryptedImage", "is encrypted: no importer has the key", "decrypt it in VMware first")
    if len(extents) != 1 or extents[0][0].upper() != "SPARSE" or set("/\\") & set(extents[0][1]):
        refuse("ForeignExtents", f"has extents other than itself: {extents[:3]!r}"[:300], _ONE_FILE)
    return variant


def _parsed(text: bytes) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Fields with their names in lower case, and extents as type and file name; every line must be one of the known."""
    fields: dict[str, str] = {}
    extents: list[tuple[str, str]] = []
    for line in _lines(text):
        if not line or line.startswith("#"):
            continue
        if extent := _EXTENT.match(line):
            extents.append((extent[2], extent[3] or ""))
            continue
        field = _FIELD.match(line)
        if not field or (field[1].lower() in fields and not field[1].lower().startswith("ddb.")):
            absurd(f"the descriptor's line {line[:60]!r}")
        fields[field[1].lower()] = field[2]
    return fields, extents


def _directory(image: ImageBytes, header: _Header) -> int:
    """The sector of the grain directory; a stream keeps it in a footer, which must say the same as the header."""
    if header.directory != _AT_END:
        return header.directory
    end = image.tail(_FOOTER_BYTES)
    if len(end) < _FOOTER_BYTES or end[12:16] != _FOOTER_MARKER.to_bytes(4, "little"):
        truncated("the footer of the stream is missing")
    footer = _unpacked(end[_SECTOR : _SECTOR + _SPARSE.size])
    same = ("magic", "version", "capacity", "grain", "descriptor", "descriptor_sectors", "entries_in_table")
    if footer.directory == _AT_END or any(getattr(header, name) != getattr(footer, name) for name in same):
        absurd("header and footer differ")
    return footer.directory


def _check_directory(image: ImageBytes, header: _Header, directory: int) -> None:
    entries = -(-header.capacity // (header.entries_in_table * header.grain))
    found = image.table(directory * _SECTOR, entries, "I", "little", "the grain directory")
    last = max(found, default=0)
    if last and last * _SECTOR + header.entries_in_table * 4 > image.size_bytes:
        truncated(f"a grain table would be at {last * _SECTOR}, and it has {image.size_bytes} bytes")
    _check_last_grain(image, header, [entry for entry in found if entry])


def _check_last_grain(image: ImageBytes, header: _Header, tables: list[int]) -> None:
    """In the last table that is in use, the grains must begin inside the image: in a cut upload they don't."""
    for sector in reversed(tables[-_LAST_TABLES:]):
        grains = image.table(sector * _SECTOR, header.entries_in_table, "I", "little", "a grain table")
        last = max(grains) * _SECTOR
        if last >= image.size_bytes:
            truncated(f"a grain would be at {last}, and it has {image.size_bytes} bytes")
        if last > _SECTOR:
            return
