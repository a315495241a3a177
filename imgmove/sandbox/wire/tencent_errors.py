"""Errors of the Tencent API: the exception that handlers raise, and the vendor's text for every code they use."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """Ends the handling of a request with `Response.Error`; without a message, with the vendor's text for it."""

    def __init__(self, code: str, message: str | None = None) -> None:
        self.code = code
        self.message = message or MESSAGES.get(code, code)
        super().__init__(f"{code}: {self.message}")


COMMON: Mapping[str, str] = {
    "ActionOffline": "This API has been taken offline.",
    "AuthFailure.InvalidAuthorization": "The `Authorization` in the request header is invalid.",
    "AuthFailure.InvalidSecretId": "The SecretId is invalid: it is not a TencentCloud API key.",
    "AuthFailure.SecretIdNotFound": "The SecretId is not found, please ensure that your SecretId is correct.",
    "AuthFailure.SignatureExpire": (
        "The provided credentials could not be validated because of an expired signature: the timestamp and the "
        "server time may not differ by more than five minutes."
    ),
    "AuthFailure.SignatureFailure": (
        "The provided credentials could not be validated. Please check your signature is correct."
    ),
    "AuthFailure.TokenFailure": "The provided token is invalid or has expired.",
    "AuthFailure.UnauthorizedOperation": "The request is not authorized. Please check your CAM policies.",
    "DryRunOperation": "The request would have succeeded, but the DryRun parameter was used.",
    "InternalError": "An internal error has occurred. Retry your request.",
    "InvalidAction": "The request action is invalid or not found.",
    "NoSuchVersion": "The API version does not exist.",
    "RequestSizeLimitExceeded": "The request packet exceeds the size limit.",
    "RequestLimitExceeded": "The request frequency limit has been exceeded. Please reduce the frequency of calls.",
    "UnsupportedProtocol": "The HTTP(S) request protocol is not supported: only GET and POST requests are.",
    "UnsupportedRegion": "The API does not support the requested region.",
}

