"""What ECS can and cannot do, as data."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.alibaba import image_rules, limits
from imgmove.core.abilities import Abilities, Lookup, OperationAbility
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Architecture, BootMode, Operation

_ALL_ARCHITECTURES: Final = (Architecture.X86_64, Architecture.ARM64, Architecture.I386)

#: Conclusive, although ExportImage honours no client token: the name prefix is our token, an image is exported
#: once at a time (ImageIsExporting), every task is listed from its start, and where a running task does not show
#: its object yet, `find` answers "look again" instead of None (alibaba.md 2.8).
_EXPORT: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=60.0,
    cancel=True,
    formats=(DiskFormat.RAW, DiskFormat.VHD, DiskFormat.QCOW2, DiskFormat.VMDK, DiskFormat.VDI),
    formats_by_region=dict.fromkeys(sorted(limits.RAW_ONLY_REGIONS), (DiskFormat.RAW,)),
    written_as={DiskFormat.RAW: DiskFormat.RAW_TAR_GZ},
    architectures=_ALL_ARCHITECTURES,
    max_disks=5,
    options=frozenset({"format", "prefixes", "role_name"}),
    notes=(
        "raw comes as .raw.tar.gz, one object for each disk",
        "vhd, qcow2, vmdk and vdi only in nine regions outside mainland China (April 2026)",
        "no images from the Marketplace, with Windows Server or with encrypted snapshots",
    ),
    rules=image_rules.EXPORT,
)

_IMPORT: Final = OperationAbility(
    lookup=Lookup.TOKENED,
    settling_seconds=30.0,
    cancel=True,
    formats=(DiskFormat.RAW, DiskFormat.QCOW2, DiskFormat.VHD, DiskFormat.VMDK),
    architectures=_ALL_ARCHITECTURES,
    boot_modes=(BootMode.BIOS, BootMode.UEFI),
    max_disks=limits.IMPORT_MAX_DISKS,
    options=frozenset({
        "description", "architecture", "os_type", "os_version", "boot_mode", "license", "tags", "role_name",
        "detect", "nvme", "force",
    }),
    notes=(
        "vmdk by invitation only", "arm64 boots by UEFI only", "the bucket must be in the region of the image",
        "--force waives nothing: ECS lets no check be waived",
    ),
    rules=image_rules.IMPORT,
)  # fmt: skip

_CREATE: Final = OperationAbility(
    lookup=Lookup.TOKENED,
    settling_seconds=30.0,
    boot_modes=(BootMode.BIOS, BootMode.UEFI, BootMode.UEFI_PREFERRED),
    max_disks=limits.IMPORT_MAX_DISKS,
    options=frozenset({"description", "snapshot_ids", "tags", "family", "boot_mode"}),
    notes=("the instance may be running or stopped", "there is no way to power it off in the same call"),
)

_TRANSFER: Final = OperationAbility(
    lookup=Lookup.TOKENED,
    settling_seconds=30.0,
    cancel=True,
    options=frozenset({"description", "tags"}),
    notes=("CopyImage; a region runs five copies at once and queues the rest",),
    rules=image_rules.TRANSFER,
)

ECS: Final = Abilities(
    provider="alibaba",
    title="Alibaba Cloud ECS",
    store_scheme="oss",
    operations={
        Operation.EXPORT: _EXPORT,
        Operation.IMPORT: _IMPORT,
        Operation.CREATE: _CREATE,
        Operation.TRANSFER: _TRANSFER,
    },
    image_name=limits.IMAGE_NAME,
    image_id_example="m-bp67acfmxazb4p****",
    image_id_pattern=r"m-[A-Za-z0-9-]+",
    instance_id_pattern=r"i-[A-Za-z0-9-]+",
    prefix=limits.EXPORT_PREFIX,
    transfer_from=("alibaba",),
)
