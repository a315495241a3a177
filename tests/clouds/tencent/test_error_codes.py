"""Every code of the vendor's pages and tables has a kind, a meaning and a hint; unknown ones fall by their form."""

from __future__ import annotations

import pytest
from tencentcloud.cam.v20190116 import errorcodes

from imgmove.clouds.tencent import cloud
from imgmove.clouds.tencent.error_codes import ROWS, kind_of, row_of
from imgmove.clouds.tencent.import_failures import IMPORT_FAILURES
from imgmove.core.errors import EXIT_CODES, Kind

#: Exit code to the codes of the vendor's pages for ExportImages, ImportImage and ECM's CreateImage.
PAGES = {
    ("CVM", 3): """
        AuthFailure.CamRoleNameAuthenticateFailed InvalidParameterValue.InvalidBucketPermissionForExport
        OperationDenied.InnerUserProhibitAction""",
    ("CVM", 4): """
        InvalidImageId.Malformed InvalidImageId.NotFound InvalidParameter.ImageIdsSnapshotIdsMustOne
        InvalidParameter.SnapshotNotFound InvalidParameterValue.BucketNotFound InvalidParameterValue.InvalidAppIdFormat
        InvalidParameterValue.InvalidFileNamePrefixList InvalidParameterValue.InvalidImageId
        InvalidParameterValue.InvalidImageOsName InvalidParameterValue.InvalidImageState
        InvalidParameterValue.LimitExceeded InvalidParameterValue.TooLarge
        UnsupportedOperation.EncryptedImagesNotSupported UnsupportedOperation.ImageTooLargeExportUnsupported
        UnsupportedOperation.MarketImageExportUnsupported UnsupportedOperation.PublicImageExportUnsupported
        UnsupportedOperation.RedHatImageExportUnsupported UnsupportedOperation.SharedImageExportUnsupported
        UnsupportedOperation.WindowsImageExportUnsupported InvalidImageName.Duplicate InvalidImageOsType.Unsupported
        InvalidImageOsVersion.Unsupported InvalidParameter.InvalidParameterUrlError
        InvalidParameterValue.ISOMustImportByForce InvalidParameterValue.InvalidBootMode
        InvalidParameterValue.InvalidImageFamily InvalidParameterValue.InvalidLicenseType
        InvalidParameterValue.TagKeyNotFound RegionAbilityLimit.UnsupportedToImportImage""",
    ("CVM", 5): "LimitExceeded.ExportImageTaskLimitExceeded ImageQuotaLimitExceeded",
    ("ECM", 1): "FailedOperation.InternalOperationFailure",
    ("ECM", 3): "UnauthorizedOperation.ForbiddenOperation",
    ("ECM", 4): """
        FailedOperation.InstanceNotAllStopped InvalidParameter InvalidParameter.InvalidDataFormat
        InvalidParameterValue.ImageNameDuplicate InvalidParameterValue.InvalidInstanceID MissingParameter
        MissingParameter.MissingImageParameter UnsupportedOperation UnsupportedOperation.InstanceIdNotFound
        UnsupportedOperation.InstanceIdNotSupported UnsupportedOperation.InvalidInstanceState""",
    ("ECM", 5): "ResourceInsufficient.InvaildPrivateImageNum",
}  # fmt: skip
CASES = [(service, code, exit_code) for (service, exit_code), codes in PAGES.items() for code in codes.split()]