CVM: Mapping[str, str] = {
    "AuthFailure.CamRoleNameAuthenticateFailed": "Role name authentication failed.",
    "ImageQuotaLimitExceeded": "The image quota has been exceeded.",
    "InvalidFilter": "Invalid filter.",
    "InvalidFilterValue.LimitExceeded": "The value of `Filter` exceeds the limit.",
    "InvalidImageId.InShared": "The image is being shared.",
    "InvalidImageId.IncorrectState": "Invalid image status.",
    "InvalidImageId.Malformed": "Invalid image ID format.",
    "InvalidImageId.NotFound": "The image cannot be found.",
    "InvalidImageId.TooLarge": "The image size exceeds the limit.",
    "InvalidImageName.Duplicate": "The specified image name already exists.",
    "InvalidImageOsType.Unsupported": "The operating system type is not supported.",
    "InvalidImageOsVersion.Unsupported": "The operating system version is not supported.",
    "InvalidInstance.NotSupported": "This instance is not supported.",
    "InvalidInstanceId.Malformed": "Invalid instance `ID`. The specified instance `ID` has an invalid format.",
    "InvalidInstanceId.NotFound": "No instance found.",
    "InvalidInstanceType.Malformed": "The specified InstanceType parameter has an invalid format.",
    "InvalidParameter.DataDiskIdContainsRootDisk": "DataDiskIds cannot contain the system disk.",
    "InvalidParameter.DataDiskNotBelongSpecifiedInstance": (
        "The specified data disk does not belong to the specified instance."
    ),
    "InvalidParameter.DuplicateSystemSnapshots": "Only one system disk snapshot can be included.",
    "InvalidParameter.ImageIdsSnapshotIdsMustOne": "Either ImageIds or SnapshotIds must be specified.",
    "InvalidParameter.InvalidDependence": "Invalid parameter dependency.",
    "InvalidParameter.InvalidParameterCoexistImageIdsFilters": (
        "`ImageIds` and `Filters` cannot be specified at the same time."
    ),
    "InvalidParameter.InvalidParameterUrlError": "Invalid URL.",
    "InvalidParameter.LocalDataDiskNotSupport": "Local data disks cannot be used to create instance images.",
    "InvalidParameter.SnapshotNotFound": "The specified snapshot does not exist.",
    "InvalidParameter.SpecifyOneParameter": "At least one of the multiple parameters must be passed in.",
    "InvalidParameter.SystemSnapshotNotFound": "The snapshot of the system disk is missing.",
    "InvalidParameterValue.BucketNotFound": "The bucket does not exist.",
    "InvalidParameterValue.CamRoleNameMalformed": "The format of the CAM role name is invalid.",
    "InvalidParameterValue.ISOMustImportByForce": "ISO files must be imported by force.",
    "InvalidParameterValue.InvalidAppIdFormat": "Invalid AppID",
    "InvalidParameterValue.InvalidBootMode": "Unsupported boot mode.",
    "InvalidParameterValue.InvalidBucketPermissionForExport": ("You don't have the write permission to the bucket."),
    "InvalidParameterValue.InvalidFileNamePrefixList": (
        "The length of FileNamePrefixList does not match ImageIds or SnapshotIds."
    ),
    "InvalidParameterValue.InvalidImageFamily": "Invalid format of image family name",
    "InvalidParameterValue.InvalidImageFormat": "The specified image format is not supported.",
    "InvalidParameterValue.InvalidImageId": "The image does not support this operation.",
    "InvalidParameterValue.InvalidImageIdIsShared": "The image is a shared image of another account.",
    "InvalidParameterValue.InvalidImageOsName": (
        "The operating system of the specified image is not available in the current region."
    ),
    "InvalidParameterValue.InvalidImageState": (
        "The image has another ongoing task. Please check and try again later."
    ),
    "InvalidParameterValue.InvalidLicenseType": "Invalid license type.",
    "InvalidParameterValue.InvalidParameterValueLimit": "Invalid parameter value: `Limit`.",
    "InvalidParameterValue.InvalidRegion": "The specified region is not supported.",
    "InvalidParameterValue.LimitExceeded": "The number of parameter values exceeds the limit.",
    "InvalidParameterValue.TagKeyNotFound": "The specified tag does not exist",
    "InvalidParameterValue.TooLarge": "The parameter value exceeds the maximum limit.",
    "InvalidParameterConflict": "The parameters cannot be given together.",
    "LimitExceeded.ExportImageTaskLimitExceeded": (
        "The number of image export tasks in progress reached the upper limit. "
        "Please try again after the running tasks are completed."
    ),
    "MutexOperation.TaskRunning": "Another task is running on the resource.",
    "OperationDenied.InnerUserProhibitAction": "Operation denied: This is a restricted account.",
    "OperationDenied.InstanceOperationInProgress": "The instance has another operation in progress.",
    "RegionAbilityLimit.UnsupportedToImportImage": "This region does not support importing images.",
    "ResourceUnavailable.SnapshotCreating": "The snapshot is being created.",
    "UnauthorizedOperation.ImageNotBelongToAccount": "The image does not belong to your account.",
    "UnsupportedOperation.EncryptedImagesNotSupported": "Encrypted images are not supported.",
    "UnsupportedOperation.ImageTooLargeExportUnsupported": "Failed to export the image: The image is too large.",
    "UnsupportedOperation.InstanceStateLaunchFailed": "The instance failed to launch.",
    "UnsupportedOperation.InstanceStatePending": "The instance is being created.",
    "UnsupportedOperation.InstanceStateRebooting": "The instance is restarting.",
    "UnsupportedOperation.InstanceStateShutdown": "The instance is isolated.",
    "UnsupportedOperation.InstanceStateStarting": "The instance is starting up.",
    "UnsupportedOperation.InstanceStateStopping": "The instance is being shut down.",
    "UnsupportedOperation.InstanceStateTerminating": "The instance is being terminated.",
    "UnsupportedOperation.MarketImageExportUnsupported": (
        "The custom images created with the market images cannot be exported."
    ),
    "UnsupportedOperation.PublicImageExportUnsupported": "Public images and market images cannot be exported.",
    "UnsupportedOperation.RedHatImageExportUnsupported": "The RedHat image cannot be exported.",
    "UnsupportedOperation.Region": "This operation is not supported in the region.",
    "UnsupportedOperation.SharedImageExportUnsupported": "Shared images cannot be exported.",
    "UnsupportedOperation.SharedImageModifyUnsupported": "Attributes of shared images cannot be modified.",
    "UnsupportedOperation.WindowsImageExportUnsupported": "Windows images cannot be exported.",
}

