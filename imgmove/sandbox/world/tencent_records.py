"""What the Tencent side of the world is made of: images, snapshots, instances and tasks, with their state tables."""

from __future__ import annotations

from dataclasses import dataclass, field

IMAGE_STATES: dict[str, tuple[str, ...]] = {
    "CREATING": ("NORMAL", "CREATEFAILED"),
    "IMPORTING": ("NORMAL", "IMPORTFAILED"),
    "SYNCING": ("NORMAL", "CREATEFAILED"),
    "NORMAL": ("EXPORTING", "SYNCING"),
    "EXPORTING": ("NORMAL",),
    "CREATEFAILED": (),
    "IMPORTFAILED": (),
}
"""Which state an image may take next (tencent.md 1.1 to 1.4). An image that is copied shows SYNCING, like the copy."""

FAILED_STATE = {"CREATING": "CREATEFAILED", "IMPORTING": "IMPORTFAILED", "SYNCING": "CREATEFAILED"}
"""What a new image becomes when the work on it fails."""

UNDELETABLE_STATES = ("CREATING", "SYNCING", "IMPORTING")

OPERATING, SUCCESS, FAILED = "OPERATING", "SUCCESS", "FAILED"
TASK_STATES: dict[str, tuple[str, ...]] = {OPERATING: (SUCCESS, FAILED), SUCCESS: (), FAILED: ()}

SYSTEM_DISK, DATA_DISK = "SYSTEM_DISK", "DATA_DISK"

CUSTOM, PUBLIC, MARKET = "custom", "public", "market"


class ForbiddenMoveError(Exception):
    """A state was to follow another that it cannot follow: a mistake in the sandbox, never in a request."""


class FetchError(Exception):
    """An object to import cannot be read at the address that was given."""


@dataclass
class Snapshot:
    """A disk's bytes at rest. `blob` is the name of the file that holds them raw; `size_gib` what the API shows."""

    snapshot_id: str
    account_id: str
    region: str
    usage: str
    size_gib: int
    blob: str
    encrypted: bool = False
    creating: bool = False


@dataclass
class SourceImage:
    """Where an ECM image comes from: a CVM image or an ECM instance."""

    image_id: str = ""
    image_name: str = ""
    os_name: str = ""
    description: str = ""
    region: str = ""
    instance_id: str = ""
    instance_name: str = ""
    image_type: str = ""


@dataclass
class Image:
    """An image of CVM (`service` "cvm", in a region) or ECM ("ecm", region ""). `account_id` is the owner's uin."""

    image_id: str
    account_id: str
    region: str
    name: str
    state: str = "NORMAL"
    service: str = "cvm"
    kind: str = CUSTOM
    """CUSTOM, PUBLIC or MARKET."""
    source: str = "CREATE_IMAGE"
    """OFFICIAL, CREATE_IMAGE or EXTERNAL_IMPORT."""
    description: str = ""
    os_name: str = ""
    platform: str = ""
    os_type: str = ""
    os_version: str = ""
    architecture: str = "x86_64"
    size_gib: int = 1
    created: float = 0.0
    """Unix seconds."""
    snapshot_ids: list[str] = field(default_factory=list)
    shared_with: list[str] = field(default_factory=list)
    """Accounts (uin) that see it as a shared image."""
    from_market: bool = False
    """A custom image whose ancestor is a market image."""
    tags: dict[str, str] = field(default_factory=dict)
    license_type: str = "TencentCloud"
    boot_mode: str = "Legacy BIOS"
    family: str = ""
    deprecated: bool = False
    cloudinit: bool = True
    sync_percent: int | None = None
    visible_from: float = 0.0
    """Sandbox seconds: the API does not show the image before."""
    origin: SourceImage = field(default_factory=SourceImage)

    def move(self, state: str) -> None:
        """Takes the image to another state. Raises ForbiddenMoveError when the table does not have it."""
        if state not in IMAGE_STATES[self.state]:
            raise ForbiddenMoveError(f"image {self.image_id} cannot go from {self.state} to {state}")
        self.state = state


@dataclass
class Disk:
    """A disk of an instance. `local` ones cannot be imaged as data disks."""

    disk_id: str
    usage: str
    size_gib: int
    blob: str
    encrypted: bool = False
    local: bool = False


@dataclass
class Instance:
    """A virtual machine of CVM or ECM."""

    instance_id: str
    account_id: str
    region: str
    name: str
    state: str = "RUNNING"
    service: str = "cvm"
    zone: str = ""
    image_id: str = ""
    os_name: str = ""
    platform: str = ""
    architecture: str = "x86_64"
    instance_type: str = "S5.SMALL1"
    disks: list[Disk] = field(default_factory=list)
    created: float = 0.0
    private_ip: str = "10.0.0.10"
    public_ip: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    supports_images: bool = True
    busy_until: float = 0.0
    """Sandbox seconds until which another operation on it goes on (tencent.md 7.4)."""
    latest_operation: str = ""

    @property
    def system_disk(self) -> Disk:
        """The disk it boots from."""
        return next(disk for disk in self.disks if disk.usage == SYSTEM_DISK)


@dataclass
class ExportedFile:
    """One object that an export writes."""

    snapshot_id: str
    key: str


@dataclass
class Export:
    """What an export has to do."""

    bucket: str = ""
    format: str = "raw"
    files: list[ExportedFile] = field(default_factory=list)
    part_shown: bool = False
    """Whether the beginnings of the objects have been shown (`Settings.partial_objects`)."""


@dataclass
class ImportSource:
    """What an import has to fetch: base layer first at ECM; at CVM the system disk, then data disks."""

    urls: list[str] = field(default_factory=list)
    layered: bool = False
    forced: bool = False
    boot_mode: str = "Legacy BIOS"


@dataclass
class DiskSource:
    """A disk that a creation copies, and the snapshot it becomes."""

    blob: str
    snapshot_id: str
    usage: str
    size_gib: int
    encrypted: bool = False


@dataclass
class Task:
    """Work that takes the sandbox's time. `image_ids` are the images that are being made, or exported."""

    task_id: int
    service: str
    action: str
    account_id: str
    region: str
    started: float
    """Sandbox seconds, like `due`."""
    due: float
    submitted: float
    """Unix seconds, like `ended`."""
    image_ids: list[str] = field(default_factory=list)
    source_image_id: str = ""
    instance_id: str = ""
    export: Export = field(default_factory=Export)
    fetch: ImportSource = field(default_factory=ImportSource)
    disks: list[DiskSource] = field(default_factory=list)
    status: str = OPERATING
    stalled: bool = False
    doom_code: str = ""
    """Set by a fault: the task fails with it when it is due."""
    code: str = ""
    message: str = ""
    ended: float | None = None

    def move(self, status: str) -> None:
        """Ends the task. Raises ForbiddenMoveError when it has ended before."""
        if status not in TASK_STATES[self.status]:
            raise ForbiddenMoveError(f"task {self.task_id} cannot go from {self.status} to {status}")
        self.status = status


@dataclass
class Session:
    """What a temporary key stands for: an assumed role ("role") or a federated user ("federated")."""

    kind: str
    name: str
    """The session's or the federated user's name."""
    role_name: str = ""
    policy: str = ""
    """The policy given with the request, JSON text, "" for none."""


@dataclass
class Message:
    """A notice in the account's message centre: the only place where CVM says why an import failed (1.2, 7.3)."""

    account_id: str
    sent: float
    """Unix seconds."""
    code: str
    text: str
    image_id: str = ""
    task_id: int = 0
