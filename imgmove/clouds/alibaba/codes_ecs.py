"""The error codes of ECS and STS: kind, meaning and what the operator does, as data (alibaba.md 9.1 to 9.4)."""

from __future__ import annotations

from typing import Final

from imgmove.core.errors import Kind

#: (kind, codes that mean the same, meaning, what to do); one group for each source.
Group = tuple[tuple[Kind, tuple[str, ...], str, str], ...]

_SERVICE_ROLE: Final = (
    "create the role AliyunECSImageExportDefaultRole or AliyunECSImageImportDefaultRole, wait a minute"
)
_TICKET: Final = "open a support ticket with the request id"

#: Both vendor pages of ExportImage, old names beside new ones.
EXPORT_PAGES: Final[Group] = (
    (Kind.INVALID, ("MissingParameter",), "a mandatory parameter is missing", "give the option that the message names"),
    (Kind.INVALID, ("InvalidImageName.Malformed",), "the image name breaks the rules",
     "2 to 128 characters, first a letter or a Chinese character, then also digits and . : _ -"),
    (Kind.INVALID, ("InvalidOSSPrefix.Malformed", "OssPrefix.Malformed"),
     "the prefix is not 1 to 30 letters and digits",
     "shorten --prefix and drop - _ and /"),
    (Kind.NOT_FOUND, ("InvalidRegionId.NotFound", "RegionId.NotFound"), "there is no such region",
     "check the spelling of --region (cn-hangzhou, ap-southeast-1, …)"),
    (Kind.UNSUPPORTED, ("InvalidRegion.NotSupport",), "this region neither imports nor exports images",
     "copy the image to a region that can (CopyImage), then export it there"),
    (Kind.NOT_FOUND, ("InvalidImageId.NotFound", "ImageId.NotFound"), "this account has no such image in this region",
     "check id, region and account with `imgmove images`; a shared image belongs to somebody else"),
    (Kind.CONFLICT, ("IncorrectImageStatus",), "the image is not in the state Available",
     "wait until Creating or Waiting is over; an image in CreateFailed or UnAvailable has to be made again"),
    (Kind.UNSUPPORTED, ("ImageNotSupported",), "the image comes from the Marketplace or has encrypted snapshots",
     "make an image on a base and disks of your own, unencrypted"),
    (Kind.INVALID, ("InvalidImageFormat.Malformed",), "the format is unknown",
     "export: raw, vhd, qcow2, vmdk or vdi; import: raw, vhd or qcow2"),
    (Kind.CONFLICT, ("ImageIsExporting", "OperationDenied.ImageExporting"),
     "an export of this image is running already",
     "wait until it ends, or cancel it; `imgmove jobs list` shows whether it is one of yours"),
    (Kind.FAILED, ("ExportImageFailed",),
     "the export failed on the service's side", f"try once more later, then {_TICKET}"),
    (Kind.DENIED, ("UserNotInTheWhiteList",), "the account is not enabled for image import or export",
     "ask for it with a support ticket"),
    (Kind.DENIED, ("NoSetRoletoECSServiceAcount", "NoSetRoletoECSServiceAccount"),
     "ECS has no role for your OSS bucket",
     f"{_SERVICE_ROLE}, then try again: `imgmove roles create --provider alibaba`"),
    (Kind.NOT_FOUND, ("InvalidOSSBucket.NotFound", "OssBucket.NotFound"), "there is no such bucket in this region",
     "check the name; the bucket has to be in the region of the image"),
    (Kind.UNSUPPORTED, ("OperationDenied",), "the image has data disk snapshots, which this operation does not take",
     "make an image of the system disk alone and move the data disks in another way"),
    (Kind.UNSUPPORTED, ("InvalidImage.DiskAmountOrSize",), "too many data disks, or one that is too large",
     "make an image with at most 4 data disks of at most 500 GiB"),
    (Kind.INVALID, ("InvalidOSSBucket.NotMatched",), "the bucket does not fit the image, mostly because of its region",
     "use a bucket in the region of the image"),
    (Kind.QUOTA, ("ConcurrentQuotaExceed.ExportImage",), "too many exports are running", "wait until one ends"),
    (Kind.QUOTA, ("WeeklyQuotaExceed.ExportImage",), "the exports allowed for this week are used up",
     "wait for the next week, or ask for more"),
    (Kind.UNSUPPORTED, ("InvalidImageLicense.NotSupported",), "the licence of the image forbids its export (Windows)",
     "it cannot be exported"),
    (Kind.DENIED, ("Forbidden",), "you may not act on this image",
     "grant ecs:ExportImage on the image, or use the account that owns it"),
)  # fmt: skip

