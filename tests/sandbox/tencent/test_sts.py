"""Temporary keys: how they are had, what they may do, how they end."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from tests.sandbox.tencent.cloud import BUCKET, OTHER_UIN, UIN, Cloud

TRUST_OWNER = json.dumps(
    {
        "version": "2.0",
        "statement": [
            {
                "effect": "allow",
                "action": "name/sts:AssumeRole",
                "principal": {"qcs": [f"qcs::cam::uin/{UIN}:root"]},
            }
        ],
    }
)
ONLY_LOOKING = json.dumps(
    {"version": "2.0", "statement": [{"effect": "allow", "action": ["cvm:Describe*"], "resource": ["*"]}]}
)


def sts(cloud: Cloud, action: str, **parameters: Any) -> dict[str, Any]:
    """A call of STS."""
    return cloud.call("tencent_sts", action, "", **parameters)


def refused(cloud: Cloud, action: str, **parameters: Any) -> str:
    """The code that a call of STS is refused with."""
    return cloud.refusal("tencent_sts", action, "", **parameters)


def use(cloud: Cloud, answer: dict[str, Any]) -> None:
    """Works with the temporary keys from here on."""
    keys = answer["Credentials"]
    cloud.secrets = (keys["TmpSecretId"], keys["TmpSecretKey"], keys["Token"])


def make_role(cloud: Cloud, *policies: str, name: str = "operators", document: str = TRUST_OWNER) -> str:
    """A role of the account; gives its ARN."""
    cloud.call("cam", "CreateRole", "", RoleName=name, PolicyDocument=document, SessionDuration=10000)
    for each in policies:
        cloud.call("cam", "AttachRolePolicy", "", AttachRoleName=name, PolicyName=each)
    return f"qcs::cam::uin/{UIN}:roleName/{name}"


def test_who_am_i(cloud: Cloud) -> None:
    answer = sts(cloud, "GetCallerIdentity")
    assert (answer["AccountId"], answer["UserId"], answer["Type"]) == (UIN, UIN, "CAMUser")
    arn = make_role(cloud)
    role_id = cloud.call("cam", "GetRole", "", RoleName="operators")["RoleInfo"]["RoleId"]
    use(cloud, sts(cloud, "AssumeRole", RoleArn=arn, RoleSessionName="nightly"))
    answer = sts(cloud, "GetCallerIdentity")
    assert (answer["UserId"], answer["Type"]) == (f"{role_id}:nightly", "CAMRole")
    assert answer["Arn"] == f"qcs::sts:{UIN}:assumed-role/{role_id}"


def test_a_role_may_do_what_its_policies_allow(cloud: Cloud) -> None:
    arn = make_role(cloud, "QcloudCVMReadOnlyAccess", "QcloudSTSFullAccess")
    answer = sts(cloud, "AssumeRole", RoleArn=arn, RoleSessionName="nightly", DurationSeconds=10000)
    assert answer["ExpiredTime"] == pytest.approx(cloud.world.clock.wall() + 10000, abs=5)
    assert answer["Expiration"].endswith("Z")
    use(cloud, answer)
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0
    code = cloud.refusal("cvm", "ExportImages", BucketName=BUCKET, ImageIds=["img-12345678"])
    assert code == "AuthFailure.UnauthorizedOperation"
    assert refused(cloud, "GetFederationToken", Name="x", Policy=ONLY_LOOKING) == "FailedOperation.TempKeyNotAllowed"
    cloud.world.accounts.delete_role("tencent", UIN, "operators")
    assert cloud.refusal("cvm", "DescribeImages") == "AuthFailure.UnauthorizedOperation"


def test_the_requests_policy_narrows_a_role_down(cloud: Cloud) -> None:
    arn = make_role(cloud, "AdministratorAccess")
    given = {"RoleArn": arn, "RoleSessionName": "nightly", "Policy": quote(ONLY_LOOKING)}
    use(cloud, sts(cloud, "AssumeRole", **given))
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0
    assert cloud.refusal("cvm", "DeleteImages", ImageIds=["img-12345678"]) == "AuthFailure.UnauthorizedOperation"
    assert cloud.refusal("ecm", "DescribeImage") == "UnauthorizedOperation.ForbiddenOperation"


def test_a_federated_user(cloud: Cloud) -> None:
    use(cloud, sts(cloud, "GetFederationToken", Name="guest", Policy=ONLY_LOOKING, DurationSeconds=60))
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0
    assert cloud.refusal("cvm", "DeleteImages", ImageIds=["img-12345678"]) == "AuthFailure.UnauthorizedOperation"
    answer = sts(cloud, "GetCallerIdentity")
    assert (answer["UserId"], answer["Arn"]) == (f"{UIN}:guest", f"qcs::sts:{UIN}:federated-user/{UIN}")


def test_the_keys_end_with_their_time(cloud: Cloud) -> None:
    use(cloud, sts(cloud, "GetFederationToken", Name="guest", Policy=ONLY_LOOKING, DurationSeconds=60))
    key = cloud.world.accounts.key("tencent", cloud.secrets[0])
    assert key is not None
    key.expires_at = cloud.world.clock.wall()
    assert cloud.refusal("cvm", "DescribeImages") == "AuthFailure.TokenFailure"


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("AssumeRole", {"RoleArn": "operators"}, "InvalidParameter.ParamError"),
        ("AssumeRole", {"RoleArn": f"qcs::cam::uin/{UIN}:roleName/absent"}, "ResourceNotFound.RoleNotFound"),
        ("AssumeRole", {"RoleArn": f"qcs::cam::uin/{OTHER_UIN}:role/12"}, "ResourceNotFound.RoleNotFound"),
        ("AssumeRole", {"RoleArn": f"qcs::cam::uin/{UIN}:roleName/CVM_QcsRole"}, "UnauthorizedOperation"),
        ("AssumeRole", {"RoleSessionName": "x"}, "InvalidParameter.ParamError"),
        ("AssumeRole", {"DurationSeconds": 10001}, "InvalidParameter.OverTimeError"),
        ("AssumeRole", {"DurationSeconds": 0}, "InvalidParameter.OverTimeError"),
        ("AssumeRole", {"Policy": "nonsense"}, "InvalidParameter.StrategyFormatError"),
        ("GetFederationToken", {"Name": "", "Policy": ONLY_LOOKING}, "InvalidParameter.ParamError"),
        ("GetFederationToken", {"Name": "x", "Policy": "{}"}, "InvalidParameter.StrategyFormatError"),
        ("GetFederationToken", {"Name": "x"}, "MissingParameter"),
        (
            "GetFederationToken",
            {"Name": "x", "Policy": ONLY_LOOKING, "DurationSeconds": 7201},
            "InvalidParameter.OverTimeError",
        ),
    ],
)
def test_calls_that_are_refused(cloud: Cloud, action: str, parameters: dict[str, Any], code: str) -> None:
    arn = make_role(cloud)
    if action == "AssumeRole":
        parameters = {"RoleArn": arn, "RoleSessionName": "nightly", **parameters}
    with pytest.raises(TencentCloudSDKException) as caught:
        sts(cloud, action, **parameters)
    assert caught.value.code == code
