"""ECS's rules as data: regions, formats, platforms, and the settings that stand for what the vendor leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field

REGIONS: dict[str, str] = {
    "cn-qingdao": "China (Qingdao)",
    "cn-beijing": "China (Beijing)",
    "cn-zhangjiakou": "China (Zhangjiakou)",
    "cn-huhehaote": "China (Hohhot)",
    "cn-wulanchabu": "China (Ulanqab)",
    "cn-hangzhou": "China (Hangzhou)",
    "cn-shanghai": "China (Shanghai)",
    "cn-nanjing": "China (Nanjing - Local Region)",
    "cn-fuzhou": "China (Fuzhou - Local Region)",
    "cn-shenzhen": "China (Shenzhen)",
    "cn-heyuan": "China (Heyuan)",
    "cn-guangzhou": "China (Guangzhou)",
    "cn-wuhan-lr": "China (Wuhan - Local Region)",
    "cn-chengdu": "China (Chengdu)",
    "cn-hongkong": "China (Hong Kong)",
    "ap-northeast-1": "Japan (Tokyo)",
    "ap-northeast-2": "South Korea (Seoul)",
    "ap-southeast-1": "Singapore",
    "ap-southeast-3": "Malaysia (Kuala Lumpur)",
    "ap-southeast-5": "Indonesia (Jakarta)",
    "ap-southeast-6": "Philippines (Manila)",
    "ap-southeast-7": "Thailand (Bangkok)",
    "us-east-1": "US (Virginia)",
    "us-west-1": "US (Silicon Valley)",
    "na-south-1": "Mexico",
    "eu-west-1": "UK (London)",
    "eu-central-1": "Germany (Frankfurt)",
    "me-east-1": "UAE (Dubai)",
    "me-central-1": "SAU (Riyadh - Partner Region)",
}
"""Region ids and local names (alibaba.md 5.1). All offer ECS and images unless `Settings` says otherwise."""

FORMAT_REGIONS = (
    "ap-northeast-1", "ap-southeast-5", "eu-central-1", "me-east-1", "us-east-1",
    "eu-west-1", "ap-southeast-1", "ap-southeast-3", "us-west-1",
)  # fmt: skip
"""Where ExportImage honours an ImageFormat other than raw (alibaba.md 3.1)."""

EXPORT_FORMATS = ("raw", "vhd", "qcow2", "vmdk", "vdi")
IMPORT_FORMATS = ("RAW", "VHD", "QCOW2", "VMDK")

LINUX_PLATFORMS = (
    "Aliyun", "Anolis", "CentOS", "Ubuntu", "CoreOS", "SUSE", "Debian", "OpenSUSE", "FreeBSD", "RedHat", "Kylin",
    "UOS", "Fedora", "Fedora CoreOS", "CentOS Stream", "AlmaLinux", "Rocky Linux", "Gentoo", "Customized Linux",
    "Others Linux",
)  # fmt: skip
WINDOWS_PLATFORMS = (
    "Windows Server 2022", "Windows Server 2019", "Windows Server 2016", "Windows Server 2012",
    "Windows Server 2008", "Windows Server 2003", "Other Windows",
)  # fmt: skip
"""Platforms of ImportImage and CreateImage (alibaba.md 2.2, 2.3)."""

ARM64_EXCLUDES = (*WINDOWS_PLATFORMS, "CoreOS", "FreeBSD")
"""Platforms that an arm64 image cannot have. Which these are at the vendor is not published in full."""

BYOL_PLATFORMS = ("RedHat", "SUSE", "Other Windows")
"""Platforms for which the vendor sells no licence, so that LicenseType can only be BYOL."""

ARCHITECTURES = ("i386", "x86_64", "arm64")
BOOT_MODES = ("BIOS", "UEFI", "UEFI-Preferred")

EXPORT_ROLE = "AliyunECSImageExportDefaultRole"
IMPORT_ROLE = "AliyunECSImageImportDefaultRole"
SERVICE = "ecs.aliyuncs.com"
"""Who has to be trusted by the two roles."""

EXPORT_RIGHTS = (
    "oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:GetBucketLocation", "oss:AbortMultipartUpload",
    "oss:ListMultipartUploads", "oss:ListParts",
)  # fmt: skip
"""What the export role has to be allowed; the newer page adds oss:GetBucketInfo, the older one lacks it."""
IMPORT_RIGHTS = ("oss:GetObject", "oss:GetBucketLocation", "oss:GetBucketInfo")

MAX_IMAGE_GIB = 2048
MAX_DATA_DISKS = 16
STALLED_PERCENT = 40


@dataclass
class Settings:
    """How this sandbox's ECS behaves where the vendor's documents disagree, are silent, or give no number.

    All may be changed while the sandbox runs; what is under way keeps the values it began with.
    Seconds are the sandbox's own unless said otherwise.
    """

    # How long things take
    queue_seconds: float = 20.0
    export_seconds: float = 160.0
    import_seconds: float = 160.0
    create_seconds: float = 60.0
    copy_seconds: float = 100.0
    image_lag_seconds: float = 10.0
    """An imported image becomes Available this long after its task is Finished (coreos-assembler#2592)."""
    object_lag_seconds: float = 0.0
    """Exported objects appear this long after their task is Finished."""

    # What answers look like
    export_task_key: str = "TaskId"
    """Name of the id in ExportImage's answer: "TaskId", "ExportTaskId", or "" to leave it out (alibaba.md 1.2)."""
    error_names: str = "current"
    """"2017" makes ExportImage use the codes of its older page (alibaba.md 9.1, page 003)."""
    related_items: bool = True
    """Whether tasks name their objects in RelatedItem."""
    task_fields_delay: float = 0.0
    """RelatedItem is filled this long after the task began."""
    task_resource_ids: bool = True
    """Whether DescribeTasks fills ResourceId."""
    dry_run_code: str = "DryRunOperation"
    """Or "DRYRUN.SUCCESS"."""
    object_names: str = "task"
    """Exports in other formats than raw: "task" `<prefix>_<image>_<task>.vhd`, "disk" `<prefix>_<image>_system.vhd`."""
    delete_missing_image: str = "ignore"
    """Or "refuse", which answers InvalidImageId.NotFound."""

    # What is allowed
    format_regions: list[str] = field(default_factory=lambda: list(FORMAT_REGIONS))
    closed_regions: list[str] = field(default_factory=list)
    """Regions that neither import nor export (InvalidRegion.NotSupport)."""
    no_copy_regions: list[str] = field(default_factory=list)
    white_listed: bool = True
    vmdk_invited: bool = False
    custom_role_names: bool = False
    """The documents say that no other role name than the default works; whether so is unconfirmed."""
    export_data_disks: bool = True
    """False answers OperationDenied for images with data-disk snapshots, as the newer page has it."""
    import_suffixes: list[str] = field(default_factory=lambda: [".raw", ".vhd", ".qcow2", ".vmdk"])
    failed_import_leaves_image: bool = True
    """A failed import leaves an image in CreateFailed; otherwise the image vanishes."""
    account_problem: str = ""
    """A code that every call which makes something is refused with: "Account.Arrearage", "Forbidden.RiskControl",
    "RealNameAuthenticationError", "InsufficientBalance", "InvalidAccountStatus.…" (alibaba.md 9.3, 9.4)."""
    flow_limited_buckets: list[str] = field(default_factory=list)
    """Buckets that are limited in bandwidth, so that nothing is imported from them (InvalidOSSBucket.FlowLimit)."""
    public_endpoint_forbidden: bool = False
    """Whether OSS's data can't be had through the public names of mainland regions, as is so for accounts that opened
    OSS after 20 March 2025 (PublicEndpointForbidden, alibaba.md 5.2). The sandbox's own address counts as such a name."""
    signature_v1_closed: bool = False
    """Whether OSS refuses signatures of version 1, as it does for young accounts and buckets (alibaba.md 5.2)."""
    role_delay_seconds: float = 0.0
    """How long a new role, trust or attached policy takes to spread to ECS; at the vendor about 60."""
    object_delay_seconds: float = 0.0
    """How long an uploaded object takes to be visible to ImportImage; at the vendor up to 300."""

    # How many
    max_export_data_disks: int = 4
    max_export_data_disk_gib: int = 500
    max_images: int = 100
    """Images of an account in a region (QuotaExceed.Image); ECS has no call that tells."""
    max_snapshots: int = 256
    concurrent_exports: int = 5
    weekly_exports: int = 100
    concurrent_copies: int = 5
    max_copy_gib: int = 2048
    calls_per_minute: int = 0
    """Calls of one action that one account may make in a real minute before Throttling.User; 0 for no limit."""
    retry_after_ms: int = 0
    """With a throttling answer, the header x-acs-retry-after; 0 leaves it out."""
