"""ECS's own error codes with their HTTP statuses and messages, and the older names of ExportImage's codes."""

from __future__ import annotations

from imgmove.sandbox.wire.alibaba_errors import Errors

_COMMON: Errors = {
    "DryRunOperation": (400, "Request validation has been passed with DryRun flag set."),
    "DRYRUN.SUCCESS": (400, "Request validation has been passed with DryRun flag set."),
    "IdempotentParameterMismatch": (400, "The request is retried with updated parameters."),
    "InvalidIdempotenceParameter.Mismatch": (403, "The specified parameters are different from before."),
    "IdempotenceParamNotMatch": (
        400,
        "Request uses a client token in a previous request but is not identical to that request.",
    ),
    "InvalidParamter.Conflict": (
        403,
        "The specified same token is trying to make requests with different parameters.",
    ),
    "InvalidClientToken.Malformed": (400, "The specified ClientToken is wrongly formed."),
    "LastTokenProcessing": (403, "The last token request is processing."),
    "OperationConflict": (409, "Request was denied due to conflict with a previous request."),
    "InvalidRegionId.NotFound": (400, "The specified RegionId does not exist."),
    "InvalidImageId.NotFound": (404, "The specified ImageId does not exist."),
    "InvalidInstanceId.NotFound": (404, "The specified InstanceId does not exist."),
    "InvalidSnapshotId.NotFound": (404, "The specified SnapshotId does not exist."),
    "InvalidResourceGroup.NotFound": (404, "The ResourceGroup provided does not exist in our records."),
    "Forbidden": (400, "User is not authorized to operate on the specified image."),
    "Forbidden.RAM": (
        403,
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    ),
    "NoPermission": (403, "You are not authorized to do this action."),
    "Forbidden.Unauthorized": (403, "User not authorized to operate on the specified resource."),
    "Forbbiden": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.RiskControl": (403, "This operation is forbidden by Aliyun RiskControl system."),
    "RealNameAuthenticationError": (403, "Your account has not passed the real-name authentication yet."),
    "InsufficientBalance": (400, "Your account does not have enough balance."),
    "InvalidAccountStatus.NotEnoughBalance": (403, "Your account does not have enough balance."),
    "Account.Arrearage": (400, "Your account has an outstanding payment."),
    "ServiceUnavailable.RegionMaintaining": (
        503,
        "System maintenance is in progress on the selected region, please wait a few minutes before trying again.",
    ),
}

_NAMES_AND_TAGS: Errors = {
    "InvalidImageName.Malformed": (400, "The specified Image name is wrongly formed."),
    "InvalidImageName.Duplicated": (400, "The specified Image name has already bean used."),
    "InvalidDescription.Malformed": (400, "The specified Image description is wrongly formed."),
    "InvalidImageFamily.Malformed": (400, "The specified ImageFamily is wrongly formed."),
    "InvalidArchitecture.Malformed": (400, "The specified Architecture is wrongly formed."),
    "InvalidArchitecture.PlatformUnsupported": (
        400,
        "The specified Architecture is not supported by the specified Platform.",
    ),
    "InvalidPlatform.Malformed": (400, "The specified Platform is wrongly formed."),
    "InvalidOSType.Malformed": (400, "The specified OSType is wrongly formed."),
    "InvalidBootMode.Malformed": (400, "The specified BootMode is wrongly formed."),
    "InvalidBootMode.NotSupport": (400, "The specified BootMode is not supported by the specified Architecture."),
    "InvalidLicenseType.NotSupported": (400, "The specified LicenseType is not supported"),
    "InvalidLicenseType.BYOLOnly": (
        400,
        "Only BYOL LicenseType is supported for the current platform provided",
    ),
    "ImageCheckUnsupported.WindowsImage": (400, "The Windows image does not support image check."),
    "InvalidParameter.DetectionStrategy": (400, "The specified parameter DetectionStrategy is not valid."),
    "InvalidParameter.FeaturesImdsSupport": (400, "The specified parameter Features.ImdsSupport is not valid."),
    "InvalidParameter.FeaturesNvmeSupport": (400, "The specified parameter Features.NvmeSupport is not valid."),
    "TagKey.Duplication": (400, "The Tag.N.Key contain duplicate key."),
    "InvalidTagKey.Malformed": (400, "The specified Tag.n.Key is not valid."),
    "InvalidTagValue.Malformed": (400, "The specified Tag.n.Value is not valid."),
    "InvalidTag.Mismatch": (400, "The specified Tag.n.Key and Tag.n.Value are not match."),
    "InvalidTagCount": (400, "The specified tags are beyond the permitted range."),
    "InvalidResourceId.NotFound": (404, "The specified ResourceIds are not found in our records."),
    "InvalidResourceType.NotFound": (404, "The ResourceType provided does not exist in our records."),
    "NumberExceed.ResourceIds": (400, "The ResourceIds parameter's number is exceed , Valid : 50"),
    "NumberExceed.Tags": (400, "The Tags parameter's number is exceed , Valid : 20"),
    "MissingParameter.Tags": (404, "The parameter - Tags should not be null"),
}

