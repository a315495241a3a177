"""The parameters of ECS's actions, from the facts about its SDK (alibaba.md 2)."""

from __future__ import annotations

from typing import Final

#: Action to parameters (alibaba.md 2), `!` for a required one. Lists are flattened from 1: `Tag.1.Key`.
ECS: Final[dict[str, tuple[str, ...]]] = {
    "ExportImage": ("RegionId!", "ImageId!", "OSSBucket!", "OSSPrefix", "ImageFormat", "RoleName", "DryRun"),
    "ImportImage": (
        "RegionId!", "ImageName", "Description", "Architecture", "OSType", "Platform", "BootMode", "LicenseType",
        "DetectionStrategy", "Features.NvmeSupport", "Features.ImdsSupport", "RoleName", "ResourceGroupId", "DryRun",
        "ClientToken", "Tag.N.Key", "Tag.N.Value", "DiskDeviceMapping.N.OSSBucket", "DiskDeviceMapping.N.OSSObject",
        "DiskDeviceMapping.N.Format", "DiskDeviceMapping.N.DiskImageSize",
    ),
    "CreateImage": (
        "RegionId!", "InstanceId", "SnapshotId", "ImageName", "Description", "ImageFamily", "ImageVersion", "Platform",
        "Architecture", "BootMode", "DetectionStrategy", "ClientToken", "DryRun", "Tag.N.Key", "Tag.N.Value",
        "DiskDeviceMapping.N.Device", "DiskDeviceMapping.N.DiskType", "DiskDeviceMapping.N.Size",
        "DiskDeviceMapping.N.SnapshotId",
    ),
    "CopyImage": (
        "RegionId!", "ImageId!", "DestinationRegionId", "DestinationImageName", "DestinationDescription", "Encrypted",
        "ClientToken", "DryRun", "Tag.N.Key", "Tag.N.Value",
    ),
    "DescribeImages": (
        "RegionId!", "ImageId", "ImageName", "ImageOwnerAlias", "Status", "PageNumber", "PageSize", "Usage",
        "Tag.N.Key", "Tag.N.Value", "DryRun",
    ),
    "DescribeTaskAttribute": ("RegionId!", "TaskId!"),
    "DescribeTasks": (
        "RegionId!", "TaskIds", "TaskAction", "TaskStatus", "StartTime", "EndTime", "ResourceIds.N", "PageNumber", "PageSize",
    ),
    "CancelTask": ("RegionId!", "TaskId!"),
    "DeleteImage": ("RegionId!", "ImageId!", "Force", "DryRun"),
    "DeleteSnapshot": ("SnapshotId!", "Force"),
}  # fmt: skip
