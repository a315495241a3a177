"""The error codes of ECM and STS: kind, meaning and what the operator does, as data (tencent.md 7.1 and 7.2)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.tencent.codes_cvm import Group
from imgmove.core.errors import Kind

#: Page S004. The vendor's spellings are kept.
CREATE: Final[Group] = (
    (Kind.CONFLICT, ("FailedOperation.InstanceNotAllStopped",), "the instance is still running",
     "stop it, or use --force-poweroff"),
    (Kind.UNAVAILABLE, ("FailedOperation.InternalOperationFailure",), "the service failed on its side",
     "look whether an image was begun (`imgmove images --provider ecm`), then try again"),
    (Kind.INVALID, ("InvalidParameter",), "a parameter is wrong", "mend what the message names"),
    (Kind.INVALID, ("InvalidParameter.InvalidDataFormat",), "a value is not well formed", "mend what the message names"),
    (Kind.EXISTS, ("InvalidParameterValue.ImageNameDuplicate", "InvalidParameterValue.ImageDuplicate"),
     "an image of this name exists", "choose another --name; or an earlier attempt went through"),
    (Kind.INVALID, ("InvalidParameterValue.InvalidInstanceID",), "the id is no instance id",
     "instances of ECM look like ein-93sjjr8k"),
    (Kind.INVALID, ("MissingParameter",), "something that is needed is missing", "give what the message names"),
    (Kind.INVALID, ("MissingParameter.MissingImageParameter",), "parameters of the image are missing",
     "give a name and an instance"),
    (Kind.QUOTA, ("ResourceInsufficient.InvaildPrivateImageNum",), "there are as many private images as there may be",
     "delete an image, or ask for a higher quota"),
    (Kind.DENIED, ("UnauthorizedOperation.ForbiddenOperation",), "the key lacks the right",
     "grant the ecm actions to it in CAM"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation",), "it is not supported", "check the instance's type and state"),
    (Kind.NOT_FOUND, ("UnsupportedOperation.InstanceIdNotFound",), "there is no such instance",
     "check id and account"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.InstanceIdNotSupported",), "no image can be made of this instance",
     "use another kind of instance"),
    (Kind.CONFLICT, ("UnsupportedOperation.InvalidInstanceState",), "the instance is in the wrong state for this",
     "stop it or wait, then try again"),
)  # fmt: skip

OTHER: Final[Group] = (
    (Kind.NOT_FOUND, ("InvalidParameterValue.TaskNotFound",), "there is no such task", "check the id and the account"),
    (Kind.NOT_FOUND, ("InvalidParameterValue.InvalidImageID",),
     "there is no such image", "check the id; `imgmove images --provider ecm` lists what is there"),
    (Kind.UNSUPPORTED, ("InvalidParameterValue.InvalidImageArchitecture",), "ECM does not take this architecture",
     "--arch x86_64 or i386"),
    (Kind.UNSUPPORTED, ("InvalidParameterValue.ImageSizeLargeThanSysDiskSize",), "the image is too large for ECM",
     "shrink its disk"),
    (Kind.CONFLICT, ("FailedOperation.ImageInUse",), "instances use the image", "release them first"),
    (Kind.CONFLICT, ("FailedOperation.OperationConflict", "UnsupportedOperation.MutexOperationTaskRunning"),
     "another operation is still running", "wait until it has ended, then try again"),
    (Kind.UNSUPPORTED, ("UnauthorizedOperation.WindowsImage",), "ECM does not do this with Windows images",
     "use a Linux image"),
    (Kind.UNSUPPORTED, ("UnsupportedOperation.InstanceTypeNotSupportImage",), "the instance's type takes no images",
     "use another type"),
)  # fmt: skip

STS: Final[Group] = (
    (Kind.NOT_FOUND, ("ResourceNotFound.RoleNotFound",), "there is no such role",
     "check the role's ARN in the profile"),
    (Kind.DENIED, ("InternalError.GetRoleError", "UnauthorizedOperation", "AuthFailure.AccessKeyIllegal"),
     "the role does not trust this key, or the key may not assume it",
     "mend the role's trust policy, or grant sts:AssumeRole to the key"),
    (Kind.DENIED, ("InvalidParameter.AccessKeyNotSupport",), "STS does not know this kind of key",
     "use a key of an account, a CAM user or a role"),
    (Kind.DENIED, ("InvalidParameter.WebIdentityTokenError", "InvalidParameter.ParamError"),
     "the identity token or the role's ARN is refused", "renew the token file, check TKE_ROLE_ARN"),
)  # fmt: skip

#: A refusal with one of these says nothing about whether the call took effect (page S004).
DOUBTFUL: Final = frozenset({"FailedOperation.InternalOperationFailure"})
