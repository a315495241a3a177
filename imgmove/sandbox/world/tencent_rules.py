"""Tencent's rules as data: regions, importable systems, limits, and settings for what the vendor leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field

REGIONS: dict[str, str] = {
    "ap-guangzhou": "South China (Guangzhou)",
    "ap-shanghai": "East China (Shanghai)",
    "ap-nanjing": "East China (Nanjing)",
    "ap-beijing": "North China (Beijing)",
    "ap-chengdu": "Southwest China (Chengdu)",
    "ap-chongqing": "Southwest China (Chongqing)",
    "ap-shanghai-fsi": "East China (Shanghai Finance)",
    "ap-shenzhen-fsi": "South China (Shenzhen Finance)",
    "ap-hongkong": "Hong Kong, Macao and Taiwan (Hong Kong, China)",
    "ap-singapore": "Southeast Asia Pacific (Singapore)",
    "ap-jakarta": "Southeast Asia Pacific (Jakarta)",
    "ap-bangkok": "Southeast Asia Pacific (Bangkok)",
    "ap-mumbai": "South Asia Pacific (Mumbai)",
    "ap-seoul": "Northeast Asia Pacific (Seoul)",
    "ap-tokyo": "Northeast Asia Pacific (Tokyo)",
    "na-siliconvalley": "Western US (Silicon Valley)",
    "na-ashburn": "Eastern US (Virginia)",
    "na-toronto": "North America (Toronto)",
    "sa-saopaulo": "South America (Sao Paulo)",
    "eu-frankfurt": "Europe (Frankfurt)",
}
"""Regions of CVM (tencent.md 4.1)."""

FINANCE_REGIONS = ("ap-shanghai-fsi", "ap-shenzhen-fsi")
MAINLAND_REGIONS = ("ap-guangzhou", "ap-shanghai", "ap-nanjing", "ap-beijing", "ap-chengdu", "ap-chongqing")

ECM_REGIONS: dict[str, str] = {
    "ap-hangzhou-ecm": "Hangzhou",
    "ap-shenyang-ecm": "Shenyang",
    "ap-wuhan-ecm": "Wuhan",
    "ap-chengdu-ecm": "Chengdu",
}

BOTH = ("x86_64", "i386")
WITH_ARM = ("x86_64", "arm_64")

IMPORTABLE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CentOS": (("5", "6", "7", "8"), BOTH),
    "CentOS Stream": (("8", "9"), WITH_ARM),
    "Ubuntu": (("10", "12", "14", "16", "18", "20", "22", "24"), BOTH),
    "Debian": (("6", "7", "8", "9", "10", "11", "12"), BOTH),
    "OpenSUSE": (("11", "12", "13", "15"), BOTH),
    "SUSE": (("10", "11", "12", "13", "15"), BOTH),
    "CoreOS": (("7",), BOTH),
    "FreeBSD": (("10", "11", "12", "13"), BOTH),
    "Redhat": (("5", "6", "7", "8"), BOTH),
    "TencentOS": (("2", "3", "4"), WITH_ARM),
    "AlmaLinux": (("8", "9"), WITH_ARM),
    "Rocky Linux": (("8", "9"), WITH_ARM),
    "Fedora": (("38", "39", "40"), WITH_ARM),
    "Kylin": (("V10",), WITH_ARM),
    "UnionTech": (("V20",), WITH_ARM),
    "Other Linux": (("-",), ("x86_64", "i386", "arm_64")),
    "Windows Server 2008": (("-", "9"), BOTH),
    "Windows Server 2012": (("-", "9"), ("x86_64",)),
    "Windows Server 2016": (("-", "9"), ("x86_64",)),
    "Windows Server 2019": (("-", "9"), ("x86_64",)),
    "Windows Server 2022": (("-", "9"), ("x86_64",)),
}
"""OsName: versions, architectures. The vendor's example with what its prose adds (tencent.md 2.1)."""

WINDOWS = tuple(name for name in IMPORTABLE if name.startswith("Windows"))
LINUX = tuple(name for name in IMPORTABLE if name not in WINDOWS)

SHOWN_ARCHITECTURES = {"arm_64": "arm"}
"""DescribeImages spells architectures in its own way (tencent.md 2.1)."""

EXPORT_FORMATS = ("RAW", "QCOW2", "VHD", "VMDK")
EXPORT_ROLE = "CVM_QcsRole"
MAX_EXPORT_DISK_GIB = 500
MAX_EXPORT_IMAGES = 10
MAX_KEY_BYTES = 850

BOOT_MODES = ("Legacy BIOS", "UEFI")
LICENSE_TYPES = ("TencentCloud", "BYOL")
MAX_NAME = 60
MAX_DESCRIPTION = 256

ECM_MAX_NAME = 20
ECM_MAX_DESCRIPTION = 60
"""Stated for ModifyImageAttribute only (tencent.md 2.2)."""

