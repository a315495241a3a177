"""The descriptor of a VMDK: text that says where the disk is. Only what says "here, and nowhere else" passes.

Readers disagree on where a sparse file's descriptor ends and on what is a comment: QEMU takes 20 sectors behind the
first, whatever the header says, and finds `parentFileNameHint` anywhere in them, in comments too (block/vmdk.c). So the
text is read as far as any of them reads, and that word is refused wherever it stands.
"""

from __future__ import annotations

import re
from typing import Final

from imgmove.images.headers.image_bytes import ImageBytes, absurd, quoted, refuse

SECTOR_BYTES: Final = 512
_READ_ANYWAY_BYTES: Final = 20 * SECTOR_BYTES
_MAX_BYTES: Final = 256 << 10
_WHOLE: Final = frozenset({"monolithicsparse", "streamoptimized"})
_NO_PARENT: Final = "ffffffff"
_PARENT_HINT: Final = "parentfilenamehint"
_HINTED: Final = re.compile(_PARENT_HINT + r'\s*=\s*"?([^"\n]*)', re.IGNORECASE)
_FIELD: Final = re.compile(r'^\s*([\w.]+)\s*=\s*"?([^"]*)"?\s*$')
_EXTENT: Final = re.compile(r'^(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)")?', re.IGNORECASE)
ONE_FILE: Final = (
    "where all its files are together and trusted, make one of them: "
    "`qemu-img convert -f vmdk -O qcow2 DISK.vmdk DISK.qcow2`"
)
Extent = tuple[int, str, str]
"""Sectors, type, file name."""


def is_descriptor(head: bytes) -> bool:
    """Would QEMU take this text for a descriptor? Comments and blank lines may stand in front of `version=`."""
    for line in head[:4096].split(b"\n"):
        stripped = line.strip()
        if stripped.lower().startswith(b"# disk descriptorfile"):
            return True
        if stripped and not stripped.startswith(b"#"):
            return stripped in {b"version=1", b"version=2", b"version=3"}
    return False


def named_extents(head: bytes) -> str:
    """The files that a descriptor without a disk names, for a message; empty where it names none."""
    found = [match[3] for line in _lines(_text(head)) if (match := _EXTENT.match(line)) and match[3]]
    return f" ({', '.join(quoted(name[:60]) for name in found[:3])})" if found else ""


def check_descriptor(image: ImageBytes, sector: int, sectors: int, capacity: int, grain: int) -> str:
    """The descriptor inside a sparse file of `capacity` sectors: one extent, this file, no parent. Its `createType`."""
    if not sector or not sectors:
        refuse("ForeignExtents", "is one extent of a VMDK that consists of several files", ONE_FILE)
    if sector != 1:
        absurd(f"a descriptor at sector {sector}: readers look at sector 1, whatever the header says")
    if sectors * SECTOR_BYTES > _MAX_BYTES:
        absurd(f"a descriptor of {sectors * SECTOR_BYTES} bytes")
    image.exactly(SECTOR_BYTES, sectors * SECTOR_BYTES, "the descriptor")
    text = _text(image.head[SECTOR_BYTES : SECTOR_BYTES + max(sectors * SECTOR_BYTES, _READ_ANYWAY_BYTES)])
    fields, extents = _parsed(text)
    variant = fields.get("createtype", "")
    if variant.lower() not in _WHOLE:
        refuse(
            "ForeignExtents",
            f"is of the type {quoted(variant[:60])}, whose data is in other files or devices",
            ONE_FILE,
        )
    _check_parent(text, fields)
    if any(name.startswith("encryption.") for name in fields):
        refuse("EncryptedImage", "is encrypted: no importer has the key", "decrypt it in VMware first")
    _check_extent(extents, capacity, grain)
    return variant


def _check_parent(text: str, fields: dict[str, str]) -> None:
    if fields.get("parentcid", _NO_PARENT).lower() == _NO_PARENT and _PARENT_HINT not in text.lower():
        return
    named = _HINTED.search(text)
    refuse("BackingFile", f"is only the difference to {quoted(named[1]) if named else 'a parent disk'}", ONE_FILE)


def _check_extent(extents: list[Extent], capacity: int, grain: int) -> None:
    if len(extents) != 1 or extents[0][1].upper() != "SPARSE" or set("/\\") & set(extents[0][2]):
        named = ", ".join(f"{kind[:20]} {quoted(name[:60])}" for _, kind, name in extents[:3])
        refuse("ForeignExtents", f"has extents other than itself: {named or 'none at all'}", ONE_FILE)
    # Some writers round the header's number up to whole grains.
    if -(-extents[0][0] // grain) != -(-capacity // grain):
        absurd(f"{capacity} sectors in the header, {extents[0][0]} in the descriptor")


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _parsed(text: str) -> tuple[dict[str, str], list[Extent]]:
    """Fields with their names in lower case, and extents; every line must be one of the known."""
    fields: dict[str, str] = {}
    extents: list[Extent] = []
    for line in _lines(text):
        if not line or line.startswith("#"):
            continue
        if extent := _EXTENT.match(line):
            extents.append((_sectors(extent[1]), extent[2], extent[3] or ""))
            continue
        field = _FIELD.match(line)
        if not field or (field[1].lower() in fields and not field[1].lower().startswith("ddb.")):
            absurd(f"the descriptor's line {quoted(line[:60])}")
        fields[field[1].lower()] = field[2]
    return fields, extents


def _sectors(digits: str) -> int:
    if len(digits) > 20:
        absurd(f"an extent of {digits[:20]}… sectors")
    return int(digits)
