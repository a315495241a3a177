"""docs/reference/configuration.md and json.md: endpoints, regions, and documents as the code writes them."""

from __future__ import annotations

import json

from imgmove.app.results import Result, finding_json
from imgmove.clouds.registry import Registry
from imgmove.config import ENDPOINT_PREFIX
from imgmove.core.errors import EXIT_CODES, ImgmoveError, Kind
from imgmove.core.findings import Finding, Severity
from imgmove.core.formats import DiskFormat
from imgmove.core.tasks import Artifact, TaskState
from scripts.reference.markdown import block, code, codes, table

_SERVICE_WORDS = {
    "CVM": "images of CVM",
    "ECM": "images of ECM",
    "CAM": "roles of Tencent Cloud",
    "TENCENT_STS": "temporary keys of Tencent Cloud",
    "COS": "objects of Tencent Cloud",
    "ECS": "images of ECS",
    "RAM": "roles of Alibaba Cloud",
    "ALIBABA_STS": "temporary keys of Alibaba Cloud",
    "OSS": "objects of Alibaba Cloud",
}


def endpoints() -> str:
    names = [name for cloud in Registry.installed().clouds() for name in cloud.endpoint_services]
    rows = [(code(ENDPOINT_PREFIX + name), code(name), _SERVICE_WORDS.get(name, "")) for name in names]
    return table(("variable", "in `[profiles.NAME.endpoints]`", "what is reached there"), rows)


def regions() -> str:
    rows = [
        (code(cloud.name), codes(cloud.region_variables)) for cloud in Registry.installed().clouds() if cloud.services
    ]
    return table(("cloud", "variables, the first that is set wins"), rows)


def result_example() -> str:
    artifact = Artifact(
        "cos://backup-1250000000/im7zxjgernsm37_img-6pb6lrmy_system_snap-fiux4bof.qcow2", DiskFormat.QCOW2, "system",
        1610612736, "15668993343133722524",
    )  # fmt: skip
    result = Result(
        "export", "tencent", "ap-guangzhou", "jm7y99zkgf64zt", TaskState.SUCCEEDED, 100, "105591590",
        "d2d40fdb-e70a-42ab-94b7-59d3a33b878b", None, (artifact,),
    )  # fmt: skip
    return block("json", json.dumps(result.to_json(), indent=2))


def failure_example() -> str:
    error = ImgmoveError(
        Kind.NOT_FOUND, "the bucket does not exist", "InvalidParameterValue.BucketNotFound",
        "use a bucket in the region of the image, with its APPID", "5b0c8a0e-7a2f-4d38-9d31-0d6b1f0c6a55",
    )  # fmt: skip
    result = Result("export", "tencent", "ap-guangzhou", "jm7y99zkgf64zt", TaskState.FAILED, error=error)
    return block("json", json.dumps(result.to_json()["error"], indent=2))


def finding_example() -> str:
    finding = Finding(
        "bucket-encrypted", Severity.BLOCK, "oss://stage encrypts what is written (KMS)",
        "Alibaba Cloud ECS refuses to import by encrypted buckets",
        "use another bucket, or:\n$ aliyun oss bucket-encryption --method delete oss://stage",
        EXIT_CODES[Kind.UNSUPPORTED], "oss://stage", waivable=True,
    )  # fmt: skip
    return block("json", json.dumps(finding_json(finding), indent=2))
