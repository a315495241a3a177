"""Which images and objects ECS takes, as data, each rule with its source (sections of `alibaba.md` in brackets)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.alibaba import limits
from imgmove.core.abilities import ImageRules

#: Where the disks' number and size end is open: the page of the error codes and a user guide disagree about the size,
#: and neither was tried [3.1, 10].
EXPORT: Final = ImageRules(
    owners=frozenset({"self"}),
    refused_platforms=frozenset({"windows"}),
    refuses_encrypted=True,
    refuses_market_origin=True,
    max_disk_gib=500,
    max_data_disks=4,
    refuses_encrypted_bucket=True,
    refuses_archived_objects=True,
    doubtful=frozenset({"max_disk_gib", "max_data_disks"}),
    sources={
        "owners": "ExportImage: InvalidImageCategory.NotSupported, InvalidImageId.NotFound [9.1, 9.2]",
        "refused_platforms": "user guide, Export a custom image [3.1]; InvalidImageLicense.NotSupported [9.1]",
        "refuses_encrypted": "page S001: ImageNotSupported [3.1]",
        "refuses_market_origin": "pages S001, S003: ImageNotSupported [3.1]",
        "max_disk_gib": "InvalidImage.DiskAmountOrSize: 500 GiB a data disk; a user guide of 2024 says 2048 [3.1]",
        "max_data_disks": "InvalidImage.DiskAmountOrSize [3.1]",
        "refuses_encrypted_bucket": "InvalidOSSBucket.EncryptUnsupported [3.1, 9.2]",
        "refuses_archived_objects": "InvalidOSSObject.NeedRestore [9.2]",
        "bucket_region": "InvalidOSSBucket.NotFound, InvalidOSSBucket.NotMatched [3.1]",
    },
)

IMPORT: Final = ImageRules(
    max_disk_gib=limits.IMPORT_MAX_DISK_GIB,
    min_system_disk_gib=limits.IMPORT_MIN_DISK_GIB,
    max_data_disks=limits.IMPORT_MAX_DISKS - 1,
    refuses_encrypted_bucket=True,
    refuses_archived_objects=True,
    file_systems=frozenset({"xfs", "ext3", "ext4", "ntfs"}),
    doubtful=frozenset({"file_systems"}),
    sources={
        "max_disk_gib": "SDK 7.11.8, ImportImage: DiskImageSize [2.2, 3.2]",
        "min_system_disk_gib": "SDK 7.11.8, ImportImage: DiskImageSize [2.2, 3.2]",
        "max_data_disks": "ImportImage: N of DiskDeviceMapping is 1 to 17 [2.2, 3.2]",
        "refuses_encrypted_bucket": "InvalidOSSBucket.EncryptUnsupported [3.2, 9.3]",
        "refuses_archived_objects": "InvalidOSSObject.NeedRestore [3.2, 9.3]",
        "file_systems": "Instructions for importing images, 2021, not looked at again since [3.2]",
        "bucket_region": "ImportImage: the bucket's region is the image's [2.2, 3.2]",
    },
)

#: CopyImage. Copies of encrypted images were refused in 2021 and have parameters of their own today [2.4, 9.4].
TRANSFER: Final = ImageRules(
    owners=frozenset({"self"}),
    refuses_encrypted=True,
    bucket_region=False,
    doubtful=frozenset({"owners", "refuses_encrypted"}),
    sources={
        "owners": "CopyImage: OperationDenied.SameRegionOnly for shared images [9.4]",
        "refuses_encrypted": "CopyImage: OperationDeined.EncryptedSnapshot [9.4]",
        "bucket_region": "CopyImage needs no bucket [2.4]",
    },
)
