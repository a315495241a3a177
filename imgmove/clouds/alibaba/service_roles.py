"""The roles under which ECS reads and writes buckets, and the vendor's own policies, as data (alibaba.md 3.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from imgmove.core.inspection import ServiceRole
from imgmove.core.requests import Operation

TRUSTED_SERVICE: Final = "ecs.aliyuncs.com"
_EXPORT_ACTIONS: Final = (
    "oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:GetBucketLocation", "oss:GetBucketInfo",
    "oss:AbortMultipartUpload", "oss:ListMultipartUploads", "oss:ListParts",
)  # fmt: skip
_IMPORT_ACTIONS: Final = ("oss:GetObject", "oss:GetBucketLocation", "oss:GetBucketInfo")
_CONSOLE: Final = "RAM console > Roles > Create Role, for the trusted service Elastic Compute Service"
_SOURCE: Final = "alibaba.md 3.3"


def _allowing(*actions: str) -> str:
    statement = {"Action": list(actions), "Effect": "Allow", "Resource": "*"}
    return json.dumps({"Statement": [statement], "Version": "1"})


TRUST_POLICY: Final = json.dumps({
    "Statement": [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": [TRUSTED_SERVICE]}},
    ],
    "Version": "1",
})  # fmt: skip

EXPORT_ROLE: Final = ServiceRole(
    provider="alibaba",
    operation=Operation.EXPORT,
    name="AliyunECSImageExportDefaultRole",
    trusted_service=TRUSTED_SERVICE,
    trust_policy=TRUST_POLICY,
    policy_name="AliyunECSImageExportRolePolicy",
    policy=_allowing(*_EXPORT_ACTIONS),
    policy_is_system=True,
    needed_actions=_EXPORT_ACTIONS,
    description="ECS writes exported images to OSS under this role",
    console=f"{_CONSOLE}; then attach AliyunECSImageExportRolePolicy",
    source=_SOURCE,
)
IMPORT_ROLE: Final = ServiceRole(
    provider="alibaba",
    operation=Operation.IMPORT,
    name="AliyunECSImageImportDefaultRole",
    trusted_service=TRUSTED_SERVICE,
    trust_policy=TRUST_POLICY,
    policy_name="AliyunECSImageImportRolePolicy",
    policy=_allowing(*_IMPORT_ACTIONS),
    policy_is_system=True,
    needed_actions=_IMPORT_ACTIONS,
    description="ECS reads images from OSS under this role",
    console=f"{_CONSOLE}; then attach AliyunECSImageImportRolePolicy",
    source=_SOURCE,
)
ROLES: Final = (EXPORT_ROLE, IMPORT_ROLE)

#: What the vendor's own policies allow as far as it matters here, for whoever may not read them.
SYSTEM_POLICIES: Final[Mapping[str, str]] = {
    EXPORT_ROLE.policy_name: EXPORT_ROLE.policy,
    IMPORT_ROLE.policy_name: IMPORT_ROLE.policy,
    "AliyunOSSFullAccess": _allowing("oss:*"),
    "AliyunOSSReadOnlyAccess": _allowing("oss:Get*", "oss:List*"),
    "AdministratorAccess": _allowing("*"),
    "ReadOnlyAccess": _allowing("*:Get*", "*:List*"),
}