EXPORT_TODAY: Final[Group] = (
    (Kind.CONFLICT, ("InvalidOSSObject.NeedRestore",), "the object of that name is archived",
     "restore or delete it, or use another prefix"),
    (Kind.UNSUPPORTED, ("InvalidImageFormat.RegionNotSupported",), "this region does not know that format",
     "export: leave --format out (raw) and convert afterwards; import: convert to qcow2 or raw"),
    (Kind.DENIED, ("InvalidOSS.NotAuthorized",), "the bucket or object is closed to the role or to you",
     "check the bucket's policy and the role"),
    (Kind.UNSUPPORTED, ("InvalidImageCategory.NotSupported",), "this kind of image cannot be exported",
     "only custom images of your own can"),
    (Kind.UNSUPPORTED, ("InvalidOSSBucket.EncryptUnsupported",), "the bucket encrypts its objects",
     "use another bucket, or switch its default encryption off"),
)  # fmt: skip

IMPORT: Final[Group] = (
    (Kind.NOT_FOUND, ("InvalidOSSObject.NotFound",), "there is no such object",
     "check bucket, key and region; a fresh object may take some minutes to be seen"),
    (Kind.INVALID, ("InvalidOSSObject.Malformed",), "the object's key is not well formed", "check the key"),
    (Kind.INVALID, ("InvalidOSSObject.Size",), "the object is empty", "upload it again"),
    (Kind.INVALID, ("UnsupportedSuffix.OSSObject",), "the ending of the object's name is not accepted",
     "rename it to .raw, .vhd or .qcow2"),
    (Kind.INVALID, ("InvalidOSSBucket.Malformed",), "the bucket's name is not well formed", "check the name"),
    (Kind.CONFLICT, ("InvalidOSSBucket.FlowLimit",), "the bucket's bandwidth is limited", "lift the limit, or wait"),
    (Kind.DENIED, ("InvalidAccountStatus.OSSDisabled",), "OSS is switched off for the account", "switch it on"),
    (Kind.DENIED, ("Account.Arrearage",), "the account has unpaid bills", "pay them"),
    (Kind.EXISTS, ("InvalidImageName.Duplicated",), "an image of this name exists in this region",
     "choose another --name, or look at it with `imgmove images`"),
    (Kind.INVALID, ("InvalidDescription.Malformed",), "the description breaks the rules",
     "2 to 256 characters, not beginning with http:// or https://"),
    (Kind.INVALID, ("InvalidArchitecture.Malformed", "InvalidArchitecture.PlatformUnsupported",
                    "InvalidPlatform.Malformed", "InvalidOSType.Malformed"),
     "architecture or operating system is unknown, or they do not go together", "check --arch and --os-type"),
    (Kind.INVALID, ("InvalidImageSize", "InvalidDataDiskSize"),
     "a disk is outside 1 to 2048 GiB, or smaller than its image",
     "raise the disk size, or shrink the image"),
    (Kind.INVALID, ("InvalidBlockSize.NotSupport", "InvalidVHDImage.IncorrectSize"),
     "the file is not well formed for import",
     "make it again with qemu-img, best as qcow2"),
    (Kind.INVALID, ("InvalidBootMode.Malformed", "InvalidBootMode.NotSupport"), "the boot mode does not fit",
     "--boot-mode bios or uefi; arm64 takes uefi alone"),
    (Kind.UNSUPPORTED, ("InvalidLicenseType.NotSupported", "InvalidLicenseType.BYOLOnly"),
     "the licence cannot be chosen",
     "use --license BYOL"),
    (Kind.UNSUPPORTED, ("ImageCheckUnsupported.WindowsImage", "InvalidParameter.DetectionStrategy"),
     "the check after the import is not there for this image", "leave it out"),
    (Kind.INVALID, ("InvalidParameter.FeaturesImdsSupport",), "ImdsSupport is v1 or v2", "mend it"),
    (Kind.CONFLICT, ("ImageIsImporting",), "the image is being imported", "wait until the import ends, or cancel it"),
    (Kind.QUOTA, ("QuotaExceed.Image",), "the account has as many images as it may", "delete some, or ask for more"),
    (Kind.FAILED, ("ImportImageFailed",), "the import failed on the service's side", f"try once more, then {_TICKET}"),
    (Kind.INVALID, ("InvalidClientToken.Malformed",), "the client token is not well formed", "report it as a bug"),
    (Kind.CONFLICT, ("IdempotentParameterMismatch", "InvalidIdempotenceParameter.Mismatch",
                     "IdempotenceParamNotMatch", "InvalidParamter.Conflict"),
     "the client token was used with other parameters", "start a new job"),
    (Kind.INVALID, ("MissingParameter.DiskDeviceMapping",), "no disk was named", "report it as a bug"),
    (Kind.INVALID, ("TagKey.Duplication", "InvalidResourceGroup.NotFound", "InvalidStorageLocation.NotFound",
                    "InvalidOperation.CloudBoxImageImportRoleRequired",
                    "InvalidOperation.CloudBoxImageImportUnsupported"),
     "an option does not fit", "mend the option that the message names"),
)  # fmt: skip