ECM: Mapping[str, str] = {
    "FailedOperation.ImageInUse": "The image is being used.",
    "FailedOperation.InstanceNotAllStopped": "Not all instances are shut down.",
    "InvalidParameter.InvalidDataFormat": "The data format is incorrect.",
    "InvalidParameterValue.FilterLimitExceeded": "The number of filters exceeds the limit.",
    "InvalidParameterValue.ImageDuplicate": "The image already exists.",
    "InvalidParameterValue.ImageNameDuplicate": "The image name is duplicate.",
    "InvalidParameterValue.ImageSizeLargeThanSysDiskSize": "The image is larger than the system disk may be.",
    "InvalidParameterValue.InvaildPageParam": "The paging parameter is invalid.",
    "InvalidParameterValue.InvalidEcmRegion": "The ECM region is invalid.",
    "InvalidParameterValue.InvalidFilter": "The filter is invalid.",
    "InvalidParameterValue.InvalidImageArchitecture": "The image architecture is invalid.",
    "InvalidParameterValue.InvalidImageID": "The image ID is invalid.",
    "InvalidParameterValue.InvalidInstanceID": "The instance ID is invalid.",
    "InvalidParameterValue.ParameterValueTooLarge": "The parameter value is too large.",
    "InvalidParameterValue.TaskNotFound": "The task does not exist.",
    "InvalidParameterValue.UnsupportedRegion": "The region is not supported.",
    "MissingParameter.MissingImageParameter": "The image operation parameters are incomplete.",
    "ResourceInsufficient.InvaildPrivateImageNum": "The number of private images exceeds the limit.",
    "ResourceNotFound": "The resource does not exist.",
    "UnauthorizedOperation.ForbiddenOperation": "You don't have the permission to perform this operation.",
    "UnauthorizedOperation.WindowsImage": "Windows images are not allowed.",
    "UnauthorizedOperation": "Unauthorized operation.",
    "UnsupportedOperation.InstanceIdNotFound": (
        "The instance ID is invalid, as the specified instance ID does not exist."
    ),
    "UnsupportedOperation.InstanceIdNotSupported": "The instance is not supported.",
    "UnsupportedOperation.InvalidInstanceState": "This operation cannot be performed in the current status.",
    "UnsupportedOperation.MutexOperationTaskRunning": "Another task is running on the instance.",
}

CAM_AND_STS: Mapping[str, str] = {
    "FailedOperation.PolicyNameInUse": "The PolicyName field value is already in use.",
    "FailedOperation.TempKeyNotAllowed": "This API cannot be called with a temporary key.",
    "InvalidParameter.ActionError": "The Action field of the policy document is invalid.",
    "InvalidParameter.DescriptionLengthOverlimit": "Description may not be longer than 300 bytes.",
    "InvalidParameter.EffectError": "The Effect field of the policy document is invalid.",
    "InvalidParameter.OverTimeError": "The expiry time exceeds the threshold.",
    "InvalidParameter.ParamError": "Invalid input parameter.",
    "InvalidParameter.PolicyDocumentError": "The PolicyDocument field is invalid.",
    "InvalidParameter.PolicyIdError": "The PolicyId field is invalid.",
    "InvalidParameter.PolicyVersionNotExists": "The policy version does not exist.",
    "InvalidParameter.PolicyIdNotExist": "The policy ID does not exist.",
    "InvalidParameter.PolicyNameError": "The PolicyName field is invalid.",
    "InvalidParameter.PrincipalError": "The principal field of the policy document is invalid.",
    "InvalidParameter.ResourceError": "The Resource field of the policy document is invalid.",
    "InvalidParameter.RoleNameError": "The role name is invalid.",
    "InvalidParameter.RoleNameInUse": "A role of the same name already exists.",
    "InvalidParameter.RoleNotExist": "The role does not exist.",
    "InvalidParameter.ScopeError": "The Scope field is invalid.",
    "InvalidParameter.StatementError": "The Statement field of the policy document is invalid.",
    "InvalidParameter.StrategyFormatError": "Policy syntax error.",
    "InvalidParameter.VersionError": "The Version field of the policy document is invalid.",
    "ResourceNotFound.PolicyIdNotFound": "The resource specified by PolicyId does not exist.",
    "ResourceNotFound.RoleNotFound": "The role of the account does not exist.",
}

MESSAGES: Mapping[str, str] = {**CAM_AND_STS, **ECM, **CVM, **COMMON}
"""The text for a code, in English, after the vendor's own descriptions."""
