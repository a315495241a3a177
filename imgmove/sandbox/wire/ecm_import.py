"""ECM's two imports: ImportImage from a CVM image, ImportCustomImage from objects in COS."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.cvm_checks import image_type
from imgmove.sandbox.wire.cvm_import import os_name
from imgmove.sandbox.wire.ecm_checks import check_image_id, check_new_image, own_images
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct, invalid_value
from imgmove.sandbox.world.tencent_records import DiskSource, Image, ImportSource, Snapshot, SourceImage, Task
from imgmove.sandbox.world.tencent_rules import IMPORTABLE, REGIONS, SHOWN_ARCHITECTURES
from imgmove.sandbox.world.tencent_urls import UrlError, parse

IMAGE_PARAMETERS = Struct.of(
    {"ImageId": Scalar.STRING, "ImageDescription": Scalar.STRING, "SourceRegion": Scalar.STRING}
)
CUSTOM_PARAMETERS = Struct.of(
    {
        "ImageName": Scalar.STRING,
        "Architecture": Scalar.STRING,
        "OsType": Scalar.STRING,
        "OsVersion": Scalar.STRING,
    },
    ImageDescription=Scalar.STRING,
    InitFlag=Scalar.STRING,
    ImageUrls=ListOf(Struct.of({"ImageFile": Scalar.STRING})),
)
ARCHITECTURES = ("x86_64", "i386")
INIT_FLAGS = ("cloudinit", "nbd")
MAX_LAYERS = 10


# From CVM


def import_image(call: Call) -> dict[str, Any]:
    """Copies a custom image of CVM. The answer is a RequestId and nothing else (tencent.md 1.5)."""
    image = _cvm_image(call)
    if any(
        (own.origin.image_id, own.origin.region) == (image.image_id, image.region) and own.state != "CREATEFAILED"
        for own in own_images(call)
    ):
        raise ApiError("InvalidParameterValue.ImageDuplicate")
    snapshot = call.world.tencent.snapshots_of(image)[0]
    if snapshot.size_gib > call.world.tencent.settings.ecm_max_image_gib:
        raise ApiError("InvalidParameterValue.ImageSizeLargeThanSysDiskSize")
    check_new_image(call, image.name)
    _start_copy(call, image, snapshot)
    return {}


def _cvm_image(call: Call) -> Image:
    region = call.text("SourceRegion")
    if region not in REGIONS:
        raise ApiError("InvalidParameterValue.UnsupportedRegion")
    check_image_id(call.text("ImageId"))
    tencent = call.world.tencent
    image = tencent.image("cvm", region, call.text("ImageId"))
    if image is None or image_type(image, call.account) != "PRIVATE_IMAGE":
        raise ApiError("InvalidParameterValue.InvalidImageID")
    if image.state != "NORMAL" or not tencent.snapshots_of(image):
        raise ApiError("InvalidParameterValue.InvalidImageID", "The image is not in a state to be imported.")
    if "windows" in image.platform.lower():
        raise ApiError("UnauthorizedOperation.WindowsImage")
    return image


def _start_copy(call: Call, source: Image, snapshot: Snapshot) -> None:
    tencent = call.world.tencent
    keeps_id = tencent.settings.ecm_keeps_image_id and tencent.image("ecm", "", source.image_id) is None
    image = tencent.add_image(
        Image(
            image_id=source.image_id if keeps_id else tencent.new_id("img"),
            account_id=call.account.account_id,
            region="",
            service="ecm",
            name=source.name,
            state="SYNCING",
            description=call.text("ImageDescription"),
            os_name=source.os_name,
            platform=source.platform,
            os_type=source.os_type or source.platform,
            os_version=source.os_version or source.os_name,
            architecture=source.architecture,
            size_gib=snapshot.size_gib,
            created=call.world.clock.wall(),
            cloudinit=source.cloudinit,
            visible_from=call.world.clock.now() + tencent.settings.visible_after_seconds,
            origin=SourceImage(
                image_id=source.image_id,
                image_name=source.name,
                os_name=source.os_name,
                description=source.description,
                region=source.region,
                image_type="PRIVATE_IMAGE",
            ),
        )
    )
    disk = DiskSource(snapshot.blob, tencent.new_id("snap"), snapshot.usage, snapshot.size_gib)
    task = Task(0, "ecm", call.action, image.account_id, "", 0, 0, 0, image_ids=[image.image_id], disks=[disk])
    tencent.start(task, tencent.settings.ecm_import_seconds)


# From COS


def import_custom_image(call: Call) -> dict[str, Any]:
    """Imports one object, or several as layers. The task's id is a number here."""
    _check_system(call)
    urls: list[str] = [each["ImageFile"] for each in call.get("ImageUrls", [])]
    if not urls:
        raise ApiError("MissingParameter.MissingImageParameter")
    if len(urls) > MAX_LAYERS:
        raise ApiError("InvalidParameterValue.ParameterValueTooLarge")
    for url in urls:
        _check_url(url)
    check_new_image(call, call.text("ImageName"))
    task = _start_import(call, urls)
    return {"ImageId": task.image_ids[0], "TaskId": task.task_id}


def _check_system(call: Call) -> None:
    if call.text("Architecture") not in ARCHITECTURES:
        raise ApiError("InvalidParameterValue.InvalidImageArchitecture")
    os_type = call.text("OsType")
    if os_type not in IMPORTABLE:
        raise invalid_value("OsType", os_type)
    if call.text("OsVersion") not in IMPORTABLE[os_type][0]:
        raise invalid_value("OsVersion", call.text("OsVersion"))
    if call.get("InitFlag", INIT_FLAGS[0]) not in INIT_FLAGS:
        raise invalid_value("InitFlag", call.get("InitFlag"))


def _check_url(url: str) -> None:
    try:
        parse(url)
    except UrlError as error:
        raise invalid_value("ImageUrls.ImageFile", url) from error


def _start_import(call: Call, urls: list[str]) -> Task:
    tencent = call.world.tencent
    os_type, version, architecture = call.text("OsType"), call.text("OsVersion"), call.text("Architecture")
    image = tencent.add_image(
        Image(
            image_id=tencent.new_id("img"),
            account_id=call.account.account_id,
            region="",
            service="ecm",
            name=call.text("ImageName"),
            state="IMPORTING",
            source="EXTERNAL_IMPORT",
            description=call.text("ImageDescription"),
            os_name=os_name(os_type, version, architecture),
            platform=os_type,
            os_type=os_type,
            os_version=version,
            architecture=SHOWN_ARCHITECTURES.get(architecture, architecture),
            size_gib=0,
            created=call.world.clock.wall(),
            cloudinit=call.get("InitFlag", INIT_FLAGS[0]) == "cloudinit",
            visible_from=call.world.clock.now() + tencent.settings.visible_after_seconds,
        )
    )
    fetch = ImportSource(urls, layered=True, forced=not image.cloudinit)
    task = Task(0, "ecm", call.action, image.account_id, "", 0, 0, 0, image_ids=[image.image_id], fetch=fetch)
    return tencent.start(task, tencent.settings.ecm_import_seconds)
