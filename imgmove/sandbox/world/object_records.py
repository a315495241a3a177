"""What the object stores keep: buckets, objects, multipart uploads and their parts, as plain data that persists."""

from __future__ import annotations

from dataclasses import dataclass, field

from imgmove.sandbox.world.lifecycle_rules import LifecycleRule

ARCHIVED_CLASSES = frozenset(
    {"ARCHIVE", "DEEP_ARCHIVE", "Archive", "ColdArchive", "DeepColdArchive"},
)
"""Storage classes, in either vendor's spelling, whose objects must be restored before they can be read."""


@dataclass
class Bucket:
    """A bucket. Its name is unique within the vendor, whoever owns it."""

    name: str
    """Tencent: with the APPID, `name-1250000000`."""
    vendor: str
    """"tencent" or "alibaba"."""
    region: str
    owner: str
    """The owner's account id: Tencent's uin, Alibaba's account number."""
    created: float
    """Wall time, Unix seconds."""
    acl: str = "private"
    grants: dict[str, list[str]] = field(default_factory=dict)
    """COS: accounts (uins) by the permission granted them: READ, WRITE, READ_ACP, WRITE_ACP, FULL_CONTROL."""
    storage_class: str = "STANDARD"
    """In the vendor's spelling: STANDARD at Tencent, Standard at Alibaba."""
    encryption: str | None = None
    """The default encryption's algorithm ("AES256", "KMS"), None for none."""
    kms_key_id: str = ""
    """OSS: the key that KMS encrypts with by default."""
    versioning: str | None = None
    """"Enabled" or "Suspended"; None if it never was on."""
    lifecycle: list[LifecycleRule] = field(default_factory=list)
    policy: str = ""
    """The bucket's own policy, JSON text as given; "" for none."""
    redundancy: str = "LRS"
    """OSS: LRS, or ZRS over several zones."""
    multi_az: bool = False
    """COS: a bucket over several zones (MAZ), whose objects have classes of their own."""
    block_public_access: bool = False
    """OSS: ACLs that make public have no effect."""
    refuses_v1: bool = False
    """OSS: the bucket is too young for signature version 1; `accounts_refusing_v1` says it of whole accounts."""
    public_endpoint_forbidden: bool = False
    """OSS: the bucket's data can't be had through the public mainland endpoint (alibaba.md 5.2)."""
    accelerated: bool = False
    """Whether the acceleration endpoint serves it."""


@dataclass
class Properties:
    """What a writer says about an object beside its bytes."""

    content_type: str = "application/octet-stream"
    storage_class: str = ""
    """In the vendor's spelling; "" takes the bucket's when the object is stored."""
    acl: str = "default"
    grants: dict[str, list[str]] = field(default_factory=dict)
    """As a bucket's."""
    encryption: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Standard headers given back as they came: Cache-Control, Content-Disposition, Content-Encoding, Expires…"""
    metadata: dict[str, str] = field(default_factory=dict)
    """User metadata without the vendor's prefix; names in lower case."""


@dataclass
class StoredObject:
    """A whole object. Overwriting a key makes a new record; a record's bytes never change."""

    key: str
    size_bytes: int
    etag: str
    """As the vendor sends it, without quotes."""
    crc64: int | None
    """CRC-64/XZ of all bytes; None where the writer left none, as very old objects have it."""
    blob: str
    """Name of the file in `blobs/`."""
    last_modified: float
    """Wall time, Unix seconds."""
    owner: str = ""
    """The account that wrote it."""
    part_count: int = 0
    """0 for an object written in one request."""
    properties: Properties = field(default_factory=Properties)
    stored_at: float = 0.0
    """The sandbox time at which it was put under its key: lifecycle rules count from here."""
    version_id: str = ""
    """"" for the version `null`, of what was put while the bucket had no versioning."""
    delete_marker: bool = False
    """Whether it only says that the key was deleted; it has no bytes then."""
    noncurrent_at: float = 0.0
    """Older versions: the sandbox time at which another one took its place."""
    restore_ready_at: float | None = None
    """Archived objects: the sandbox time (`Clock.now()`) from which a restored copy can be read."""

    @property
    def storage_class(self) -> str:
        """In the vendor's spelling."""
        return self.properties.storage_class

    @property
    def archived(self) -> bool:
        """Whether the storage class needs a restore before reading (see `Objects.readable`)."""
        return self.storage_class in ARCHIVED_CLASSES


@dataclass
class Part:
    """One part of an unfinished upload."""

    number: int
    size_bytes: int
    etag: str
    """As the vendor sends it, without quotes."""
    md5: str
    """Lower-case hexadecimal."""
    crc64: int
    blob: str
    last_modified: float


@dataclass
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    upload_id: str
    vendor: str
    bucket: str
    key: str
    initiated: float
    owner: str
    """The account whose key began it."""
    begun_at: float = 0.0
    """The sandbox time of `initiated`."""
    properties: Properties = field(default_factory=Properties)
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass
class ObjectsState:
    """Everything that persists. Buckets are keyed "vendor/name"; `objects` has the same keys."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    objects: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    older_versions: dict[str, list[StoredObject]] = field(default_factory=dict)
    """What versioned buckets keep beside `objects`, with the same keys: older versions and delete markers, oldest first."""
    uploads: dict[str, Upload] = field(default_factory=dict)
    accounts_refusing_v1: list[str] = field(default_factory=list)
    """OSS: accounts, by number, too young for signature version 1 (alibaba.md 5.2)."""
    accounts_without_public_endpoint: list[str] = field(default_factory=list)
    """OSS: accounts, by number, whose data can't be had through public mainland endpoints (alibaba.md 5.2)."""


@dataclass(frozen=True)
class Page:
    """One page of a listing of objects."""

    items: list[StoredObject]
    prefixes: list[str]
    """The common prefixes up to the delimiter; they count towards the page's size."""
    truncated: bool
    next_marker: str
    """The last key or prefix of a truncated page; "" on the last page."""


@dataclass(frozen=True)
class UploadPage:
    """One page of a listing of unfinished uploads."""

    items: list[Upload]
    prefixes: list[str]
    truncated: bool
    next_key: str
    next_upload_id: str


@dataclass(frozen=True)
class PartPage:
    """One page of a listing of an upload's parts."""

    items: list[Part]
    truncated: bool
    next_number: int
    """The last part number of the page, 0 for an empty one."""


def etag_of_md5(vendor: str, md5: bytes) -> str:
    """The ETag of bytes sent in one request. COS writes the MD5 in lower case, OSS in upper case (alibaba.md 7.2)."""
    return md5.hex() if vendor == "tencent" else md5.hex().upper()