_OSS: Errors = {
    "NoSetRoletoECSServiceAcount": (
        403,
        "ECS service account Have no right to access your OSS.please attach a role of access your oss to ECS "
        "service account.",
    ),
    "NoSetRoletoECSServiceAccount": (
        403,
        "ECS service account Have no right to access your OSS.please attach a role of access your oss to ECS "
        "service account.",
    ),
    "InvalidOSSBucket.NotFound": (400, "The specified OSS bucket does not exist in this region."),
    "InvalidOSSBucket.Malformed": (400, "The specified OSS bucket is wrongly formed."),
    "InvalidOSSBucket.NotMatched": (400, "The specified OSS bucket is incorrect, {}."),
    "InvalidOSSBucket.EncryptUnsupported": (400, "The specified OSS bucket is encrypted, which is not supported."),
    "InvalidOSSBucket.FlowLimit": (403, "The bandwidth of the specified OSS bucket is limited."),
    "InvalidOSSObject.NotFound": (400, "The specified OSS object does not exist in this region."),
    "InvalidOSSObject.Malformed": (400, "The specified OSS object is wrongly formed."),
    "InvalidOSSObject.Size": (400, "The size of the specified OSS object is 0."),
    "InvalidOSSObject.NeedRestore": (403, "The specified OSS object is archived and needs to be restored first."),
    "UnsupportedSuffix.OSSObject": (400, "The suffix of the specified OSS object is not supported."),
    "InvalidOSS.NotAuthorized": (403, "The specified OSS bucket or object is not authorized."),
    "InvalidAccountStatus.OSSDisabled": (403, "The OSS service of your account is not enabled or is disabled."),
    "UserDisable": (403, "UserDisable"),
}

_EXPORT: Errors = {
    "InvalidOSSPrefix.Malformed": (400, "The specified OSSPrefix format is wrongly formed."),
    "InvalidRegion.NotSupport": (400, "The specified region does not support image import or export."),
    "IncorrectImageStatus": (400, "The specified Image is not available."),
    "ImageNotSupported": (403, "The specified image from the image market, do not support export image."),
    "InvalidImageFormat.Malformed": (400, "The specified Image Format is wrongly formed."),
    "InvalidImageFormat.RegionNotSupported": (
        400,
        "The specified Image Format is not supported in the specified region.",
    ),
    "InvalidImageCategory.NotSupported": (400, "The category of the specified image is not supported."),
    "InvalidImageLicense.NotSupported": (403, "The license of the specified image does not support export, {}."),
    "InvalidImage.DiskAmountOrSize": (400, "The image exceeds the limits of export: {}."),
    "OperationDenied": (
        400,
        "The specified image contains the snapshot of the data disk,does not support this operation.",
    ),
    "ImageIsExporting": (403, "The specified Image is exporting."),
    "ExportImageFailed": (403, "Exporting image is failed, Please contact the administrator."),
    "UserNotInTheWhiteList": (403, "The user is not in the white list of exporting image."),
    "ConcurrentQuotaExceed.ExportImage": (403, "The maximum number of concurrent export tasks is {}."),
    "WeeklyQuotaExceed.ExportImage": (403, "The maximum number of export tasks in a week is {}."),
}

