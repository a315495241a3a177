"""The error codes of CVM: kind, meaning and what the operator does, as data (tencent.md 7.1 and 7.2)."""

from __future__ import annotations

from typing import Final

from imgmove.core.errors import Kind

#: (kind, codes that mean the same, meaning, what to do); one group for each source.
Group = tuple[tuple[Kind, tuple[str, ...], str, str], ...]

_ROLE: Final = (
    "create the role CVM_QcsRole (the export dialog of the console offers it) or name the right one with --role-name, "
    "and attach a policy that may write the bucket"
)
_REGION: Final = "check the spelling of --region; the international and the mainland site have regions of their own"
_OS_LIST: Final = "`imgmove import --list-os --provider tencent` shows the list; 'Other Linux' with '-' always fits"

#: Page S000.
EXPORT: Final[Group] = (
    (Kind.DENIED, ("AuthFailure.CamRoleNameAuthenticateFailed",), "CVM cannot assume the named role", _ROLE),
    (Kind.INVALID, ("InvalidImageId.Malformed",), "the id is no image id", "image ids look like img-6pb6lrmy"),
    (Kind.NOT_FOUND, ("InvalidImageId.NotFound",), "this account has no such image in this region",
     "check id, region and account; `imgmove images` lists what is there"),
    (Kind.INVALID, ("InvalidParameter.ImageIdsSnapshotIdsMustOne",), "neither images nor snapshots were named, or both",
     "name images alone"),
    (Kind.NOT_FOUND, ("InvalidParameter.SnapshotNotFound",), "a snapshot behind the image is gone",
     "make the image again from its instance"),
    (Kind.NOT_FOUND, ("InvalidParameterValue.BucketNotFound",), "there is no such bucket in this region",
     "use NAME-APPID of a bucket in the region of the image"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidAppIdFormat",), "the APPID at the bucket's end is wrong",
     "append the account's numeric APPID: NAME-APPID"),
    (Kind.DENIED, ("InvalidParameterValue.InvalidBucketPermissionForExport",), "the role may not write the bucket",
     "grant the role cos:PutObject and the multipart actions on the bucket, and look at the bucket's own policy"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidFileNamePrefixList",), "the prefixes do not fit the images",
     "give --prefix once, or once for each image"),
    (Kind.UNSUPPORTED, ("InvalidParameterValue.InvalidImageId",), "this kind of image does not allow it",
     "use a custom image of your own"),
    (Kind.UNSUPPORTED, ("InvalidParameterValue.InvalidImageOsName",),
     "the image's operating system is not available in this region",
     "use another region, or open a support ticket"),
    (Kind.CONFLICT, ("InvalidParameterValue.InvalidImageState",),
     "the image is busy with another task (a copy, an export)",
     "wait until it is NORMAL, then try again: `imgmove images` shows the state"),
    (Kind.INVALID, ("InvalidParameterValue.LimitExceeded",), "too many values in one list",
     "export fewer images with one command"),
    (Kind.INVALID, ("InvalidParameterValue.TooLarge",), "a value is too long or too large",
     "names have at most 60 characters, descriptions 256; shorten the prefix"),
    (Kind.QUOTA, ("LimitExceeded.ExportImageTaskLimitExceeded",), "too many exports are running",
     "wait until one of them ends, then try again"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.EncryptedImagesNotSupported",), "the image is encrypted",
     "make an image from unencrypted disks"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.ImageTooLargeExportUnsupported",), "a disk is larger than 500 GB",
     "export the root disk alone (--root-disk-only), or shrink the disk"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.MarketImageExportUnsupported",), "the image derives from a market image",
     "it cannot be exported: reinstall on another base"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.PublicImageExportUnsupported",), "it is a public or market image",
     "make a custom image of an instance first: `imgmove create`"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.RedHatImageExportUnsupported",), "the licence of RedHat forbids it",
     "it cannot be exported: copy the data from inside the machine"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.SharedImageExportUnsupported",), "the image belongs to another account",
     "copy it to your own account first (SyncImages to its own region), then export the copy"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.WindowsImageExportUnsupported",), "the licence of Windows forbids it",
     "it cannot be exported: use a tool inside the machine"),
)  # fmt: skip

