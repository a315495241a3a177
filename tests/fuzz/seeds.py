"""Where the fuzzer begins: good bytes for every target, made on the spot, as small as the formats allow."""

from __future__ import annotations

import gzip
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.fuzz.targets import PATHS
from tests.images.guard.test_archives import REFUSED as ARCHIVES
from tests.images.guest.archives import PACKERS
from tests.images.guest.archives import cpio as cpio_of
from tests.images.hostile import archives, vdi, vhd, vmdk
from tests.images.hostile.disks import entry, gpt, mbr

_SMALL_QCOW2: Final = (
    ("qcow2", "cluster_size=512"),
    ("qcow2", "cluster_size=512,compat=0.10"),
    ("qcow2", "cluster_size=512,refcount_bits=1,lazy_refcounts=on"),
    ("qcow2", "cluster_size=16k,extended_l2=on"),
)
_DISK: Final = mbr(entry(0x83, 1, 15), size_bytes=8192)


@cache
def _by_qemu() -> tuple[bytes, ...]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        source.write_bytes(_DISK)
        for name, options in _SMALL_QCOW2:
            for more in ([], ["-c"]):
                words = ["-f", "raw", "-O", name, *more, "-o", options, str(source), str(target)]
                subprocess.run(["qemu-img", "convert", *words], check=True, capture_output=True)
                found.append(target.read_bytes())
    return tuple(found)


def _tar() -> Iterator[bytes]:
    yield archives.member(_DISK) + archives.END
    for _, _, data in ARCHIVES:
        yield data[:20_000]


def _guard() -> Iterator[bytes]:
    images = [
        *_by_qemu(), vhd.image(table=[vhd.UNUSED] * 2)[:2048] + vhd.footer(), vhd.fixed(_DISK),
        vdi.image(block_map=[vdi.UNUSED] * 2, allocated=0)[: vdi.DATA], vmdk.image(grains=[0])[: 30 * 512],
        vmdk.stream(grains=[0]), vmdk.descriptor("monolithicFlat"), _DISK, gpt(8192), b"vhdxfile", b"LUKS\xba\xbe\0\1",
        archives.packed(archives.member(_DISK), archives.END),
    ]  # fmt: skip
    for image in images:
        for how in (b"\0", b"\1", b"\x82"):
            yield how + image


def _gunzip() -> Iterator[bytes]:
    for data in _tar():
        yield gzip.compress(data, mtime=0)
    yield gzip.compress(b"") * 3 + gzip.compress(bytes(1 << 20)) + bytes(20)


def _disk() -> Iterator[bytes]:
    for data in (
        _DISK,
        gpt(64 << 10),
        mbr(entry(0x05, 1, 60), entry(0x8E, 8, 40), size_bytes=64 << 10),
        *_file_systems(),
    ):
        yield b"\0" + data
        yield b"\xff" + data


@cache
def _file_systems() -> tuple[bytes, ...]:
    """The beginnings of file systems: their superblocks."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "disk")
        for program in (["mke2fs", "-q", "-F"], ["mkfs.vfat"]):
            path.write_bytes(bytes(1 << 20))
            subprocess.run(
                [*program, str(path)], check=True, capture_output=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
            )
            found.append(path.read_bytes()[: 64 << 10])
    return tuple(found)


def _container() -> Iterator[bytes]:
    places = struct.pack(">B", 0) + (5000).to_bytes(5, "big") * 3
    for image in _by_qemu():
        yield b"\0" + places[1:] + image
    yield b"\1" + places[1:] + vdi.image(block_map=[vdi.UNUSED] * 2)[: vdi.DATA]
    for _, _, data in ARCHIVES:
        yield b"\2" + places[1:] + archives.packed(data[:20_000], archives.END)


def _cpio() -> Iterator[bytes]:
    yield cpio_of(["lib/modules/1.2.3/kernel/drivers/block/virtio_blk.ko", "init"])
    yield cpio_of(magic=b"070702")


def _unpack() -> Iterator[bytes]:
    for pack in PACKERS.values():
        yield pack(cpio_of(["lib/modules/1.2.3/kernel/drivers/block/virtio_blk.ko"]))


_TEXTS: Final = {
    "/etc/fstab": b"UUID=0 / ext4 defaults 0 1\nLABEL=x /boot ext4 ro\n/dev/vdb1 /data xfs nofail\n",
    "/etc/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian"\n',
    "/boot/grub/grub.cfg": b"menuentry 'Debian' {\n search --fs-uuid 0\n linux /vmlinuz root=UUID=0 ro\n initrd /initrd\n}\n",
    "/boot/loader/entries/a.conf": b"title x\nversion 1.2.3\nlinux /vmlinuz-1.2.3\noptions root=UUID=0\n",
    "/boot/grub/grubenv": b"# GRUB Environment Block\nsaved_entry=0\n",
    "/boot/extlinux/extlinux.conf": b"DEFAULT l0\nLABEL l0\n LINUX /vmlinuz\n APPEND root=/dev/vda1\n",
    "/etc/cloud/cloud.cfg": b"datasource_list: [ NoCloud, None ]\n",
    "/etc/netplan/a.yaml": b"network:\n  ethernets:\n    eth0: {dhcp4: true}\n",
    "/etc/network/interfaces": b"auto eth0\niface eth0 inet dhcp\n",
    "/etc/ssh/sshd_config": b"PermitRootLogin no\nMatch User x\n",
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n",
    "/boot/initrd.img-1.2.3": gzip.compress(cpio_of(["lib/modules/1.2.3/virtio_blk.ko"]), mtime=0),
    "/boot/config-1.2.3": b"CONFIG_VIRTIO_BLK=m\n",
    "/lib/modules/1.2.3/modules.builtin": b"kernel/drivers/block/virtio_blk.ko\n",
    "/boot/vmlinuz-1.2.3": bytes(0x202) + b"HdrS" + bytes(0x100),
}


def _guest() -> Iterator[bytes]:
    files = [struct.pack(">BH", PATHS.index(path), len(text)) + text for path, text in _TEXTS.items()]
    yield from files
    yield b"".join(files)


SEEDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "guard": _guard,
    "tar": _tar,
    "gunzip": _gunzip,
    "disk": _disk,
    "container": _container,
    "cpio": _cpio,
    "unpack": _unpack,
    "guest": _guest,
}
#: Words that a mutation may put anywhere.
WORDS: Final = (
    b"QFI\xfb", b"KDMV", b"COWD", b"conectix", b"cxsparse", b"\x7f\x10\xda\xbe", b"vhdxfile", b"QED\0", b"LUKS\xba\xbe",
    b"EFI PART", b"CD001", b"\x55\xaa", b"ustar", b"GNU.sparse.map=", b"GNU.sparse.major=1", b"GNU.sparse.realsize=",
    b"parentFileNameHint=", b'createType="monolithicSparse"', b"SPARSE", b"\x1f\x8b\x08", b"LABELONE", b"LVM2 001",
    b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x80\0\0\0\0\0\0\0", b"070701", b"TRAILER!!!", b"\x02\x21\x4c\x18", b"menuentry",
)  # fmt: skip
