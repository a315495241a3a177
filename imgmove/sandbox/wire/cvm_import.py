"""CVM's ImportImage and DescribeImportImageOs."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.cvm_checks import (
    TAG_SPECIFICATION,
    check_description,
    check_family,
    check_new_name,
    check_quota,
    is_dry_run,
    tags,
)
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct, invalid_value
from imgmove.sandbox.world.tencent_records import Image, ImportSource, Task
from imgmove.sandbox.world.tencent_rules import (
    BOOT_MODES,
    IMPORTABLE,
    LICENSE_TYPES,
    LINUX,
    SHOWN_ARCHITECTURES,
    WINDOWS,
)
from imgmove.sandbox.world.tencent_urls import ObjectUrl, UrlError, may_read, parse

PARAMETERS = Struct.of(
    {
        "Architecture": Scalar.STRING,
        "OsType": Scalar.STRING,
        "OsVersion": Scalar.STRING,
        "ImageUrl": Scalar.STRING,
        "ImageName": Scalar.STRING,
    },
    ImageDescription=Scalar.STRING,
    DryRun=Scalar.BOOLEAN,
    Force=Scalar.BOOLEAN,
    TagSpecification=TAG_SPECIFICATION,
    LicenseType=Scalar.STRING,
    BootMode=Scalar.STRING,
    ImageFamily=Scalar.STRING,
    ImportImageDataDiskList=ListOf(Struct.of({"ImageUrl": Scalar.STRING})),
)
MAX_DATA_DISKS = 20


def import_image(call: Call) -> dict[str, Any]:
    """Starts an import. What is wrong with the object itself shows later, as IMPORTFAILED without a reason."""
    _check_place(call)
    _check_system(call)
    check_new_name(call, call.text("ImageName"))
    check_description(call)
    check_family(call)
    image_tags = tags(call)
    urls = [call.text("ImageUrl"), *(disk["ImageUrl"] for disk in call.get("ImportImageDataDiskList", []))]
    if len(urls) > MAX_DATA_DISKS + 1:
        raise ApiError("InvalidParameterValue.LimitExceeded")
    for url in urls:
        _check_url(call, url)
    check_quota(call)
    if is_dry_run(call):
        return {}
    image = _start(call, urls, image_tags)
    return {"ImageId": image.image_id} if call.world.tencent.settings.import_returns_image_id else {}


def _check_place(call: Call) -> None:
    settings = call.world.tencent.settings
    if call.account.account_id in settings.restricted_accounts:
        raise ApiError("OperationDenied.InnerUserProhibitAction")
    if call.region in settings.import_closed_regions:
        raise ApiError("RegionAbilityLimit.UnsupportedToImportImage")


def _check_system(call: Call) -> None:
    os_type = call.text("OsType")
    if os_type not in IMPORTABLE:
        raise ApiError("InvalidImageOsType.Unsupported")
    versions, architectures = IMPORTABLE[os_type]
    if call.text("OsVersion") not in versions:
        raise ApiError("InvalidImageOsVersion.Unsupported")
    if call.text("Architecture") not in architectures:
        raise invalid_value("Architecture", call.text("Architecture"))
    if call.get("BootMode", BOOT_MODES[0]) not in BOOT_MODES:
        raise ApiError("InvalidParameterValue.InvalidBootMode")
    if call.get("LicenseType", LICENSE_TYPES[0]) not in LICENSE_TYPES:
        raise ApiError("InvalidParameterValue.InvalidLicenseType")


def _check_url(call: Call, url: str) -> None:
    parsed = cos_object(url)
    region = parsed.region
    if not region:
        bucket = call.world.objects.bucket("tencent", parsed.bucket)
        region = bucket.region if bucket else call.region
    if not may_read(call.region, region):
        raise ApiError("InvalidParameter.InvalidParameterUrlError")
    if parsed.key.lower().endswith(".iso") and not call.get("Force", False):
        raise ApiError("InvalidParameterValue.ISOMustImportByForce")


def cos_object(url: str) -> ObjectUrl:
    """The object that a URL names. Raises ApiError with the code for what is wrong with it."""
    try:
        return parse(url)
    except UrlError as error:
        if error.wrong_app_id:
            raise ApiError("InvalidParameterValue.InvalidAppIdFormat") from error
        raise ApiError("InvalidParameter.InvalidParameterUrlError", f"Invalid URL: {error}.") from error


def _start(call: Call, urls: list[str], image_tags: dict[str, str]) -> Image:
    tencent = call.world.tencent
    os_type, version = call.text("OsType"), call.text("OsVersion")
    architecture = call.text("Architecture")
    image = tencent.add_image(
        Image(
            image_id=tencent.new_id("img"),
            account_id=call.account.account_id,
            region=call.region,
            name=call.text("ImageName"),
            state="IMPORTING",
            source="EXTERNAL_IMPORT",
            description=call.text("ImageDescription"),
            os_name=os_name(os_type, version, architecture),
            platform=os_type.partition(" Server")[0] if os_type in WINDOWS else os_type,
            os_type=os_type,
            os_version=version,
            architecture=SHOWN_ARCHITECTURES.get(architecture, architecture),
            size_gib=0,
            created=call.world.clock.wall(),
            tags=image_tags,
            license_type=call.get("LicenseType", LICENSE_TYPES[0]),
            boot_mode=call.get("BootMode", BOOT_MODES[0]),
            family=call.text("ImageFamily"),
            cloudinit=not call.get("Force", False),
            visible_from=call.world.clock.now() + tencent.settings.visible_after_seconds,
        )
    )
    fetch = ImportSource(urls, forced=call.get("Force", False), boot_mode=image.boot_mode)
    task = Task(0, "cvm", call.action, image.account_id, call.region, 0, 0, 0, image_ids=[image.image_id], fetch=fetch)
    tencent.start(task, tencent.settings.import_seconds)
    return image


def os_name(os_type: str, version: str, architecture: str) -> str:
    """The OsName of an imported image, in the way that the vendor names its own: "Debian 12 64bit"."""
    name = os_type if version == "-" else f"{os_type} {version}"
    return f"{name} {'32bit' if architecture == 'i386' else '64bit'}"


def describe_import_image_os(_: Call) -> dict[str, Any]:
    """The systems that can be imported."""
    return importable_systems()


def importable_systems() -> dict[str, Any]:
    """The answer of DescribeImportImageOs, which CVM and ECM share."""
    return {
        "ImportImageOsListSupported": {"Windows": list(WINDOWS), "Linux": list(LINUX)},
        "ImportImageOsVersionSet": [
            {"OsName": name, "OsVersions": list(versions), "Architecture": list(architectures)}
            for name, (versions, architectures) in IMPORTABLE.items()
        ],
    }
