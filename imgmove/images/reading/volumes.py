"""LVM2: from physical volumes to groups to logical volumes, each a device; what cannot be read says why.

Own code, because libvslvm refuses a logical volume that has two pieces on one physical volume (any that was extended).
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from imgmove.images.guest.layout import VolumeGroup
from imgmove.images.reading.device import Device, DeviceError, clipped
from imgmove.images.reading.lvm_text import LvmTextError, Section, parse

_SECTOR: Final = 512
_LABEL: Final = struct.Struct("<8sQII8s")
_LABEL_SECTORS: Final = 4
_AREA: Final = struct.Struct("<QQ")
_MOST_AREAS: Final = 16
_METADATA_HEADER: Final = struct.Struct("<I16sIQQQQII")
_METADATA_MAGIC: Final = b" LVM2 x[5A%r0N*>"
_MOST_TEXT_BYTES: Final = 4 << 20
_CRC_START: Final = 0xF597A6CF
#: Kinds of segments whose bytes can be found without the device mapper.
_PLAIN: Final = frozenset({"striped", "linear"})


@dataclass(frozen=True)
class PhysicalVolume:
    """A device with a label of LVM2. `group` is its metadata; None where it has none, or it is damaged (`problem`)."""

    device: Device
    id: str
    group: Section | None = None
    group_name: str = ""
    problem: str = ""


@dataclass(frozen=True)
class LogicalVolume:
    """`device` None: it cannot be read, and `unreadable` says why."""

    group: str
    name: str
    size_bytes: int
    device: Device | None = None
    unreadable: str = ""


@dataclass(frozen=True)
class Volumes:
    groups: tuple[VolumeGroup, ...] = ()
    logical: tuple[LogicalVolume, ...] = ()


def open_physical(device: Device) -> PhysicalVolume | None:
    """The physical volume on a device; None where it is none."""
    head = device.read_at(0, _LABEL_SECTORS * _SECTOR)
    for start in range(0, len(head) - _SECTOR + 1, _SECTOR):
        magic, _, _, offset, kind = _LABEL.unpack_from(head, start)
        if magic == b"LABELONE" and kind == b"LVM2 001" and offset <= _SECTOR - 40:
            return _physical(device, head[start + offset : start + _SECTOR])
    return None


def _physical(device: Device, header: bytes) -> PhysicalVolume:
    identity = header[:32].decode("ascii", "replace")
    problem = "no metadata of its group is on it"
    for offset, _ in _metadata_areas(header[40:]):
        try:
            name, group = _group(device, offset)
        except (LvmTextError, DeviceError) as error:
            problem = f"the metadata of its group are damaged: {error}"
            continue
        if name:
            return PhysicalVolume(device, identity, group, name)
    return PhysicalVolume(device, identity, problem=problem)


def _metadata_areas(raw: bytes) -> Iterator[tuple[int, int]]:
    """After the list of data areas the list of metadata areas; an empty entry ends each."""
    areas = [_AREA.unpack_from(raw, start) for start in range(0, len(raw) - _AREA.size + 1, _AREA.size)]
    starts = [area[0] for area in areas]
    if 0 not in starts:
        return
    for area in areas[starts.index(0) + 1 :][:_MOST_AREAS]:
        if not area[0]:
            return
        yield area


def _group(device: Device, offset: int) -> tuple[str, Section]:
    """The name and the section of the group in one metadata area; empty where none was written yet."""
    raw = device.read_at(offset, _METADATA_HEADER.size)
    if len(raw) < _METADATA_HEADER.size or raw[4:20] != _METADATA_MAGIC:
        raise LvmTextError("there is no header")
    _, _, _, start, area_bytes, text_at, text_bytes, checksum, _ = _METADATA_HEADER.unpack(raw)
    if not text_bytes:
        return "", {}
    if text_bytes > min(area_bytes, _MOST_TEXT_BYTES) or text_at > area_bytes:
        raise LvmTextError(f"a text of {text_bytes} bytes")
    first = device.read_at(start + text_at, min(text_bytes, area_bytes - text_at))
    text = first + device.read_at(start + _SECTOR, text_bytes - len(first))  # the area is a ring, its header left out
    if _checksum(text) != checksum:
        raise LvmTextError("the checksum is wrong")
    root = parse(text.rstrip(b"\0").decode("utf-8", "replace"))
    return next(((name, value) for name, value in root.items() if isinstance(value, dict)), ("", {}))


def _checksum(data: bytes) -> int:
    return zlib.crc32(data, _CRC_START ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


# ------------------------------------------------------------------------------------------------------- groups


def assemble(physical: Iterable[PhysicalVolume]) -> Volumes:
    """The groups that these physical volumes belong to, by the newest metadata among them."""
    there = list(physical)
    newest: dict[str, tuple[str, Section]] = {}
    for item in there:
        if item.group is not None:
            known = newest.get(_text(item.group, "id"))
            if known is None or _number(item.group, "seqno") > _number(known[1], "seqno"):
                newest[_text(item.group, "id")] = (item.group_name, item.group)
    devices = {item.id: item.device for item in there}
    found = [_Group(name, section, devices) for name, section in newest.values()]
    return Volumes(
        tuple(group.described() for group in found), tuple(volume for group in found for volume in group.volumes())
    )


class _Group:
    def __init__(self, name: str, section: Section, devices: dict[str, Device]) -> None:
        self.name = name
        self._extent_bytes = _number(section, "extent_size") * _SECTOR
        self._physical = _sections(section, "physical_volumes")
        self._logical = _sections(section, "logical_volumes")
        self._devices = {
            key: devices[identity]
            for key, item in self._physical.items()
            if (identity := _text(item, "id").replace("-", "")) in devices
        }

    def described(self) -> VolumeGroup:
        missing = len(self._physical) - len(self._devices)
        return VolumeGroup(self.name, len(self._physical), missing, tuple(self._visible()))

    def volumes(self) -> Iterator[LogicalVolume]:
        for name, item in self._visible().items():
            extents = sum(_number(segment, "extent_count") for segment in _segments(item))
            size = extents * self._extent_bytes
            try:
                yield LogicalVolume(self.name, name, size, _Mapped(tuple(self._pieces(item))))
            except DeviceError as error:
                yield LogicalVolume(self.name, name, size, unreadable=str(error))

    def _visible(self) -> dict[str, Section]:
        """Without the hidden ones, which others are made of."""
        return {name: item for name, item in self._logical.items() if "VISIBLE" in _list(item, "status")}

    def _pieces(self, volume: Section) -> Iterator[_Piece]:
        for segment in sorted(_segments(volume), key=lambda item: _number(item, "start_extent")):
            kind = _text(segment, "type")
            if kind not in _PLAIN:
                raise DeviceError(f"a logical volume of the kind {kind or 'unknown'} cannot be read here")
            stripes = _list(segment, "stripes")
            places = [self._place(name, extent) for name, extent in zip(stripes[::2], stripes[1::2], strict=False)]
            if not places or (len(places) > 1 and _number(segment, "stripe_size") < 1):
                raise DeviceError("a segment without a place")
            yield _Piece(
                _number(segment, "start_extent") * self._extent_bytes,
                _number(segment, "extent_count") * self._extent_bytes,
                tuple(places),
                _number(segment, "stripe_size") * _SECTOR,
            )

    def _place(self, name: object, extent: object) -> tuple[Device, int]:
        if not isinstance(name, str) or not isinstance(extent, int) or name not in self._physical:
            raise DeviceError("a segment that leads nowhere")
        if name not in self._devices:
            raise DeviceError(f"a part of it is on the physical volume {name}, which is not on this disk")
        start = _number(self._physical[name], "pe_start") * _SECTOR
        return self._devices[name], start + extent * self._extent_bytes


# ------------------------------------------------------------------------------------------------------ volumes


@dataclass(frozen=True)
class _Piece:
    start: int
    length: int
    places: tuple[tuple[Device, int], ...]
    stripe_bytes: int

    def read_at(self, offset: int, length: int) -> bytes:
        """At most to the end of a stripe; `offset` counts from the piece's start."""
        if len(self.places) == 1:
            device, start = self.places[0]
            return device.read_at(start + offset, length)
        stripe, within = divmod(offset, self.stripe_bytes)
        row, column = divmod(stripe, len(self.places))
        device, start = self.places[column]
        return device.read_at(start + row * self.stripe_bytes + within, min(length, self.stripe_bytes - within))