_IMPORT: Errors = {
    "MissingParameter.DiskDeviceMapping": (403, "The specified parameter DiskDeviceMapping is not supplied."),
    "InvalidParameter.Malformed": (403, 'The specified parameter "DiskDeviceMapping.n.Device " is not valid.'),
    "InvalidImageSize": (400, "The specified image size is not valid: {}."),
    "InvalidDataDiskSize": (
        400,
        "The specified DiskDeviceMapping.N.DiskImSize should be in the specified range.",
    ),
    "InvalidBlockSize.NotSupport": (400, "The block size of the image file is not supported."),
    "InvalidVHDImage.IncorrectSize": (
        400,
        "The size of the VHD image is incorrect: it has to equal MaxTableEntries multiplied by BlockSize.",
    ),
    "ImageIsImporting": (403, "The specified Image is importing."),
    "QuotaExceed.Image": (403, "The Image Quota exceeds."),
    "QuotaExceed.Snapshot": (403, "The snapshot quota exceeds."),
    "ImportImageFailed": (403, "Importing image is failed, Please contact the administrator."),
    "InvalidStorageLocation.NotFound": (404, "The specified StorageLocation does not exist."),
    "InvalidOperation.CloudBoxImageImportRoleRequired": (
        403,
        "The role AliyunECSCloudBoxImageImportDefaultRole is required.",
    ),
    "InvalidOperation.CloudBoxImageImportUnsupported": (
        403,
        "The specified CloudBox does not support image import.",
    ),
}

_TASKS: Errors = {
    "InvalidTaskId.NotFound": (400, 'The specified "TaskId" is not found.'),
    "InvalidTaskId.TaskActionNotSupport": (403, "The specified task action not support."),
    "InvalidTaskId.IncorrectTaskStatus": (403, "The specified task status is not invalid."),
    "CancelTaskFailed": (403, "The task is failed to cancel, Please contact the administrator."),
}

_CREATE_COPY_DELETE: Errors = {
    "IncorrectInstanceStatus": (400, "The current status of the instance does not support this operation."),
    "InstanceLockedForSecurity": (
        400,
        "The specified operation is denied as your instance is locked for security reasons.",
    ),
    "IncorrectDiskStatus.CreatingSnapshot": (403, "A previous snapshot creation is in process."),
    "InvalidSnapshotId.NotReady": (
        403,
        "The current status of the DiskDeviceMapping.n.SnapshotId or SnapshotId does not support this operation.",
    ),
    "InvalidDevice.Malformed": (400, "The specified parameter DiskDeviceMapping.n.Device is not valid."),
    "InvalidDevice.InUse": (400, "The specified parameter DiskDeviceMapping.n.Device has been occupied."),
    "InvalidDiskType.ValueNotSupported": (400, "The specified disk type is not supported."),
    "InvalidSize.ValueNotSupported": (
        400,
        "The specified parameter DiskDeviceMapping.n.Size beyond the permitted range.",
    ),
    "InvalidImageVersion.Malformed": (400, "The specified ImageVersion is wrongly formed."),
    "InvalidAccountStatus.SnapshotServiceUnavailable": (403, "Snapshot service has not been opened yet."),
    "InvalidParameter.SecureBootSupport": (400, "The specified SecureBootSupport is not valid."),
    "SourceRegion.NotFound": (400, "The source region not found"),
    "DestinationRegion.NotFound": (400, "The destination region not found"),
    "RegionNotSupportCopy": (403, "The region not support copy."),
    "IncorrectDestinationRegion": (403, "The destination region is not equal the target region."),
    "SizeExceed.Image": (
        403,
        "The image exceeds the maximum size. Please open a ticket to add the account to the white list.",
    ),
    "OperationDeined.EncryptedSnapshot": (
        403,
        "The image contains encrypted snapshots, which do not support copying.",
    ),
    "OperationDenied.SameRegionOnly": (
        403,
        "The image shared from others can not be copied to another region directly.",
    ),
    "OperationDenied.ImageCopying": (403, "The Image are coping."),
    "InvalidParameter.EncryptedIllegal": (
        400,
        "The specified parameter Encrypted must be true when kmsKeyId is not empty.",
    ),
    "InvalidParameter.KMSKeyId.NotFound": (404, "The specified KMSKeyId does not exist."),
    "ImageCreatedNotFromCopy": (400, "The specified image is not the target image of a copy action."),
    "CancelNotSupported": (400, "The specified image coping can not be cancelled."),
    "ImageUsingByInstance": (403, "The specified image has been used to create instances."),
    "ImageUseShared": (403, "The specified image has been shared to others."),
    "SnapshotCreatedImage": (403, "The snapshot has been used to create user defined image(s)."),
}

