"""From an image's bytes to the disk in it, whatever the format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from imgmove.core.formats import DiskFormat
from imgmove.images.reading.archive import Archive
from imgmove.images.reading.device import Device, DeviceError, clipped
from imgmove.images.reading.libyal import DeviceFile, reading
from imgmove.images.reading.qcow2 import Qcow2
from imgmove.images.reading.vdi import Vdi

#: What a reader in C is asked for at a time.
_PIECE_BYTES: Final = 1 << 20
_CANNOT: Final = "the image cannot be opened"


def open_container(disk_format: DiskFormat, file: Device) -> Device:
    """The disk in an image of `disk_format`. Raises DeviceError where it cannot be opened."""
    return _OPENERS[disk_format](file)


class LibyalDisk:
    """A disk behind a handle of libvhdi or libvmdk. Keeps the file objects alive: the handle does not."""

    def __init__(self, handle: Any, *files: DeviceFile) -> None:
        self._handle, self._files = handle, files
        self.size_bytes: int = handle.get_media_size()

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        pieces: list[bytes] = []
        while length > 0:
            piece = self._piece(offset, min(length, _PIECE_BYTES))
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def _piece(self, offset: int, length: int) -> bytes:
        with reading(f"the image is damaged at {offset}", *self._files):
            data: bytes = self._handle.read_buffer_at_offset(length, offset)
        if not data:
            raise DeviceError(f"the image ends at {offset}, before its disk does")
        return data


def _raw(file: Device) -> Device:
    return file


def _vhd(file: Device) -> Device:
    import pyvhdi

    opened = DeviceFile(file)
    handle = pyvhdi.file()
    with reading(_CANNOT, opened):
        handle.open_file_object(opened)
        return LibyalDisk(handle, opened)


def _vmdk(file: Device) -> Device:
    """The one extent of a sparse VMDK is the file itself: so it is handed over twice."""
    import pyvmdk

    opened, extent = DeviceFile(file), DeviceFile(file)
    handle = pyvmdk.handle()
    with reading(_CANNOT, opened, extent):
        handle.open_file_object(opened)
        handle.open_extent_data_files_as_file_objects([extent])
        return LibyalDisk(handle, opened, extent)


_OPENERS: Final[dict[DiskFormat, Callable[[Device], Device]]] = {
    DiskFormat.RAW: _raw,
    DiskFormat.QCOW2: Qcow2,
    DiskFormat.VHD: _vhd,
    DiskFormat.VMDK: _vmdk,
    DiskFormat.VDI: Vdi,
    DiskFormat.RAW_TAR_GZ: Archive,
}
