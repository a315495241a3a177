"""Alibaba Cloud: ECS images (`alibaba`) and OSS buckets (`oss`). Importing this loads no SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from imgmove.clouds.alibaba.abilities import ECS
from imgmove.clouds.alibaba.advice import ADVICE
from imgmove.clouds.alibaba.bucket_address import check_bucket_name
from imgmove.core.abilities import Abilities
from imgmove.core.errors import usage_error
from imgmove.core.inspection import AccountInspector, Advice
from imgmove.core.ports import ComputeProvider, ErrorRow, ObjectStore
from imgmove.core.settings import Settings


class AlibabaCloud:
    """The cloud that the entry point `alibaba` names (`imgmove.core.ports.Cloud`)."""

    name: str = "alibaba"
    services: Mapping[str, Abilities] = {ECS.provider: ECS}
    aliases: Mapping[str, str] = {"ecs": "alibaba", "aliyun": "alibaba"}
    stores: tuple[str, ...] = ("oss",)
    endpoint_services: tuple[str, ...] = ("ECS", "RAM", "ALIBABA_STS", "OSS")
    region_variables: tuple[str, ...] = (
        "ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID",
    )  # fmt: skip
    advice: Advice = ADVICE

    def compute(self, provider: str, region: str, settings: Settings) -> ComputeProvider:
        """ECS in `region`; DENIED without credentials, a usage error without a region."""
        from imgmove.clouds.alibaba.ecs import Ecs

        if provider != ECS.provider:
            raise usage_error(f"Alibaba Cloud has no service {provider!r}", "its image service is alibaba (ECS)")
        if not region:
            raise usage_error(
                "ECS needs a region", "give --region, or alibaba://REGION, or set ALIBABA_CLOUD_REGION_ID"
            )
        _check_region(region)
        return Ecs(region, settings)

    def store(self, scheme: str, bucket: str, region: str, settings: Settings) -> ObjectStore:
        """An OSS bucket; where `region` is empty the store is asked at the first use. DENIED without credentials."""
        from imgmove.clouds.alibaba.store import OssStore

        self.check_bucket_name(scheme, bucket)
        if region:
            _check_region(region)
        return OssStore(bucket, region, settings)

    def inspector(self, settings: Settings) -> AccountInspector:
        """The account looked at beforehand (`imgmove.core.inspection.Inspectable`); DENIED without credentials."""
        from imgmove.clouds.alibaba.inspector import AlibabaInspector

        return AlibabaInspector(settings)

    def check_bucket_name(self, scheme: str, bucket: str) -> None:
        """A usage error with the rule in words for a name that no bucket of OSS can have."""
        if scheme not in self.stores:
            raise usage_error(f"Alibaba Cloud has no store {scheme!r}", "its object store is oss://")
        check_bucket_name(bucket)

    def default_region(self, settings: Settings) -> str:
        """`region_id` of the `aliyun` profile in use, or empty."""
        from imgmove.clouds.alibaba.profiles import profile_region

        return profile_region(settings)

    def error_table(self) -> Sequence[ErrorRow]:
        """Every code of ECS, OSS, STS and RAM that is mapped."""
        from imgmove.clouds.alibaba.error_codes import ROWS

        return ROWS


def _check_region(region: str) -> None:
    """A usage error for what cannot be a region: it becomes part of a host name."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", region):
        raise usage_error(f"{region!r} is no region", "regions are called cn-hangzhou, ap-southeast-1, …")


cloud = AlibabaCloud()