GENERAL: Final[Group] = (
    (Kind.NOT_FOUND, ("InvalidTaskId.NotFound",), "there is no such task in this region", "check --region"),
    (Kind.CONFLICT, ("InvalidTaskId.IncorrectTaskStatus", "CancelTaskFailed"), "it is too late to cancel the task",
     "look at its state again: it may have ended"),
    (Kind.UNSUPPORTED, ("InvalidTaskId.TaskActionNotSupport",),
     "this kind of task cannot be cancelled", "wait for its end"),
    (Kind.CONFLICT, ("OperationDenied.ImageCopying",), "the image is not ready, or is being copied",
     "wait until it is Available and try again"),
    (Kind.THROTTLED, ("Throttling", "Throttling.User", "Rejected.Throttling"), "too many calls", "wait a little"),
    (Kind.UNAVAILABLE, ("ServiceUnavailable", "ServiceUnavailable.RegionMaintaining", "InternalError", "UnknownError"),
     "the service has trouble", "try again later"),
    (Kind.UNAVAILABLE, ("LastTokenProcessing", "OperationConflict"), "the same request is still in work",
     "wait, and repeat it unchanged"),
    (Kind.DENIED, ("SignatureNonceUsed", "IllegalTimestamp", "IncompleteSignature", "SignatureDoesNotMatch"),
     "the signature is refused: replayed, a wrong clock, or a wrong secret",
     "set the clock; check the access key secret"),
    (Kind.DENIED, ("InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "Forbidden.AccessKeyDisabled"),
     "the access key is unknown or disabled", "check ALIBABA_CLOUD_ACCESS_KEY_ID or the profile"),
    (Kind.DENIED, ("InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed",
                   "InvalidSecurityToken.MismatchWithAccessKey"),
     "the security token is expired, or not that of the key", "renew the temporary credentials"),
    (Kind.DENIED, ("Forbidden.RAM", "Forbidden.Unauthorized", "NoPermission", "Forbbiden"), "RAM refuses the action",
     "grant the action to the user or role"),
    (Kind.DENIED, ("RealNameAuthenticationError", "Forbidden.RiskControl", "InsufficientBalance",
                   "InvalidAccountStatus.NotEnoughBalance"),
     "the account has to be put in order", "its owner settles it in the console"),
    (Kind.CONFLICT, ("ImageUsingByInstance", "ImageUseShared"), "the image is in use or shared",
     "release the instances or end the sharing first"),
    (Kind.CONFLICT, ("IncorrectInstanceStatus", "IncorrectDiskStatus.CreatingSnapshot", "InvalidSnapshotId.NotReady"),
     "the instance, a disk or a snapshot is busy", "wait and try again"),
    (Kind.NOT_FOUND, ("InvalidInstanceId.NotFound", "InvalidSnapshotId.NotFound"),
     "there is no such instance or snapshot",
     "check id, region and account"),
    (Kind.DENIED, ("InvalidAccountStatus.SnapshotServiceUnavailable",),
     "the snapshot service is not opened", "open it"),
    (Kind.QUOTA, ("QuotaExceed.Snapshot",), "there are as many snapshots as there may be", "delete old ones"),
    (Kind.UNSUPPORTED, ("RegionNotSupportCopy", "IncorrectDestinationRegion", "SizeExceed.Image",
                        "OperationDeined.EncryptedSnapshot", "OperationDenied.SameRegionOnly"),
     "the image cannot be copied so", "choose another region, or an unencrypted image of your own"),
    (Kind.NOT_FOUND, ("DestinationRegion.NotFound",), "there is no such region", "check the spelling of the region"),
    (Kind.UNSUPPORTED, ("ImageCreatedNotFromCopy", "CancelNotSupported"), "there is no copy here to be cancelled",
     "look at the image"),
    (Kind.DENIED, ("InvalidCredentials",), "no credentials", "set ALIBABA_CLOUD_ACCESS_KEY_ID and …_SECRET"),
)  # fmt: skip

STS: Final[Group] = (
    (Kind.NOT_FOUND, ("EntityNotExist.Role",), "there is no such role", "check the role's ARN in the profile"),
    (Kind.DENIED, ("AuthenticationFail.NoPermission",),
     "the role does not trust you, or the caller lacks sts:AssumeRole",
     "mend the role's trust policy, or grant sts:AssumeRole"),
    (Kind.DENIED, ("AuthenticationFail.OIDCToken.Expired", "AuthenticationFail.OIDCToken.Invalid"),
     "the OIDC token is not valid",
     "renew the file that ALIBABA_CLOUD_OIDC_TOKEN_FILE names"),
)  # fmt: skip

#: What a dry run that passed is answered with: an error, by the vendor's custom (alibaba.md 2.7).
DRY_RUN_PASSED: Final = frozenset({"DryRunOperation", "DRYRUN.SUCCESS"})
#: A refusal with one of these says nothing about whether an earlier or this call took effect.
DOUBTFUL: Final = frozenset({
    "InternalError", "UnknownError", "ServiceUnavailable", "LastTokenProcessing", "OperationConflict",
})  # fmt: skip
