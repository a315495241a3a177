"""The role that CVM takes on to write an export into a bucket, as data (tencent.md 3.5)."""

from __future__ import annotations

import json
from typing import Any, Final

from imgmove.clouds.tencent.abilities import CVM
from imgmove.clouds.tencent.cam_policy import VERSION
from imgmove.core.inspection import ServiceRole
from imgmove.core.requests import Operation

EXPORT_ROLE: Final = "CVM_QcsRole"
#: The principal that roles of CVM instances name. That the exporter is the same one is not stated anywhere.
CVM_SERVICE: Final = "cvm.qcloud.com"
#: Our own policy: no preset for this is documented, and the presets that would do (`QcloudCOSDataFullControl`) let CVM
#: read and delete as well.
EXPORT_POLICY: Final = "ImgmoveExportToCOS"
EXPORT_ACTIONS: Final = (
    "name/cos:HeadBucket", "name/cos:GetBucket", "name/cos:PutObject", "name/cos:InitiateMultipartUpload",
    "name/cos:UploadPart", "name/cos:ListMultipartUploads", "name/cos:ListParts", "name/cos:CompleteMultipartUpload",
    "name/cos:AbortMultipartUpload",
)  # fmt: skip
_TRUST: Final[dict[str, Any]] = {
    "action": "name/sts:AssumeRole", "effect": "allow", "principal": {"service": [CVM_SERVICE]},
}  # fmt: skip

#: What the preset policies allow, for keys that may not read them: by the vendor's descriptions.
PRESETS: Final[dict[str, tuple[str, ...]]] = {
    "AdministratorAccess": ("*",),
    "QCloudResourceFullAccess": ("*",),
    "QcloudCOSFullAccess": ("cos:*",),
    "QcloudCOSDataFullControl": EXPORT_ACTIONS,
    "QcloudCOSDataWriteOnly": tuple(
        action for action in EXPORT_ACTIONS if not action.endswith(("HeadBucket", "GetBucket"))
    ),
}

_CONSOLE: Final = (
    "CVM console, Images, Export: consent to the role there; or CAM console, Roles, Create role, Tencent Cloud service, "
    "Cloud Virtual Machine, and attach a policy with these actions, or the preset QcloudCOSDataFullControl"
)


def service_roles(provider: str, role_names: dict[Operation, str]) -> tuple[ServiceRole, ...]:
    """CVM's exporter alone takes on a role: imports fetch a signed URL, and ECM has no roles."""
    if provider != CVM.provider:
        return ()
    return (export_role(role_names.get(Operation.EXPORT, "") or EXPORT_ROLE),)


def export_role(name: str = EXPORT_ROLE) -> ServiceRole:
    allowed = {"effect": "allow", "action": list(EXPORT_ACTIONS), "resource": ["*"]}
    return ServiceRole(
        provider=CVM.provider, operation=Operation.EXPORT, name=name, trusted_service=CVM_SERVICE,
        trust_policy=json.dumps({"version": VERSION, "statement": [_TRUST]}),
        policy_name=EXPORT_POLICY, policy=json.dumps({"version": VERSION, "statement": [allowed]}),
        policy_is_system=False, needed_actions=EXPORT_ACTIONS, description="lets CVM write exported images to COS",
        # the vendor states neither the principal nor the rights that its exporter uses
        is_confirmed=False, console=_CONSOLE, source="tencent.md 3.5",
    )  # fmt: skip


def trusts(services: tuple[str, ...], wanted: str) -> bool:
    """Is `wanted` among them, under any of the domains that the vendor gives its services?"""
    label = wanted.partition(".")[0]
    names = {wanted, *(f"{label}.{domain}" for domain in ("qcloud.com", "cloud.tencent.com", "tencentcloudapi.com"))}
    return any(service.lower() in names for service in services)
