"""What the ECS side of the world is made of: images, snapshots, instances and tasks, with their tables of states."""

from __future__ import annotations

from dataclasses import dataclass, field

IMAGE_STATES: dict[str, tuple[str, ...]] = {
    "Waiting": ("Creating", "CreateFailed"),
    "Creating": ("Available", "CreateFailed"),
    "Available": ("UnAvailable", "Deprecated"),
    "UnAvailable": ("Available", "Deprecated"),
    "Deprecated": ("Available",),
    "CreateFailed": (),
}
"""Which Status an image may take next (alibaba.md 1.5)."""

TASK_STATES: dict[str, tuple[str, ...]] = {
    "Waiting": ("Processing", "Failed", "Deleted"),
    "Processing": ("Finished", "Failed", "Paused", "Deleted"),
    "Paused": ("Processing", "Failed", "Deleted"),
    "Finished": (),
    "Failed": (),
    "Deleted": (),
}
"""Which TaskStatus a task may take next (alibaba.md 1.3); `Deleted` is what a cancelled task becomes."""

LISTED_ACTIONS = ("ExportImage", "ImportImage")
"""Tasks that DescribeTasks shows. Creating and copying run as tasks in here too, but the vendor lists none."""


@dataclass
class ImageDisk:
    """One disk of an image. `blob` names the file that holds its raw bytes; "" while they are being made."""

    kind: str
    """"system" or "data"."""
    device: str
    size_gib: int
    blob: str = ""
    snapshot_id: str = ""
    format: str = ""
    """Format of the object that it was imported from."""
    oss_bucket: str = ""
    oss_object: str = ""
    encrypted: bool = False


@dataclass
class CheckItem:
    """One thing that ECS's image check has looked at. Only what is at risk has a code and a level."""

    name: str
    value: str
    risk_code: str = ""
    risk_level: str = ""
    """High or Medium."""


@dataclass
class Image:
    """An image in one region. `owner` is an account id, or "system" or "marketplace" for the vendor's own."""

    image_id: str
    name: str
    region: str
    owner: str
    disks: list[ImageDisk]
    status: str = "Available"
    created: float = 0.0
    """Unix seconds."""
    description: str = ""
    os_type: str = "linux"
    platform: str = "Others Linux"
    os_name: str = ""
    architecture: str = "x86_64"
    boot_mode: str = "BIOS"
    license_type: str = ""
    family: str = ""
    version: str = ""
    product_code: str = ""
    """Set on images from the Marketplace and on everything that derives from them."""
    tags: dict[str, str] = field(default_factory=dict)
    resource_group_id: str = ""
    nvme_support: str = "unsupported"
    imds_support: str = "v1"
    cloud_init: bool = False
    detection: str = ""
    """The DetectionStrategy that it was imported or made with."""
    checked: list[CheckItem] = field(default_factory=list)
    shared_with: list[str] = field(default_factory=list)
    community: bool = False
    """Published to everybody (IsPublic)."""
    copied: bool = False
    task_id: str = ""
    """The task that makes it; "" once it is made."""

    @property
    def size_gib(self) -> int:
        """Size of the system disk, which is what the vendor calls the image's size."""
        return next((disk.size_gib for disk in self.disks if disk.kind == "system"), 0)

    @property
    def encrypted(self) -> bool:
        """Whether any of its disks is."""
        return any(disk.encrypted for disk in self.disks)

    @property
    def data_disks(self) -> list[ImageDisk]:
        """All disks but the system disk."""
        return [disk for disk in self.disks if disk.kind == "data"]


@dataclass
class Snapshot:
    """A snapshot of a disk. Its bytes never change, so images, copies and instances share the blob."""

    snapshot_id: str
    region: str
    owner: str
    kind: str
    size_gib: int
    blob: str = ""
    name: str = ""
    description: str = ""
    status: str = "accomplished"
    """progressing, accomplished or failed."""
    created: float = 0.0
    encrypted: bool = False
    source_disk_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class InstanceDisk:
    """A disk of an instance; `blob` is what a snapshot of it would hold."""

    disk_id: str
    kind: str
    device: str
    size_gib: int
    blob: str
    encrypted: bool = False


@dataclass
class Instance:
    """A virtual machine, as far as making images of it needs one."""

    instance_id: str
    region: str
    owner: str
    name: str
    image_id: str
    disks: list[InstanceDisk]
    status: str = "Stopped"
    """Pending, Starting, Running, Stopping or Stopped."""
    zone: str = ""
    instance_type: str = "ecs.g7.large"
    os_type: str = "linux"
    os_name: str = ""
    created: float = 0.0
    locked: bool = False
    """Locked for security reasons: refuses to be imaged."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Task:
    """Something under way. It waits `queue_seconds`, works `work_seconds`, both on the sandbox's own clock."""

    task_id: str
    action: str
    """ExportImage, ImportImage, CreateImage or CopyImage."""
    region: str
    owner: str
    image_id: str
    """The image that is exported, or that is being made."""
    created: float
    """Unix seconds."""
    started: float
    """Time of the sandbox's clock."""
    queue_seconds: float = 0.0
    work_seconds: float = 0.0
    lag_seconds: float = 0.0
    """How long after the work the result becomes visible: the image Available, the objects in their bucket."""
    status: str = "Waiting"
    finished: float | None = None
    """Unix seconds."""
    delivered: bool = False
    """Whether the result is visible."""
    stalled: bool = False
    """Never gets past `STALLED_PERCENT`; set by a fault."""
    doom_code: str = ""
    """Set by a fault: the work ends with this code."""
    doom_message: str = ""
    error_code: str = ""
    error_message: str = ""
    percent: int = 0
    """How far it was when it failed or was cancelled."""
    paused_at: float | None = None
    bucket: str = ""
    prefix: str = ""
    format: str = ""
    objects: list[str] = field(default_factory=list)
    """Keys of the exported objects, one a disk, the system disk's first."""
    source_image_id: str = ""
    source_region: str = ""
    source_instance_id: str = ""

    @property
    def over(self) -> bool:
        """Whether its state is final."""
        return not TASK_STATES[self.status]

    @property
    def listed(self) -> bool:
        """Whether the vendor's task calls know it."""
        return self.action in LISTED_ACTIONS


@dataclass
class TokenUse:
    """What a ClientToken was first used for, and what was answered."""

    fingerprint: str
    answer: str
    """JSON text of the answer without its RequestId."""


def move(record: Image | Task, status: str) -> None:
    """Takes a record to another state. Raises ValueError for a step that its table does not have."""
    table = TASK_STATES if isinstance(record, Task) else IMAGE_STATES
    if status not in table[record.status]:
        raise ValueError(f"{type(record).__name__} cannot go from {record.status} to {status}")
    record.status = status