class _Mapped:
    """The bytes of a logical volume."""

    def __init__(self, pieces: tuple[_Piece, ...]) -> None:
        end = 0
        for piece in pieces:
            if piece.start != end or piece.length <= 0:
                raise DeviceError("its segments have gaps or overlap")
            end += piece.length
        self.size_bytes = end
        self._pieces = pieces
        self._starts = [piece.start for piece in pieces]

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        found: list[bytes] = []
        while length > 0:
            piece = self._pieces[bisect_right(self._starts, offset) - 1]
            data = piece.read_at(offset - piece.start, min(length, piece.start + piece.length - offset))
            if not data:
                raise DeviceError("a logical volume reaches beyond the end of its partition")
            found.append(data)
            offset += len(data)
            length -= len(data)
        return b"".join(found)


def _segments(volume: Section) -> list[Section]:
    return [value for key, value in volume.items() if key.startswith("segment") and isinstance(value, dict)]


def _sections(section: Section, key: str) -> dict[str, Section]:
    value = section.get(key)
    return {name: item for name, item in value.items() if isinstance(item, dict)} if isinstance(value, dict) else {}


def _text(section: Section, key: str) -> str:
    value = section.get(key)
    return value if isinstance(value, str) else ""


def _list(section: Section, key: str) -> list[Any]:
    value = section.get(key)
    return value if isinstance(value, list) else []


def _number(section: Section, key: str) -> int:
    """A number that is not negative; 0 where there is none."""
    value = section.get(key)
    return value if isinstance(value, int) and value >= 0 else 0