_LISTS: Errors = {
    "InvalidParamter": (400, "Invalid Parameter"),
    "InvalidInstanceType.ValueNotSupported": (
        400,
        "The specified InstanceType does not exist or beyond the permitted range.",
    ),
    "InvalidImageOwnerAlias.ValueNotSupported": (400, "The specified ImageOwnerAlias value is not supported."),
    "InvalidUsage": (404, "The specifed Usage is not valid"),
    "InvalidOSType": (404, "The specifed OSType is not valid"),
    "InvalidArchitecture": (404, "The specifed Architecture is not valid"),
    "InvalidFilterKey.NotFound": (404, "The specified filter key or value is not found."),
    "InvalidStatus.NotFound": (404, "The specified Status is not found"),
    "InvalidSnapshotIds.Malformed": (403, "The amount of specified specified snapshot Ids exceeds the limit."),
    "InvalidInstanceIds.Malformed": (400, "The specified parameter InstanceIds is not valid."),
    "InvalidAcceptLanguage.NotFound": (
        404,
        "Only Chinese (zh-CN), English (en-US), and Japanese (ja) are allowed.",
    ),
}

_NAMES_OF_2017: Errors = {
    "RegionId.NotFound": (400, "The specified RegionId does not exist."),
    "ImageId.NotFound": (403, "The image does not exist."),
    "OssPrefix.Malformed": (400, "The specified OssPrefix format is incorrect."),
    "OssBucket.NotFound": (400, "The specified OssBucket does not exist."),
    "OperationDenied.ImageExporting": (403, "The specified image is being exported."),
}

ECS_ERRORS: Errors = {
    **_COMMON,
    **_NAMES_AND_TAGS,
    **_OSS,
    **_EXPORT,
    **_IMPORT,
    **_TASKS,
    **_CREATE_COPY_DELETE,
    **_LISTS,
    **_NAMES_OF_2017,
}
"""Statuses and texts of the vendor's pages (alibaba.md 9.1 to 9.4, D21); where those give none, ours are plain."""

EXPORT_ERRORS_OF_2017: Errors = {
    "InvalidRegionId.NotFound": (400, "RegionId.NotFound"),
    "InvalidRegion.NotSupport": (403, "InvalidRegion.NotSupport"),
    "InvalidImageId.NotFound": (403, "ImageId.NotFound"),
    "InvalidOSSPrefix.Malformed": (400, "OssPrefix.Malformed"),
    "NoSetRoletoECSServiceAccount": (
        403,
        "ECS service account Have no right to access your OSS.please attach a role of access your oss to ECS "
        "service account.",
    ),
    "InvalidOSSBucket.NotFound": (400, "OssBucket.NotFound"),
    "InvalidOSSBucket.NotMatched": (400, "OssBucket.NotFound"),
    "ImageIsExporting": (403, "OperationDenied.ImageExporting"),
    "ImageNotSupported": (403, "ImageNotSupported"),
    "Forbidden.RAM": (400, "Forbidden"),
}
"""ExportImage's codes of today -> status and code of its older page (alibaba.md 2.1, 9.1 page 003)."""
