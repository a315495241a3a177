"""The table of codes: whole, without contradictions, and with something to do for each."""

from __future__ import annotations

import pytest

from imgmove.clouds.alibaba import cloud
from imgmove.clouds.alibaba.error_codes import kind_of, row_of
from imgmove.core.errors import EXIT_CODES, Kind

#: Every code of the vendor's two pages of ExportImage, and the exit code that an operator gets.
EXPORT_PAGES = {
    "MissingParameter": 4, "InvalidImageName.Malformed": 4, "InvalidOSSPrefix.Malformed": 4,
    "InvalidRegionId.NotFound": 4, "InvalidRegion.NotSupport": 4, "InvalidImageId.NotFound": 4,
    "IncorrectImageStatus": 4, "ImageNotSupported": 4, "InvalidImageFormat.Malformed": 4, "ImageIsExporting": 4,
    "ExportImageFailed": 1, "UserNotInTheWhiteList": 3, "NoSetRoletoECSServiceAcount": 3,
    "InvalidOSSBucket.NotFound": 4, "OperationDenied": 4, "InvalidImage.DiskAmountOrSize": 4,
    "InvalidOSSBucket.NotMatched": 4, "ConcurrentQuotaExceed.ExportImage": 5, "WeeklyQuotaExceed.ExportImage": 5,
    "InvalidImageLicense.NotSupported": 4, "Forbidden": 3, "OssBucket.NotFound": 4, "OssPrefix.Malformed": 4,
    "RegionId.NotFound": 4, "ImageId.NotFound": 4, "OperationDenied.ImageExporting": 4,
}  # fmt: skip


@pytest.mark.parametrize(("code", "exit_code"), EXPORT_PAGES.items())
def test_codes_of_the_vendors_pages(code: str, exit_code: int) -> None:
    row = row_of("ECS", code)
    assert row is not None
    assert EXIT_CODES[Kind(row.kind)] == exit_code


def test_every_row_says_what_to_do_and_is_there_once() -> None:
    rows = cloud.error_table()
    assert len({(row.service, row.code) for row in rows}) == len(rows)
    for row in rows:
        assert row.meaning
        assert row.hint
        assert row.source
        assert row.service in {"ECS", "OSS", "ALIBABA_STS", "RAM"}
        assert Kind(row.kind)


@pytest.mark.parametrize(
    ("service", "code", "status", "kind"),
    [
        ("ECS", "Throttling.SomethingNew", 400, Kind.THROTTLED),
        ("ECS", "QuotaExceed.SomethingNew", 403, Kind.QUOTA),
        ("ECS", "InvalidSecurityToken.SomethingNew", 403, Kind.DENIED),
        ("ECS", "InvalidSomething.NotFound", 404, Kind.NOT_FOUND),
        ("ECS", "InvalidSomething.Duplicated", 400, Kind.EXISTS),
        ("ECS", "InvalidSomething.NotSupported", 400, Kind.UNSUPPORTED),
        ("ECS", "IncorrectSomethingStatus", 403, Kind.CONFLICT),
        ("ECS", "OperationDenied.SomethingNew", 403, Kind.CONFLICT),
        ("ECS", "Whatever", 403, Kind.DENIED),
        ("ECS", "Whatever", 429, Kind.THROTTLED),
        ("ECS", "Whatever", 502, Kind.UNAVAILABLE),
        ("ECS", "Whatever", 400, Kind.INVALID),
        ("ALIBABA_STS", "Throttling.User", 400, Kind.THROTTLED),
        ("RAM", "EntityAlreadyExists.Role", 409, Kind.EXISTS),
        ("RAM", "EntityAlreadyExists.Something", 409, Kind.EXISTS),
        ("RAM", "EntityNotExist.Something", 404, Kind.NOT_FOUND),
        ("RAM", "LimitExceeded.Role", 409, Kind.QUOTA),
        ("RAM", "NoPermission", 403, Kind.DENIED),
        ("RAM", "InvalidAccessKeyId.NotFound", 404, Kind.DENIED),
        ("OSS", "Forbidden", 403, Kind.DENIED),
        ("OSS", "AuthorizationSomething", 400, Kind.DENIED),
    ],
)
def test_codes_that_nobody_wrote_down(service: str, code: str, status: int, kind: Kind) -> None:
    assert kind_of(service, code, status) is kind
