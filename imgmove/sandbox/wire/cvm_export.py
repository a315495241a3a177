"""CVM's ExportImages: every precondition of the vendor's page, then the task."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from imgmove.sandbox.wire.cvm_checks import find_image, image_type, is_dry_run
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import STRINGS, Scalar, Struct
from imgmove.sandbox.world.object_records import Bucket
from imgmove.sandbox.world.tencent_policy import cos_resource, may_write, service_role
from imgmove.sandbox.world.tencent_records import SYSTEM_DISK, Export, ExportedFile, Image, Snapshot, Task
from imgmove.sandbox.world.tencent_rules import (
    EXPORT_FORMATS,
    EXPORT_ROLE,
    MAX_EXPORT_DISK_GIB,
    MAX_EXPORT_IMAGES,
    MAX_KEY_BYTES,
)

PARAMETERS = Struct.of(
    {"BucketName": Scalar.STRING},
    ImageIds=STRINGS,
    ExportFormat=Scalar.STRING,
    FileNamePrefixList=STRINGS,
    OnlyExportRootDisk=Scalar.BOOLEAN,
    DryRun=Scalar.BOOLEAN,
    RoleName=Scalar.STRING,
)

_ROLE_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,128}")
_WITH_APP_ID = re.compile(r"[a-z0-9][a-z0-9-]*-(?P<app_id>\d{5,})")


def export_images(call: Call) -> dict[str, Any]:
    """Starts one task for all images; answers its id and the paths that the objects will have."""
    image_ids = _image_ids(call)
    disk_format = call.get("ExportFormat", "RAW")
    if disk_format not in EXPORT_FORMATS:
        raise ApiError("InvalidParameterValue.InvalidImageFormat")
    prefixes = _prefixes(call, len(image_ids))
    images = [find_image(call, image_id) for image_id in image_ids]
    for image in images:
        _check_exportable(call, image)
    bucket = _bucket(call)
    _check_role(call, bucket)
    for image in images:
        _check_idle(call, image)
    if len(call.world.tencent.running("cvm", "ExportImages", call.account.account_id)) >= _limit(call):
        raise ApiError("LimitExceeded.ExportImageTaskLimitExceeded")
    files = _files(call, list(zip(images, prefixes, strict=True)), disk_format)
    if is_dry_run(call):
        return {}
    return _start(call, images, Export(bucket.name, disk_format.lower(), files))


def _start(call: Call, images: list[Image], export: Export) -> dict[str, Any]:
    tencent = call.world.tencent
    task = tencent.start(
        Task(0, "cvm", call.action, call.account.account_id, call.region, 0, 0, 0,
             image_ids=[image.image_id for image in images], export=export),
        tencent.settings.export_seconds,
    )  # fmt: skip
    if tencent.settings.export_shows_exporting:
        for image in images:
            image.move("EXPORTING")
    return {"TaskId": task.task_id, "CosPaths": [f"/{file.key}" for file in export.files]}


def _image_ids(call: Call) -> list[str]:
    image_ids: list[str] = call.get("ImageIds", [])
    if not image_ids:
        raise ApiError("InvalidParameter.ImageIdsSnapshotIdsMustOne")
    if len(image_ids) > MAX_EXPORT_IMAGES:
        raise ApiError("InvalidParameterValue.LimitExceeded")
    if len(set(image_ids)) < len(image_ids):
        raise ApiError("InvalidParameterValue.InvalidImageId", "An image is named more than once.")
    return image_ids


def _prefixes(call: Call, count: int) -> list[str]:
    prefixes: list[str] = call.get("FileNamePrefixList", [])
    if prefixes and len(prefixes) != count:
        raise ApiError("InvalidParameterValue.InvalidFileNamePrefixList")
    return prefixes or [""] * count


Rule = tuple[str, Callable[[Call, Image, list[Snapshot]], bool]]

REFUSALS: tuple[Rule, ...] = (
    (
        "UnsupportedOperation.SharedImageExportUnsupported",
        lambda call, image, _: image_type(image, call.account) == "SHARED_IMAGE",
    ),
    (
        "UnsupportedOperation.PublicImageExportUnsupported",
        lambda call, image, _: image_type(image, call.account) == "PUBLIC_IMAGE",
    ),
    ("UnsupportedOperation.MarketImageExportUnsupported", lambda _, image, __: image.from_market),
    ("UnsupportedOperation.WindowsImageExportUnsupported", lambda _, image, __: "windows" in image.platform.lower()),
    (
        "UnsupportedOperation.RedHatImageExportUnsupported",
        lambda _, image, __: image.platform.lower().replace(" ", "") in ("redhat", "rhel"),
    ),
    (
        "InvalidParameterValue.InvalidImageOsName",
        lambda call, image, _: image.os_name in call.world.tencent.settings.unavailable_os.get(call.region, []),
    ),
    ("InvalidParameterValue.InvalidImageId", lambda _, image, __: not image.snapshot_ids),
    (
        "InvalidParameter.SnapshotNotFound",
        lambda _, image, snapshots: len(snapshots) < len(image.snapshot_ids),
    ),
    (
        "UnsupportedOperation.EncryptedImagesNotSupported",
        lambda _, __, snapshots: any(snapshot.encrypted for snapshot in snapshots),
    ),
    (
        "UnsupportedOperation.ImageTooLargeExportUnsupported",
        lambda call, _, snapshots: any(
            snapshot.size_gib > MAX_EXPORT_DISK_GIB for snapshot in _wanted(call, snapshots)
        ),
    ),
)
"""What an image must not be, with the code that says so, in the order in which they are looked at."""


def _check_exportable(call: Call, image: Image) -> None:
    snapshots = call.world.tencent.snapshots_of(image)
    for code, applies in REFUSALS:
        if applies(call, image, snapshots):
            raise ApiError(code)


def _wanted(call: Call, snapshots: list[Snapshot]) -> list[Snapshot]:
    only_root = call.get("OnlyExportRootDisk", False)
    return [snapshot for snapshot in snapshots if not only_root or snapshot.usage == SYSTEM_DISK]


def _check_idle(call: Call, image: Image) -> None:
    if image.state != "NORMAL" or call.world.tencent.is_exported(image):
        raise ApiError("InvalidParameterValue.InvalidImageState")


def _limit(call: Call) -> int:
    return call.world.tencent.settings.concurrent_exports


def _bucket(call: Call) -> Bucket:
    name = call.text("BucketName")
    match = _WITH_APP_ID.fullmatch(name)
    if match is None or match["app_id"] != call.account.app_id:
        raise ApiError("InvalidParameterValue.InvalidAppIdFormat")
    bucket = call.world.objects.bucket("tencent", name)
    if bucket is None or bucket.region != call.region:
        raise ApiError("InvalidParameterValue.BucketNotFound")
    return bucket


def _check_role(call: Call, bucket: Bucket) -> None:
    name = call.get("RoleName", EXPORT_ROLE)
    if not _ROLE_NAME.fullmatch(name):
        raise ApiError("InvalidParameterValue.CamRoleNameMalformed")
    role = service_role(call.world, call.account.account_id, name)
    if role is None:
        raise ApiError("AuthFailure.CamRoleNameAuthenticateFailed")
    if not may_write(call.world, role, cos_resource(bucket.region, call.account.app_id, bucket.name)):
        raise ApiError("InvalidParameterValue.InvalidBucketPermissionForExport")


def _files(call: Call, images: list[tuple[Image, str]], disk_format: str) -> list[ExportedFile]:
    """System disk `[prefix_]<image>_system_<snapshot>.<format>`, data disk `…_data_…` (tencent.md 1.1)."""
    files = []
    for image, prefix in images:
        for snapshot in _wanted(call, call.world.tencent.snapshots_of(image)):
            usage = "system" if snapshot.usage == SYSTEM_DISK else "data"
            name = f"{image.image_id}_{usage}_{snapshot.snapshot_id}.{disk_format.lower()}"
            key = f"{prefix}_{name}" if prefix else name
            if len(key.encode()) > MAX_KEY_BYTES:
                raise ApiError("InvalidParameterValue.TooLarge", "The file name would be too long.")
            files.append(ExportedFile(snapshot.snapshot_id, key))
    return files