IMPORT_PROBLEMS: dict[str, str] = {
    "InvalidUrl": "The link to the image is invalid: it cannot be reached, has expired or was used before.",
    "InvalidFormatSize": "The format or the size of the image does not meet the requirements.",
    "VirtioNotInstall": "The virtio driver is not installed in the image.",
    "PartitionNotPresent": "The image has no usable partition table.",
    "CloudInitNotInstalled": "cloud-init is not installed in the image.",
    "RootPartitionNotFound": "The root partition was not found in the image.",
    "InternalError": "An internal error occurred while the image was imported.",
}
"""The notices of the message centre (tencent.md 7.3)."""

GIB = 1 << 30


@dataclass
class Settings:
    """How this sandbox's CVM, ECM, CAM and STS behave where the vendor is silent, vague or gives no number.

    All may be changed while the sandbox runs; what is under way keeps the durations it began with. Seconds are the
    sandbox's own.
    """

    # How long things take
    export_seconds: float = 300.0
    import_seconds: float = 600.0
    create_seconds: float = 600.0
    sync_seconds: float = 900.0
    ecm_create_seconds: float = 300.0
    ecm_import_seconds: float = 300.0
    visible_after_seconds: float = 10.0
    """A new image appears in DescribeImages (DescribeImage) only this long after the call that made it (1.2, 1.3)."""
    role_delay_seconds: float = 0.0
    """How long a new role, trust or attached policy takes to spread to CVM; at the vendor some seconds to minutes."""
    pending_seconds: float = 20.0
    """How long an ECM import is PENDING before it is PROCESSING."""

    # What answers look like
    export_shows_exporting: bool = True
    """Whether an image is EXPORTING while it is exported, or stays NORMAL (1.1, unconfirmed)."""
    import_returns_image_id: bool = True
    """The mainland's form of ImportImage's answer; False gives the international one (1.2)."""
    dry_run_code: str = ""
    """"" answers a dry run plainly, anything else ("DryRunOperation") as an error with that code (2.1)."""
    unknown_image_code: str = ""
    """"" makes DescribeImages answer unknown ids with an empty set, else with this code (2.1, unconfirmed)."""
    partial_objects: bool = False
    """Whether a part of an exported object is visible half-way (1.1, unconfirmed)."""
    export_crc: bool = True
    """Whether exported objects carry a CRC-64; a writer may leave none (6)."""
    import_moves_sync_percent: bool = False
    """Whether SyncPercent moves during imports (1.2, unconfirmed)."""
    ecm_keeps_image_id: bool = False
    """Whether ECM's ImportImage gives the new image the id of the CVM image (1.5, unconfirmed)."""

    wrong_region_code: str = "PermanentRedirect"
    """What COS answers at another region's name than the bucket's: "PermanentRedirect" (301, with the region), or
    "NoSuchBucket" (404), as has been measured with S3 clients (unconfirmed)."""

    # What is allowed
    import_closed_regions: list[str] = field(default_factory=lambda: ["sa-saopaulo"])
    """Regions that cannot import (RegionAbilityLimit.UnsupportedToImportImage); which they are is not published."""
    unavailable_os: dict[str, list[str]] = field(default_factory=dict)
    """Systems (OsName) that a region does not have (InvalidParameterValue.InvalidImageOsName)."""
    restricted_accounts: list[str] = field(default_factory=list)
    """Accounts that may not import (OperationDenied.InnerUserProhibitAction)."""
    known_tag_keys: list[str] | None = None
    """The tag keys that exist; None for all (InvalidParameterValue.TagKeyNotFound)."""
    offline_actions: list[str] = field(default_factory=list)
    """"ecm:CreateImage" and the like, which answer ActionOffline (8)."""
    import_reads_with_role: bool = False
    """Whether ImportImage reads private objects through CVM_QcsRole (3.4, unconfirmed)."""
    import_heads_first: bool = False
    """Whether the importer sends HEAD before GET, which a URL signed for GET does not allow (3.4, unconfirmed)."""
    sync_across_border: bool = False
    """Whether SyncImages may cross the mainland's border, for which the vendor wants a ticket (1.4)."""
    gpt_needs_uefi: bool = False
    """Whether GPT disks are refused unless BootMode is UEFI: the older documents know MBR only (3.3, unconfirmed)."""
    look_for_virtio: bool = False
    look_for_cloudinit: bool = False
    """Whether the importer searches the disk's bytes for "virtio" and "cloud-init" and refuses it without."""

    # How many
    image_quota: int = 500
    """Custom images of an account in a region (ImageQuotaLimitExceeded); DescribeImageQuota and DescribeAccountQuota tell."""
    ecm_image_quota: int = 20
    """Custom images of an account in ECM (ResourceInsufficient.InvaildPrivateImageNum); no call tells."""
    concurrent_exports: int = 5
    max_sync_gib: int = 2048
    max_import_virtual_gib: int = 500
    max_import_actual_gib: int = 50
    ecm_max_image_gib: int = 50
    rate_limits: bool = True
    """Whether the calls of an action are counted against its limit per real second (3.1)."""
