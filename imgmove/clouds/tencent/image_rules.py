"""Which images and objects CVM and ECM take, as data, each rule with its source (sections of `tencent.md` in brackets)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.tencent.limits import GIB
from imgmove.core.abilities import ImageRules

_OLDER: Final = "older CVM documentation [3.2, 3.3]"

#: Of Windows and RedHat the images' `Platform` and `OsName` tell; that an image derives from one of the market shows
#: nowhere, nor does encryption: there the dry run has the word [3.2].
CVM_EXPORT: Final = ImageRules(
    owners=frozenset({"self"}),
    refused_platforms=frozenset({"windows", "redhat", "red hat", "rhel"}),
    refuses_encrypted=True, refuses_market_origin=True, max_disk_gib=500, max_data_disks=5,
    doubtful=frozenset({"max_data_disks"}),
    sources={
        "owners": "page S000: PublicImageExportUnsupported, SharedImageExportUnsupported [7.1]",
        "refused_platforms": "page S000: WindowsImageExportUnsupported, RedHatImageExportUnsupported [7.1]",
        "refuses_encrypted": "page S000: EncryptedImagesNotSupported [7.1]",
        "refuses_market_origin": "page S000: MarketImageExportUnsupported [7.1]",
        "max_disk_gib": "page S000: ImageTooLargeExportUnsupported; the number from " + _OLDER,
        "max_data_disks": _OLDER,
        "bucket_region": "page S000: BucketNotFound [3.2]",
    },
)  # fmt: skip

CVM_IMPORT: Final = ImageRules(
    max_disk_gib=500, max_object_bytes=50 * GIB, refuses_archived_objects=True,
    doubtful=frozenset({"max_object_bytes"}),
    sources={
        "max_disk_gib": _OLDER,
        "max_object_bytes": _OLDER + ": 50 GB, measured as qcow2",
        "refuses_archived_objects": "COS: InvalidObjectState [6]; CVM fetches the object by a signed URL [3.4]",
        "bucket_region": _OLDER + ": outside the mainland only a bucket of the same region",
    },
)  # fmt: skip

ECM_IMPORT: Final = ImageRules(
    max_object_bytes=50 * GIB, refuses_archived_objects=True, bucket_region=False,
    doubtful=frozenset({"max_object_bytes"}),
    sources={
        "max_object_bytes": "DescribeConfig, ImageLimits.MaxImageSize: 50 GB in its example [2.2]",
        "refuses_archived_objects": "COS: InvalidObjectState [6]",
        "bucket_region": "ECM's regions hold no buckets [2.2]",
    },
)  # fmt: skip

#: ImportImage takes custom images of CVM alone.
ECM_TRANSFER: Final = ImageRules(
    owners=frozenset({"self"}), max_disk_gib=50, bucket_region=False, doubtful=frozenset({"owners", "max_disk_gib"}),
    sources={
        "owners": "ECM ImportImage: a custom image of CVM [1.5]",
        "max_disk_gib": "DescribeConfig, ImageLimits.MaxImageSize: 50 GB in its example [2.2]",
    },
)  # fmt: skip
