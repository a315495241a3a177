"""Kernels by their headers and their configuration (kernel: arch/x86/boot.rst)."""

from __future__ import annotations

import struct

CONFIG = """\
#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 {version} Kernel Configuration
#
CONFIG_64BIT=y
CONFIG_X86_64=y
CONFIG_SMP=y
CONFIG_HYPERVISOR_GUEST=y
CONFIG_PARAVIRT=y
CONFIG_KVM_GUEST=y
CONFIG_EFI=y
CONFIG_EFI_STUB=y
CONFIG_FW_CFG_SYSFS=y
CONFIG_PCI=y
CONFIG_BLK_DEV_INITRD=y
CONFIG_RD_GZIP=y
CONFIG_RD_XZ=y
CONFIG_RD_LZ4=y
CONFIG_RD_ZSTD=y
CONFIG_DEVTMPFS=y
CONFIG_BLK_DEV_SD=m
CONFIG_SCSI=m
CONFIG_SCSI_VIRTIO=m
CONFIG_VIRTIO=m
CONFIG_VIRTIO_PCI=m
CONFIG_VIRTIO_BLK=m
CONFIG_VIRTIO_NET=m
CONFIG_NVME_CORE=m
CONFIG_BLK_DEV_NVME=m
CONFIG_BLK_DEV_DM=m
CONFIG_EXT4_FS=m
CONFIG_XFS_FS=m
CONFIG_VFAT_FS=m
CONFIG_ISO9660_FS=m
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_CONSOLE=y
# CONFIG_XEN is not set
"""


def configuration(version: str) -> str:
    """/boot/config-… of a kernel that has everything for a cloud as modules."""
    return CONFIG.format(version=version)


def bzimage(release: str) -> bytes:
    """A kernel image as file(1) knows it: real header, release, and code that halts."""
    version = f"{release} (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC\0".encode()
    halt = b"\xfa\xf4\xeb\xfd"  # cli; hlt; back to the hlt
    setup = bytearray(1024)
    struct.pack_into("<BHI", setup, 0x1F1, 1, 0, 1)  # one more sector of setup code, 16 bytes of kernel
    struct.pack_into("<H2s4sHIHH", setup, 0x1FE, 0xAA55, b"\xeb\x6a", b"HdrS", 0x020F, 0, 0, 0x100)
    struct.pack_into("<BBHI", setup, 0x210, 0xFF, 1, 0x8000, 0x100000)
    struct.pack_into("<I", setup, 0x22C, 0x7FFFFFFF)
    setup[0x26C : 0x26C + len(halt)] = halt
    setup[0x300 : 0x300 + len(version)] = version
    return bytes(setup) + halt.ljust(16, b"\x90")
