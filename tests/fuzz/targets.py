"""What is fuzzed: each target takes any bytes, and raises only where a promise of ours is broken."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect
from imgmove.images.guest.collect import collect
from imgmove.images.guest.collect.byte_source import ByteSource, UnpackError
from imgmove.images.guest.collect.cpio import entries
from imgmove.images.guest.collect.unpack import unpacked
from imgmove.images.guest.layout import DiskLayout
from imgmove.images.headers.vhd import FOOTER_CHECKSUM, HEADER_CHECKSUM, checksum
from imgmove.images.inflate import PIECE_BYTES, Gunzip
from imgmove.images.reading.archive import Archive
from imgmove.images.reading.device import Device, DeviceError
from imgmove.images.reading.qcow2 import Qcow2
from imgmove.images.reading.survey import survey
from imgmove.images.reading.vdi import Vdi
from imgmove.images.tar_stream import open_tar
from tests.images.guest.trees import MemoryTree
from tests.images.hostile.looking import CountingReader

MIB: Final = 1 << 20
_SECTOR: Final = 512
#: Sizes that an image may claim; what is beyond its bytes is zeros.
_CLAIMS: Final = (0, 64 * MIB, 1 << 45)
_MOST_TAKEN: Final = 64 * MIB
#: Files that the collectors of a guest's facts read.
PATHS: Final = (
    "/etc/fstab", "/etc/os-release", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/menu.lst",
    "/boot/grub/grubenv", "/boot/grub2/grubenv", "/etc/default/grub", "/etc/kernel/cmdline", "/boot/loader/entries/a.conf",
    "/boot/extlinux/extlinux.conf", "/boot/vmlinuz-1.2.3", "/boot/initrd.img-1.2.3", "/boot/config-1.2.3",
    "/lib/modules/1.2.3/modules.builtin", "/lib/modules/1.2.3/modules.dep", "/etc/cloud/cloud.cfg",
    "/etc/cloud/cloud.cfg.d/a.cfg", "/etc/network/interfaces", "/etc/netplan/a.yaml",
    "/etc/sysconfig/network-scripts/ifcfg-eth0", "/etc/NetworkManager/system-connections/a.nmconnection",
    "/etc/systemd/network/a.network", "/etc/udev/rules.d/70-persistent-net.rules", "/etc/ssh/sshd_config",
    "/etc/passwd", "/etc/shadow", "/etc/machine-id", "/etc/hostname", "/etc/resolv.conf", "/etc/crypttab",
    "/etc/selinux/config", "/var/lib/dpkg/status", "/etc/lsb-release", "/etc/redhat-release",
)  # fmt: skip


class Bytes:
    """A device in memory, with zeros behind its bytes."""

    def __init__(self, data: bytes, size_bytes: int = 0) -> None:
        self._data = data
        self.size_bytes = max(size_bytes, len(data))
        self._left = 4 * _MOST_TAKEN

    def read_at(self, offset: int, length: int) -> bytes:
        assert length >= 0
        length = max(0, min(length, self.size_bytes - offset)) if offset >= 0 else 0
        self._left -= length
        if self._left < 0:
            raise DeviceError("read too much")
        return self._data[offset : offset + length].ljust(length, b"\0")


def guard(data: bytes) -> None:
    """One byte that says how large the image is said to be and which disk, then the image; its checksums are made right."""
    how, image = data[:1] or b"\0", _with_checksums(data[1:])
    reader = CountingReader(image, _CLAIMS[how[0] % len(_CLAIMS)])
    try:
        facts = inspect("x", reader.image(), system_disk=bool(how[0] & 0x80))
    except ImgmoveError as error:
        assert error.kind is Kind.CORRUPT, error  # noqa: PT017 - either answer is right
        assert error.hint  # noqa: PT017
        assert error.message.isprintable()  # noqa: PT017
        assert len(error.message) < 700  # noqa: PT017
    else:
        assert facts.virtual_bytes is None or facts.virtual_bytes >= 0


def _with_checksums(image: bytes) -> bytes:
    if image.startswith(b"conectix") and len(image) >= 4 * _SECTOR:
        head = bytearray(image[:_SECTOR])
        struct.pack_into(">I", head, FOOTER_CHECKSUM, checksum(bytes(head), FOOTER_CHECKSUM))
        dynamic = bytearray(image[_SECTOR : 3 * _SECTOR])
        struct.pack_into(">I", dynamic, HEADER_CHECKSUM, checksum(bytes(dynamic), HEADER_CHECKSUM))
        return bytes(head + dynamic) + image[3 * _SECTOR : -_SECTOR] + bytes(head)
    return image


def tar(data: bytes) -> None:
    """An unpacked archive in pieces, with the checksums of what look like headers made right."""
    archive = _with_header_checksums(data)
    pieces = (archive[start : start + 700] for start in range(0, len(archive), 700))
    with suppress(ImgmoveError):
        disk = open_tar(pieces)
        assert disk.size_bytes >= disk.stored_bytes >= 0
        end = 0
        for offset, piece in disk.runs:
            assert offset >= end
            end = offset + len(piece)
            assert end <= disk.size_bytes


def _with_header_checksums(data: bytes) -> bytes:
    mended = bytearray(data)
    for start in range(0, len(mended) - _SECTOR + 1, _SECTOR):
        if mended[start + 257 : start + 262] == b"ustar":
            block = mended[start : start + _SECTOR]
            total = sum(block[:148]) + sum(block[156:]) + 8 * 32
            mended[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(mended)


def gunzip(data: bytes) -> None:
    """A gzip stream: pieces of one MiB at most, and no more than DEFLATE can."""
    stream, taken = Gunzip(), 0
    with suppress(ImgmoveError):
        for start in range(0, len(data), 500):
            for piece in stream.feed(data[start : start + 500]):
                assert len(piece) <= PIECE_BYTES
                taken += len(piece)
                assert taken <= len(data) * 1040
        stream.finish()


def disk(data: bytes) -> None:
    """A raw disk: partition tables, LVM, superblocks."""
    with suppress(DeviceError):
        survey(Bytes(data[1:], 64 * MIB if data[:1] > b"\x7f" else 0), DiskFormat.RAW, len(data))


def container(data: bytes) -> None:
    """A qcow2, VDI or archive, read where the first bytes say."""
    opener: Callable[[Device], Device] = (Qcow2, Vdi, Archive)[(data[:1] or b"\0")[0] % 3]
    places = [int.from_bytes(data[start : start + 5], "big") for start in (1, 6, 11)]
    with suppress(DeviceError):
        opened = opener(Bytes(data[16:]))
        for place in (0, *places):
            assert len(opened.read_at(place, 100_000)) == max(0, min(100_000, opened.size_bytes - place))


def cpio(data: bytes) -> None:
    """An archive as kernels unpack it."""
    with suppress(UnpackError):
        deque(entries(ByteSource(_pieces(data), MIB)), maxlen=0)


def unpack(data: bytes) -> None:
    """Whatever a kernel's initramfs is packed with."""
    with suppress(UnpackError):
        taken = 0
        for piece in unpacked(ByteSource(_pieces(data), MIB))[1]:
            assert len(piece) <= 9 * MIB
            taken += len(piece)
            if taken > _MOST_TAKEN:
                return


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + 300] for start in range(0, len(data), 300))


def guest(data: bytes) -> None:
    """A guest's files: for each a byte for its path, two for its length, and its contents."""
    files: dict[str, bytes | str] = {}
    position = 0
    while position + 3 <= len(data):
        index, length = struct.unpack_from(">BH", data, position)
        files[PATHS[index % len(PATHS)]] = data[position + 3 : position + 3 + length]
        position += 3 + length
    collect(DiskLayout("raw", 1 << 30, 1 << 30), MemoryTree(files), "partition 1")


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "guard": guard,
    "tar": tar,
    "gunzip": gunzip,
    "disk": disk,
    "container": container,
    "cpio": cpio,
    "unpack": unpack,
    "guest": guest,
}
