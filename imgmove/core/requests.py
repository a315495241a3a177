"""What can be asked of an image service: one dataclass for each operation, in words that no vendor owns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from imgmove.core.formats import DiskFormat


class Operation(StrEnum):
    EXPORT = "export"
    IMPORT = "import"
    CREATE = "create"
    TRANSFER = "transfer"
    """The provider's own copy of an image to another region or service (SyncImages, CopyImage, ECM ImportImage)."""
    MIGRATE = "migrate"
    COPY = "copy"


class Architecture(StrEnum):
    X86_64 = "x86_64"
    I386 = "i386"
    ARM64 = "arm64"


class BootMode(StrEnum):
    BIOS = "bios"
    UEFI = "uefi"
    UEFI_PREFERRED = "uefi-preferred"


@dataclass(frozen=True)
class ExportRequest:
    """Write images to a bucket of the provider's own store, in the region of the images.

    `prefixes` is empty, or has one entry for each image; the provider puts it in front of the object's name.
    `format` None means the provider's default.
    """

    image_ids: tuple[str, ...]
    bucket: str
    format: DiskFormat | None = None
    prefixes: tuple[str, ...] = ()
    root_disk_only: bool = False
    role_name: str = ""


@dataclass(frozen=True)
class DiskSource:
    """One disk of an image to import: an object in the provider's own store. The first disk is the system disk.

    `size_gib` None lets the provider take the size of the image; `format` None lets it look.
    """

    bucket: str
    key: str
    format: DiskFormat | None = None
    size_gib: int | None = None


@dataclass(frozen=True)
class ImportRequest:
    """Register an image from objects. Empty strings and None mean: the provider's default."""

    name: str
    disks: tuple[DiskSource, ...]
    description: str = ""
    architecture: Architecture | None = None
    os_type: str = ""
    """A distribution or `Windows`, as the provider or as people call it; mapped by the adapter."""
    os_version: str = ""
    boot_mode: BootMode | None = None
    license: str = ""
    family: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    role_name: str = ""
    force: bool = False
    """Waive the checks that the provider lets be waived (CVM: cloud-init)."""
    detect: bool = False
    """Let the provider inspect the image after the import, where it has such a check (ECS DetectionStrategy)."""
    nvme: bool | None = None
    init: str = ""
    """How the guest is initialised, where the provider asks (ECM InitFlag)."""


@dataclass(frozen=True)
class CreateRequest:
    """Make an image of an instance."""

    name: str
    instance_id: str
    description: str = ""
    force_poweroff: bool = False
    disk_ids: tuple[str, ...] = ()
    """Data disks to include, by the provider's own ids."""
    snapshot_ids: tuple[str, ...] = ()
    """Make the image of these snapshots instead of an instance, where the provider can."""
    sysprep: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    family: str = ""
    boot_mode: BootMode | None = None


@dataclass(frozen=True)
class TransferRequest:
    """Bring an image here with the provider's own copy, from another of its regions or services."""

    name: str
    source_provider: str
    source_region: str
    source_image_id: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


ServiceRequest = ExportRequest | ImportRequest | CreateRequest | TransferRequest

OPERATIONS: Final[dict[type[ServiceRequest], Operation]] = {
    ExportRequest: Operation.EXPORT,
    ImportRequest: Operation.IMPORT,
    CreateRequest: Operation.CREATE,
    TransferRequest: Operation.TRANSFER,
}
REQUEST_TYPES: Final[dict[Operation, type[ServiceRequest]]] = {op: kind for kind, op in OPERATIONS.items()}


def operation_of(request: ServiceRequest) -> Operation:
    return OPERATIONS[type(request)]
