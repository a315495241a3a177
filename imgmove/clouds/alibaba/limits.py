"""Alibaba Cloud's numbers, names and regions, each with its source; `alibaba.md` sections in brackets."""

from __future__ import annotations

from typing import Final

from imgmove.core.abilities import NameRule
from imgmove.core.ports import StoreLimits

KIB: Final = 1 << 10
GIB: Final = 1 << 30

#: ECS API version, of the SDK `alibabacloud_ecs20140526` [0].
ECS_API_VERSION: Final = "2014-05-26"
STS_API_VERSION: Final = "2015-04-01"
RAM_API_VERSION: Final = "2015-05-01"
#: RAM is one service for all regions; its second name is for instances inside Alibaba Cloud [5.1].
RAM_HOST: Final = "ram.aliyuncs.com"
RAM_INTERNAL_HOST: Final = "ram.vpc-proxy.aliyuncs.com"

#: ImportImage, CreateImage and CopyImage share the rule [2.2]. Letters of other scripts are left to the server.
IMAGE_NAME: Final = NameRule(
    max_length=128,
    min_length=2,
    pattern=r"(?!aliyun|acs:)[^\W\d_][\w.:-]*",
    text=(
        "2 to 128 characters, first a letter or a Chinese character, then also digits and . : _ -; "
        "not beginning with aliyun or acs:"
    ),
    source="alibaba.md 2.2",
)
#: CreateImage takes a family under the same alphabet [2.3].
IMAGE_FAMILY: Final = IMAGE_NAME

#: OSSPrefix of ExportImage [2.1, page S001].
EXPORT_PREFIX: Final = NameRule(
    max_length=30,
    min_length=1,
    pattern=r"[A-Za-z0-9]+",
    text="1 to 30 letters and digits, no dash, underscore or slash",
    source="alibaba.md 2.1",
)
DESCRIPTION_MAX_LENGTH: Final = 256
DESCRIPTION_MIN_LENGTH: Final = 2
CLIENT_TOKEN_MAX_LENGTH: Final = 64

IMPORT_MIN_DISK_GIB: Final = 1
IMPORT_MAX_DISK_GIB: Final = 2048
#: One system disk and up to sixteen data disks [3.2].
IMPORT_MAX_DISKS: Final = 17
MAX_TAGS: Final = 20
PAGE_SIZE: Final = 100

#: Regions that export other formats than raw: DEXP as of April 2026 [3.1], mapped from names to ids.
MULTI_FORMAT_REGIONS: Final = frozenset({
    "ap-northeast-1", "ap-southeast-5", "eu-central-1", "me-east-1", "us-east-1", "eu-west-1", "ap-southeast-1",
    "ap-southeast-3", "us-west-1",
})  # fmt: skip
#: On the list of April 2024 and no more on that of April 2026: the server decides [3.1].
DOUBTFUL_FORMAT_REGIONS: Final = frozenset({"ap-south-1", "ap-southeast-2"})
#: Regions with an ECS endpoint, April 2026 [5.1]: a hint, DescribeRegions is the truth.
KNOWN_REGIONS: Final = frozenset({
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ap-southeast-8", "cn-beijing", "cn-beijing-finance-1",
    "cn-chengdu", "cn-fuzhou", "cn-guangzhou", "cn-hangzhou", "cn-heyuan", "cn-heyuan-acdr-1", "cn-hongkong",
    "cn-huhehaote", "cn-nanjing", "cn-north-2-gov-1", "cn-qingdao", "cn-shanghai", "cn-shanghai-finance-1",
    "cn-shenzhen", "cn-shenzhen-finance-1", "cn-wuhan-lr", "cn-wulanchabu", "cn-zhangjiakou", "cn-zhengzhou-jva",
    "cn-zhongwei", "eu-central-1", "eu-west-1", "me-central-1", "me-east-1", "na-south-1", "us-east-1",
    "us-southeast-1", "us-west-1",
})  # fmt: skip
#: Known regions that export raw alone. A region that we do not know is left to the server.
RAW_ONLY_REGIONS: Final = KNOWN_REGIONS - MULTI_FORMAT_REGIONS - DOUBTFUL_FORMAT_REGIONS

#: Asked where a bucket is when nobody named a region: its answer names the bucket's own [9.5, AccessDenied].
FALLBACK_REGION: Final = "cn-hangzhou"

#: OSS [7.1].
OSS_LIMITS: Final = StoreLimits(
    min_part_bytes=100 * KIB,
    max_part_bytes=5 * GIB,
    max_parts=10_000,
    max_object_bytes=10_000 * 5 * GIB,
    max_single_put_bytes=5 * GIB,
)
OSS_PAGE_SIZE: Final = 1000
#: Classes whose objects have to be restored before they can be read; ECS takes none of them [9.2, 9.3].
ARCHIVE_CLASSES: Final = frozenset({"Archive", "ColdArchive", "DeepColdArchive"})
BUCKET_PATTERN: Final = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
BUCKET_RULE: Final = "an OSS bucket's name has 3 to 63 lower-case letters, digits and dashes, no dash at either end"