#: Page S002.
IMPORT: Final[Group] = (
    (Kind.QUOTA, ("ImageQuotaLimitExceeded",), "the account has as many images as it may in this region",
     "delete images that are not needed, or ask for a higher quota"),
    (Kind.EXISTS, ("InvalidImageName.Duplicate",), "an image of this name exists in this region",
     "choose another --name; or an earlier attempt went through: look with `imgmove images`"),
    (Kind.INVALID, ("InvalidImageOsType.Unsupported",), "the operating system is not on CVM's list", _OS_LIST),
    (Kind.INVALID, ("InvalidImageOsVersion.Unsupported",), "that version is not on CVM's list", _OS_LIST),
    (Kind.INVALID, ("InvalidParameter.InvalidParameterUrlError",), "CVM cannot use the address of the object",
     "the object has to be in a COS bucket of this region, and readable"),
    (Kind.INVALID, ("InvalidParameterValue.ISOMustImportByForce",), "an ISO file is imported by force only",
     "add --force"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidBootMode",), "the boot mode is unknown",
     "--boot-mode bios or uefi"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidImageFamily", "InvalidImageFamily"),
     "the family's name breaks the rules", "mend --family, or leave it out"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidLicenseType",), "the licence type is unknown",
     "--license TencentCloud or BYOL"),
    (Kind.NOT_FOUND, ("InvalidParameterValue.TagKeyNotFound",), "there is no such tag",
     "create the tag first, or leave --tag out"),
    (Kind.DENIED, ("OperationDenied.InnerUserProhibitAction",), "the account is restricted",
     "use another account, or open a support ticket"),
    (Kind.UNSUPPORTED, ("RegionAbilityLimit.UnsupportedToImportImage",), "this region imports no images",
     "import in another region, then copy the image here: "
     "`imgmove migrate tencent://OTHER/img-… tencent://REGION`"),
)  # fmt: skip

#: What the pages leave out, from the API's own list of codes.
OTHER: Final[Group] = (
    (Kind.CONFLICT, ("FailedOperation.InvalidImageState", "InvalidImageId.IncorrectState"),
     "the image is not in a state for this", "wait until it is NORMAL"),
    (Kind.CONFLICT, ("InvalidImageId.InShared",), "the image is shared with other accounts", "end the sharing first"),
    (Kind.UNSUPPORTED, ("InvalidImageId.TooLarge",), "the image is too large for this", "use a smaller one"),
    (Kind.INVALID, ("InvalidParameter.InvalidParameterCoexistImageIdsFilters", "InvalidFilterValue.LimitExceeded",
                    "InvalidFilter"), "the filters of a list are wrong", "report it as a bug"),
    (Kind.CONFLICT, ("MutexOperation.TaskRunning", "OperationDenied.InstanceOperationInProgress"),
     "another operation on it is still running", "wait until it has ended, then try again"),
    (Kind.CONFLICT, ("ResourceUnavailable.SnapshotCreating", "InvalidInstance.NotSupported"),
     "the instance or its snapshots are not ready for this", "wait a little, then try again"),
    (Kind.INVALID, ("InvalidParameterValue.CamRoleNameMalformed",), "the role's name breaks the rules",
     "letters, digits and + = , . @ _ -"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidImageFormat",), "the format is unknown",
     "--format raw, qcow2, vhd or vmdk"),
    (Kind.UNSUPPORTED, ("InvalidParameterValue.MissingLocationCosEndpoint",), "this region has no COS of its own",
     "use another region"),
    (Kind.DENIED, ("UnauthorizedOperation.ImageNotBelongToAccount",), "the image belongs to another account",
     "use the account that owns it"),
    (Kind.DENIED, ("UnauthorizedOperation.PermissionDenied",), "the key lacks the right", "extend its CAM policy"),
    (Kind.DENIED, ("UnauthorizedOperation.InvalidToken", "UnauthorizedOperation.MFAExpired",
                   "UnauthorizedOperation.MFANotFound"),
     "the token or the second factor is not valid", "renew the temporary credentials, or log in again"),
    (Kind.NOT_FOUND, ("InvalidInstanceId.NotFound", "InvalidInstanceId.Malformed"), "there is no such instance",
     "check id, region and account"),
    (Kind.INVALID, ("InvalidRegion.NotFound",), "there is no such region here", _REGION),
    (Kind.UNSUPPORTED, ("InvalidRegion.Unavailable",), "the region cannot be reached from here", "use another region"),
)  # fmt: skip

