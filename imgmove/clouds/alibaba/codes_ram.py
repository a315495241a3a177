"""The error codes of RAM: kind, meaning and what the operator does, as data (alibaba.md 3.3; RAM's API pages)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.alibaba.codes_ecs import Group
from imgmove.core.errors import Kind

RAM: Final[Group] = (
    (Kind.DENIED, ("NoPermission",), "RAM refuses the action",
     "looking at service roles needs ram:GetRole, ram:ListPoliciesForRole and ram:GetPolicy; creating them "
     "ram:CreateRole, ram:UpdateRole and ram:AttachPolicyToRole, or AliyunRAMFullAccess"),
    (Kind.NOT_FOUND, ("EntityNotExist.Role",), "there is no such role",
     "create it: `imgmove roles create --provider alibaba`"),
    (Kind.NOT_FOUND, ("EntityNotExist.Policy", "EntityNotExist.Policy.Version", "EntityNotExist.Role.Policy"),
     "there is no such policy, or it is not attached to the role",
     "check the policy's name and type in the RAM console"),
    (Kind.EXISTS, ("EntityAlreadyExists.Role", "EntityAlreadyExists.Policy"), "a role or policy of this name exists",
     "look at it with `imgmove roles show --provider alibaba`, or choose another --role-name"),
    (Kind.EXISTS, ("EntityAlreadyExists.Role.Policy",), "the policy is attached already", "nothing is left to do"),
    (Kind.QUOTA, ("LimitExceeded.Role", "LimitExceeded.Policy", "LimitExceeded.Role.Policy"),
     "the account has as many roles or policies as it may, or the role as many policies",
     "delete or detach what is not needed in the RAM console, or ask for more"),
    (Kind.INVALID, ("MalformedPolicyDocument",), "the policy document is not well formed", "report it as a bug"),
    (Kind.INVALID, ("InvalidParameter.RoleName.InvalidChars", "InvalidParameter.RoleName.Length"),
     "the role's name breaks RAM's rules", "1 to 64 letters, digits, dots and dashes"),
    (Kind.INVALID, ("InvalidParameter.PolicyName.InvalidChars", "InvalidParameter.PolicyName.Length"),
     "the policy's name breaks RAM's rules", "1 to 128 letters, digits and dashes"),
)  # fmt: skip
