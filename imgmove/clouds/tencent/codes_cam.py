"""The error codes of CAM: kind, meaning and what the operator does, as data (the `errorcodes.py` of its SDK)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.tencent.codes_cvm import Group
from imgmove.core.errors import Kind

CAM: Final[Group] = (
    (Kind.NOT_FOUND, ("InvalidParameter.RoleNotExist",), "there is no such role",
     "`imgmove roles create --provider tencent` makes it"),
    (Kind.NOT_FOUND, ("InvalidParameter.PolicyIdNotExist", "ResourceNotFound.PolicyIdNotFound",
                      "ResourceNotFound.NotFound"),
     "there is no such policy", "`imgmove roles show --provider tencent` shows the one that is needed"),
    (Kind.EXISTS, ("InvalidParameter.RoleNameInUse",), "a role of this name exists", "it is used as it is"),
    (Kind.EXISTS, ("FailedOperation.PolicyNameInUse",), "a policy of this name exists",
     "it is used as it is: see whether it allows what is needed"),
    (Kind.INVALID, ("InvalidParameter.RoleNameError",), "the role's name breaks CAM's rules",
     "1 to 128 letters, digits and +=,.@_-"),
    (Kind.INVALID, ("InvalidParameter.PolicyNameError",), "the policy's name breaks CAM's rules",
     "1 to 128 letters, digits and +=,.@_-"),
    (Kind.INVALID, ("InvalidParameter.DescriptionLengthOverlimit",), "the description is too long", "shorten it"),
    (Kind.INVALID, ("InvalidParameter.PolicyDocumentError", "InvalidParameter.PolicyDocumentLengthOverLimit",
                    "InvalidParameter.VersionError", "InvalidParameter.StatementError", "InvalidParameter.EffectError",
                    "InvalidParameter.ActionError", "InvalidParameter.ActionNotExist",
                    "InvalidParameter.ActionServiceNotExist", "InvalidParameter.ResourceError",
                    "InvalidParameter.PrincipalError", "InvalidParameter.ConditionError"),
     "CAM does not take the policy's document", "create the role in the console, and report this as a bug of imgmove"),
    (Kind.QUOTA, ("InvalidParameter.RoleFull",), "the account has as many roles as it may have",
     "delete a role, or name another one with --role-name"),
    (Kind.QUOTA, ("FailedOperation.PolicyFull",), "the account has as many policies as it may have",
     "delete a policy, or attach the preset QcloudCOSDataFullControl in the console"),
    (Kind.QUOTA, ("InvalidParameter.AttachmentFull",), "the role has as many policies as it may have",
     "detach one of them"),
    (Kind.DENIED, ("InvalidParameter.UserNotAuth",), "the account is not verified", "verify it in the console"),
)  # fmt: skip
