"""Tencent Cloud's numbers, names and rules, each with its source; sections of `tencent.md` in brackets."""

from __future__ import annotations

from typing import Final

from imgmove.core.abilities import NameRule
from imgmove.core.ports import StoreLimits

MIB: Final = 1 << 20
GIB: Final = 1 << 30

#: API versions, of `tencentcloud-sdk-python` 3.1 [2.1, 2.2].
CVM_API_VERSION: Final = "2017-03-12"
ECM_API_VERSION: Final = "2019-07-19"
STS_API_VERSION: Final = "2018-08-13"
CAM_API_VERSION: Final = "2019-01-16"

#: The characters are not stated anywhere [3.6]; control characters are refused here, the rest is the server's matter.
CVM_IMAGE_NAME: Final = NameRule(
    max_length=60, pattern=r"[^\x00-\x1f\x7f]+", text="1 to 60 characters", source="tencent.md 2.1, 3.6"
)
#: CreateImage states no limit; ModifyImageAttribute says 20, so that a longer name could never be given again [2.2].
ECM_IMAGE_NAME: Final = NameRule(
    max_length=20, pattern=r"[^\x00-\x1f\x7f]+", text="1 to 20 characters", source="tencent.md 2.2"
)
CVM_DESCRIPTION_MAX_LENGTH: Final = 256
ECM_DESCRIPTION_MAX_LENGTH: Final = 60

#: FileNamePrefixList: only the length of an object's key is known, 850 bytes [3.6]; about 60 follow the prefix [1.1].
EXPORT_PREFIX: Final = NameRule(
    max_length=780,
    pattern=r"[^\x00-\x1f\x7f/\\][^\x00-\x1f\x7f]*",
    text="1 to 780 bytes, first neither / nor \\, no control characters",
    source="tencent.md 1.1, 3.6",
)
EXPORT_PREFIX_MAX_BYTES: Final = 780

#: The vendor says only that there is a limit (InvalidParameterValue.LimitExceeded, page S000).
EXPORT_MAX_IMAGES: Final = 10
#: A CVM instance has at most 20 data disks; ImportImageDataDiskList states no limit [2.1].
IMPORT_MAX_DISKS: Final = 21
#: ECM's ImageUrls are the layers of one disk, base first; their number is not limited in the definition [2.2].
ECM_MAX_LAYERS: Final = 10

#: DescribeImages and DescribeImage [2.1, 2.2].
PAGE_SIZE: Final = 100

#: CAM's lists count pages from 1, of at most so many entries (`Rp`).
CAM_PAGE_SIZE: Final = 200

#: COS [3.6, 6].
COS_LIMITS: Final = StoreLimits(
    min_part_bytes=1 * MIB,
    max_part_bytes=5 * GIB,
    max_parts=10_000,
    max_object_bytes=50_000 * GIB,
    max_single_put_bytes=5 * GIB,
)
COS_PAGE_SIZE: Final = 1000
MAX_KEY_BYTES: Final = 850
BUCKET_PATTERN: Final = r"(?=.{3,60}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+"
BUCKET_RULE: Final = (
    "a COS bucket's full name ends with the account's APPID: NAME-APPID, like backup-1250000000; "
    "lower-case letters, digits and dashes, at most 60 characters"
)
#: Asked where a bucket is when nobody named a region [4.1].
FALLBACK_REGION: Final = "ap-guangzhou"
