"""What CVM and ECM can and cannot do, as data."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.tencent import image_rules, limits
from imgmove.core.abilities import Abilities, Lookup, OperationAbility
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Architecture, BootMode, Operation

#: Inconclusive: no call lists exports, and their objects may show only when they are complete (tencent.md 1.1).
#: An object, or an unfinished upload, whose name begins with our prefix proves that the export was started; an image
#: that is EXPORTING alone does not say whose export it is.
_CVM_EXPORT: Final = OperationAbility(
    lookup=Lookup.INCONCLUSIVE,
    settling_seconds=60.0,
    max_images=limits.EXPORT_MAX_IMAGES,
    formats=(DiskFormat.RAW, DiskFormat.QCOW2, DiskFormat.VHD, DiskFormat.VMDK),
    poll_seconds=15.0,
    architectures=(Architecture.X86_64, Architecture.I386, Architecture.ARM64),
    max_disks=6,
    options=frozenset({"format", "prefixes", "root_disk_only", "role_name"}),
    notes=(
        "own custom images only: no Windows, RedHat, public, market, shared or encrypted images",
        "each disk at most 500 GB; the bucket in the region of the image",
        "CVM needs the role CVM_QcsRole with the right to write the bucket",
        "CVM shows no progress and no reason for a failure, and no call takes the task id",
        "after a lost answer an object or upload with our prefix proves that the export was started; that the image is "
        "EXPORTING does not, as somebody else may export it",
    ),
    rules=image_rules.CVM_EXPORT,
)

#: Conclusive by the name, which is unique in a region: even an import that shows later than the settling time is not
#: started twice, as CVM refuses a second image of that name (InvalidImageName.Duplicate, tencent.md 1.2).
_CVM_IMPORT: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=120.0,
    formats=(DiskFormat.QCOW2, DiskFormat.RAW, DiskFormat.VHD, DiskFormat.VMDK),
    architectures=(Architecture.X86_64, Architecture.I386, Architecture.ARM64),
    boot_modes=(BootMode.BIOS, BootMode.UEFI),
    max_disks=limits.IMPORT_MAX_DISKS,
    options=frozenset({
        "description", "architecture", "os_type", "os_version", "boot_mode", "license", "family", "tags", "force",
    }),
    notes=(
        "the object at most 50 GB as qcow2, the disk at most 500 GB; use a bucket in the region of the image",
        "cloud-init has to be in the image, unless --force",
        "data disks and arm64 on the mainland site only",
    ),
    rules=image_rules.CVM_IMPORT,
)  # fmt: skip

_CVM_CREATE: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=60.0,
    max_disks=6,
    options=frozenset({
        "description", "force_poweroff", "disk_ids", "snapshot_ids", "sysprep", "tags", "family",
    }),
    notes=("an image of a running instance may miss what is not on the disk yet: --force-poweroff",),
)  # fmt: skip

_CVM_TRANSFER: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=120.0,
    notes=("SyncImages; between the mainland and other regions only after a support ticket",),
)

CVM: Final = Abilities(
    provider="tencent",
    title="Tencent Cloud CVM",
    store_scheme="cos",
    operations={
        Operation.EXPORT: _CVM_EXPORT,
        Operation.IMPORT: _CVM_IMPORT,
        Operation.CREATE: _CVM_CREATE,
        Operation.TRANSFER: _CVM_TRANSFER,
    },
    image_name=limits.CVM_IMAGE_NAME,
    image_id_example="img-6pb6lrmy",
    image_id_pattern=r"img-[A-Za-z0-9]+",
    instance_id_pattern=r"ins-[A-Za-z0-9]+",
    prefix=limits.EXPORT_PREFIX,
    transfer_from=("tencent",),
)

_ECM_FORMATS: Final = (DiskFormat.QCOW2, DiskFormat.RAW, DiskFormat.VHD, DiskFormat.VMDK)

#: Conclusive by name and source: an image is listed while it is being made (`Image.TaskId`, tencent.md 1.5), and ECM
#: refuses a second image of a name and a second task on an instance.
_ECM_IMPORT: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=60.0,
    dry_run=False,
    formats=_ECM_FORMATS,
    architectures=(Architecture.X86_64, Architecture.I386),
    max_disks=limits.ECM_MAX_LAYERS,
    options=frozenset({"description", "architecture", "os_type", "os_version", "init"}),
    notes=(
        "several objects are the layers of one disk, the base first",
        "private objects: grant ECM's operations account the right to read them",
    ),
    rules=image_rules.ECM_IMPORT,
)

_ECM_CREATE: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=60.0,
    dry_run=False,
    options=frozenset({"description", "force_poweroff"}),
    notes=("the instance has to be stopped first: do so, or --force-poweroff",),
)

_ECM_TRANSFER: Final = OperationAbility(
    lookup=Lookup.CONCLUSIVE,
    settling_seconds=60.0,
    dry_run=False,
    options=frozenset({"description"}),
    notes=("ImportImage takes a CVM image of any region; it takes no name, ECM chooses it",),
    rules=image_rules.ECM_TRANSFER,
)

ECM: Final = Abilities(
    provider="ecm",
    title="Tencent Cloud ECM",
    store_scheme="cos",
    operations={
        Operation.IMPORT: _ECM_IMPORT,
        Operation.CREATE: _ECM_CREATE,
        Operation.TRANSFER: _ECM_TRANSFER,
    },
    image_name=limits.ECM_IMAGE_NAME,
    instead={
        Operation.EXPORT: (
            "no call of ECM exports an image, shares it or hands it to CVM: dump the disk from inside the instance "
            "(qemu-img or dd over its block device), and upload the file with `imgmove copy` to cos://BUCKET-APPID/KEY"
        )
    },
    region_optional=True,
    image_id_example="img-060ov1xz",
    image_id_pattern=r"img-[A-Za-z0-9]+",
    instance_id_pattern=r"ein-[A-Za-z0-9]+",
    transfer_from=("tencent",),
    notes=("an image that came into ECM does not leave it again by API",),
)