#: The vendor facts' further codes (7.2, and 6 for COS).
OTHERS = {
    "CVM": """
        AuthFailure.SecretIdNotFound AuthFailure.SignatureFailure AuthFailure.SignatureExpire AuthFailure.TokenFailure
        AuthFailure.InvalidAuthorization AuthFailure.InvalidSecretId AuthFailure.MFAFailure
        AuthFailure.UnauthorizedOperation RequestLimitExceeded RequestLimitExceeded.UinLimitExceeded
        RequestLimitExceeded.GlobalRegionUinLimitExceeded InternalError ResourceInUse UnsupportedRegion NoSuchVersion
        ActionOffline FailedOperation.InvalidImageState InvalidImageId.InShared InvalidImageId.IncorrectState
        InvalidImageId.TooLarge InvalidParameter.InvalidParameterCoexistImageIdsFilters InvalidFilterValue.LimitExceeded
        MutexOperation.TaskRunning OperationDenied.InstanceOperationInProgress InvalidInstance.NotSupported
        InvalidParameterValue.CamRoleNameMalformed InvalidParameterValue.InvalidImageFormat
        InvalidParameterValue.MissingLocationCosEndpoint UnauthorizedOperation.ImageNotBelongToAccount
        UnauthorizedOperation.InvalidToken UnauthorizedOperation.PermissionDenied UnauthorizedOperation.MFAExpired
        ResourceUnavailable.SnapshotCreating""",
    "ECM": """
        InvalidParameterValue.ImageDuplicate InvalidParameterValue.TaskNotFound InvalidParameterValue.InvalidImageID
        InvalidParameterValue.InvalidImageArchitecture InvalidParameterValue.ImageSizeLargeThanSysDiskSize
        FailedOperation.ImageInUse FailedOperation.OperationConflict UnauthorizedOperation.WindowsImage
        UnsupportedOperation.MutexOperationTaskRunning UnsupportedOperation.InstanceTypeNotSupportImage""",
    "COS": """
        RequestTimeout UserNetworkTooSlow IncompleteBody EntitySizeNotMatch BadDigest ExpiredToken PaymentRequired
        AccessDenied InvalidAccessKeyId SignatureDoesNotMatch RequestTimeTooSkewed InvalidObjectState NoSuchBucket
        NoSuchKey NoSuchUpload PathConflict UploadConflict PreconditionFailed InvalidRange TooManyRequests
        UnavailableForLegalReasons InternalError ServiceUnavailable SlowDown EntityTooSmall InvalidPart
        InvalidPartOrder InvalidDigest""",
}


@pytest.mark.parametrize(("service", "code", "exit_code"), CASES, ids=lambda value: str(value))
def test_the_codes_of_the_vendors_pages(service: str, code: str, exit_code: int) -> None:
    row = row_of(service, code)
    assert row is not None
    assert row.service == service
    assert EXIT_CODES[Kind(row.kind)] == exit_code
    assert kind_of(service, code, 200) is Kind(row.kind)


OTHER_CASES = [(service, code) for service, text in OTHERS.items() for code in text.split()]


@pytest.mark.parametrize(("service", "code"), OTHER_CASES)
def test_the_codes_of_the_tables(service: str, code: str) -> None:
    assert row_of(service, code) is not None


def test_the_codes_of_cam_are_the_sdks() -> None:
    rows = {row.code: Kind(row.kind) for row in ROWS if row.service == "CAM"}
    assert set(rows) <= {value for value in vars(errorcodes).values() if isinstance(value, str)}
    assert rows["InvalidParameter.RoleNotExist"] is Kind.NOT_FOUND
    assert rows["InvalidParameter.RoleNameInUse"] is rows["FailedOperation.PolicyNameInUse"] is Kind.EXISTS


def test_rows_are_whole_and_unique() -> None:
    assert len({(row.service, row.code) for row in ROWS}) == len(ROWS)
    for row in cloud.error_table():
        assert row.meaning
        assert row.hint
        assert row.source
        assert Kind(row.kind)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AuthFailure.New", 200, Kind.DENIED),
        ("UnauthorizedOperation.New", 200, Kind.DENIED),
        ("RequestLimitExceeded.New", 200, Kind.THROTTLED),
        ("LimitExceeded.New", 200, Kind.QUOTA),
        ("NewQuotaExceeded", 200, Kind.QUOTA),
        ("InternalError.New", 200, Kind.UNAVAILABLE),
        ("InvalidParameterValue.NewDuplicate", 200, Kind.EXISTS),
        ("InvalidParameterValue.NewNotFound", 200, Kind.NOT_FOUND),
        ("UnsupportedOperation.New", 200, Kind.UNSUPPORTED),
        ("ResourceInUse.New", 200, Kind.CONFLICT),
        ("FailedOperation.New", 200, Kind.CONFLICT),
        ("InvalidParameter.New", 200, Kind.INVALID),
        ("MissingParameter.New", 200, Kind.INVALID),
        ("Strange", 200, Kind.INVALID),
        ("Strange", 503, Kind.UNAVAILABLE),
        ("Strange", 403, Kind.DENIED),
    ],
)
def test_unknown_codes_fall_by_their_form(code: str, status: int, kind: Kind) -> None:
    assert kind_of("CVM", code, status) is kind


def test_cos_codes_have_no_forms() -> None:
    assert kind_of("COS", "InvalidNew", 409) is Kind.CONFLICT
    assert row_of("COS", "RequestLimitExceeded") is None


def test_the_reasons_of_failed_imports() -> None:
    assert {item.code for item in IMPORT_FAILURES} == {
        "InvalidUrl", "InvalidFormatSize", "VirtioNotInstall", "PartitionNotPresent", "CloudInitNotInstalled",
        "RootPartitionNotFound", "InternalError",
    }  # fmt: skip
