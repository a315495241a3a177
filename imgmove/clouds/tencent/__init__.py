"""Tencent Cloud: CVM images (`tencent`), ECM images (`ecm`) and COS buckets (`cos`). Importing this loads no SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from imgmove.clouds.tencent import limits
from imgmove.clouds.tencent.abilities import CVM, ECM
from imgmove.clouds.tencent.advice import ADVICE
from imgmove.core.abilities import Abilities
from imgmove.core.errors import usage_error
from imgmove.core.inspection import AccountInspector, Advice
from imgmove.core.ports import ComputeProvider, ErrorRow, ObjectStore
from imgmove.core.settings import Settings


class TencentCloud:
    """The cloud that the entry point `tencent` names (`imgmove.core.ports.Cloud`)."""

    name: str = "tencent"
    services: Mapping[str, Abilities] = {CVM.provider: CVM, ECM.provider: ECM}
    aliases: Mapping[str, str] = {"cvm": "tencent", "tencent-ecm": "ecm"}
    stores: tuple[str, ...] = ("cos",)
    endpoint_services: tuple[str, ...] = ("CVM", "ECM", "CAM", "TENCENT_STS", "COS")
    region_variables: tuple[str, ...] = ("TENCENTCLOUD_REGION",)
    advice: Advice = ADVICE

    def compute(self, provider: str, region: str, settings: Settings) -> ComputeProvider:
        """CVM in `region`, or ECM; DENIED without credentials, a usage error for CVM without a region."""
        if region:
            _check_region(region)
        if provider == ECM.provider:
            from imgmove.clouds.tencent.ecm import Ecm

            return Ecm(region, settings)
        if provider != CVM.provider:
            raise usage_error(f"Tencent Cloud has no service {provider!r}", "its image services are tencent and ecm")
        if not region:
            raise usage_error("CVM needs a region", "give --region, or tencent://REGION, or set TENCENTCLOUD_REGION")
        from imgmove.clouds.tencent.cvm import Cvm

        return Cvm(region, settings)

    def store(self, scheme: str, bucket: str, region: str, settings: Settings) -> ObjectStore:
        """A COS bucket; where `region` is empty the store is asked at the first use. DENIED without credentials."""
        from imgmove.clouds.tencent.store import CosStore

        if scheme not in self.stores:
            raise usage_error(f"Tencent Cloud has no store {scheme!r}", "its object store is cos://")
        self.check_bucket_name(scheme, bucket)
        if region:
            _check_region(region)
        return CosStore(bucket, region, settings)

    def check_bucket_name(self, scheme: str, bucket: str) -> None:
        """A usage error with the rule in words for a name that no bucket of COS can have."""
        if not re.fullmatch(limits.BUCKET_PATTERN, bucket):
            raise usage_error(f"{bucket!r} is no bucket of {scheme}://", limits.BUCKET_RULE, code="InvalidBucketName")

    def default_region(self, settings: Settings) -> str:
        """`region` of the `tccli` profile in use, or empty."""
        from imgmove.clouds.tencent.profiles import profile_region

        return profile_region(settings)

    def inspector(self, settings: Settings) -> AccountInspector:
        """The account of the key that is found; DENIED without one."""
        from imgmove.clouds.tencent.inspector import TencentInspector

        return TencentInspector(settings)

    def error_table(self) -> Sequence[ErrorRow]:
        """Every code of CVM, ECM, STS, CAM and COS that is mapped."""
        from imgmove.clouds.tencent.error_codes import ROWS

        return ROWS


def _check_region(region: str) -> None:
    """A usage error for what cannot be a region: it becomes part of a host name."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", region):
        raise usage_error(f"{region!r} is no region", "regions are called ap-guangzhou, na-siliconvalley, …")


cloud = TencentCloud()