#: Codes of API 3.0, which every service of Tencent Cloud may answer with.
COMMON: Final[Group] = (
    (Kind.DENIED, ("AuthFailure.SecretIdNotFound", "AuthFailure.InvalidSecretId"), "the key is unknown or disabled",
     "check TENCENTCLOUD_SECRET_ID or the profile; keys of the international site are not valid on the mainland one "
     "(site = \"international\")"),
    (Kind.DENIED, ("AuthFailure.SignatureFailure", "AuthFailure.InvalidAuthorization"), "the signature is refused",
     "check TENCENTCLOUD_SECRET_KEY, for blanks too"),
    (Kind.DENIED, ("AuthFailure.SignatureExpire",), "the clock of this machine is more than five minutes off",
     "set the clock"),
    (Kind.DENIED, ("AuthFailure.TokenFailure",), "the token is expired or not that of the key",
     "renew the temporary credentials (TENCENTCLOUD_TOKEN)"),
    (Kind.DENIED, ("AuthFailure.MFAFailure",), "a second factor is wanted", "log in again, or use another key"),
    (Kind.DENIED, ("AuthFailure.UnauthorizedOperation", "UnauthorizedOperation"), "CAM refuses the action",
     "grant the action that the message names to the key's user or role"),
    (Kind.THROTTLED, ("RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded",
                      "RequestLimitExceeded.GlobalRegionUinLimitExceeded", "RequestLimitExceeded.IPLimitExceeded"),
     "too many calls", "wait a little"),
    (Kind.UNAVAILABLE, ("InternalError", "InternalServerError"), "the service has trouble",
     "try again later; after a while open a support ticket with the request id"),
    (Kind.UNAVAILABLE, ("ServiceUnavailable",), "the service is not there for the moment", "try again later"),
    (Kind.UNSUPPORTED, ("NoSuchVersion", "InvalidAction", "NoSuchProduct", "ActionOffline"),
     "the call does not exist here, or any more",
     "check the endpoint; the vendor may have retired the call: update imgmove"),
    (Kind.INVALID, ("UnsupportedRegion",), "the service has no such region", _REGION),
    (Kind.CONFLICT, ("ResourceInUse", "ResourceBusy"), "it is in use", "wait until it is free, then try again"),
    (Kind.UNSUPPORTED, ("UnsupportedProtocol",), "the endpoint does not speak our protocol", "check the endpoint"),
    (Kind.INVALID, ("UnknownParameter",), "this site does not know a parameter",
     "leave out the option that the message names: the international site has fewer"),
    (Kind.INVALID, ("InvalidParameter", "InvalidParameterValue", "MissingParameter"), "a parameter is wrong or missing",
     "mend what the message names"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation",), "the operation is not supported", "check type and state"),
    (Kind.CONFLICT, ("OperationDenied",), "the operation is refused for now", "look at its state"),
    (Kind.QUOTA, ("LimitExceeded", "ResourceInsufficient"), "a quota is used up", "ask for a higher one, or clean up"),
    (Kind.NOT_FOUND, ("ResourceNotFound",), "there is no such thing", "check id, region and account"),
    (Kind.CONFLICT, ("ResourceUnavailable", "FailedOperation"), "it cannot be done now", "look at its state"),
)  # fmt: skip

#: The answer of a dry run that passed, on some calls (tencent.md 2.1).
DRY_RUN_PASSED: Final = frozenset({"DryRunOperation"})
