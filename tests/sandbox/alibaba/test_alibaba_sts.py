"""STS: who is calling, temporary keys, and what policies allow them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imgmove.sandbox.world.accounts import Key
from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, IMAGE, STRANGER, Cloud

EXPORT_ROLE = "AliyunECSImageExportDefaultRole"
TRUST_US = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"RAM": f"acs:ram::{ACCOUNT}:root"}}
        ],
    }
)


def ram(cloud: Cloud, action: str, **parameters: Any) -> dict[str, Any]:
    return cloud.rpc("ram", action, **parameters)


def document(*actions: str, effect: str = "Allow", resource: str = "*") -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "1", "Statement": [statement]})


def assume(cloud: Cloud, role: str = "operator", **parameters: Any) -> Key:
    """A temporary key for a role, as a client would use it."""
    arn = f"acs:ram::{ACCOUNT}:role/{role}"
    answer = cloud.rpc("alibaba_sts", "AssumeRole", RoleArn=arn, RoleSessionName="alice", **parameters)
    given = answer["Credentials"]
    return Key("alibaba", given["AccessKeyId"], given["AccessKeySecret"], ACCOUNT, "", token=given["SecurityToken"])


@pytest.fixture
def _operator(cloud: Cloud) -> None:
    ram(cloud, "CreateRole", RoleName="operator", AssumeRolePolicyDocument=TRUST_US, MaxSessionDuration=3600)
    ram(cloud, "CreatePolicy", PolicyName="look", PolicyDocument=document("ecs:Describe*"))
    ram(cloud, "AttachPolicyToRole", RoleName="operator", PolicyType="Custom", PolicyName="look")


def test_who_the_account_is(cloud: Cloud) -> None:
    identity = cloud.rpc("alibaba_sts", "GetCallerIdentity")
    assert {name: identity[name] for name in ("IdentityType", "AccountId", "Arn")} == {
        "IdentityType": "Account",
        "AccountId": ACCOUNT,
        "Arn": f"acs:ram::{ACCOUNT}:root",
    }


def test_who_a_user_is(cloud: Cloud) -> None:
    cloud.key.principal = f"acs:ram::{ACCOUNT}:user/alice"
    identity = cloud.rpc("alibaba_sts", "GetCallerIdentity")
    assert identity["IdentityType"] == "RAMUser"
    assert identity["UserId"] == identity["PrincipalId"] == cloud.rpc("alibaba_sts", "GetCallerIdentity")["UserId"]
    assert cloud.ask("DescribeRegions")


@pytest.mark.usefixtures("_operator")
def test_an_assumed_role_works_with_every_service(cloud: Cloud) -> None:
    key = assume(cloud)
    assert key.access_key_id.startswith("STS.")
    identity = cloud.rpc("alibaba_sts", "GetCallerIdentity", key)
    assert (identity["IdentityType"], identity["AccountId"]) == ("AssumedRoleUser", ACCOUNT)
    assert identity["Arn"] == f"acs:ram::{ACCOUNT}:assumed-role/operator/alice"
    assert identity["PrincipalId"].endswith(":alice")
    assert cloud.ask("DescribeImages", key=key)["TotalCount"] == 1


@pytest.mark.usefixtures("_operator")
@pytest.mark.parametrize(
    ("service", "action", "parameters", "code"),
    [
        ("ecs", "ExportImage", {"RegionId": HANGZHOU, "ImageId": IMAGE, "OSSBucket": "b"}, "Forbidden.RAM"),
        (
            "ecs",
            "CopyImage",
            {"RegionId": HANGZHOU, "ImageId": IMAGE, "DestinationRegionId": "cn-beijing"},
            "Forbbiden",
        ),
        ("ram", "ListRoles", {}, "NoPermission"),
        ("alibaba_sts", "AssumeRole", {"RoleArn": "acs:ram::1:role/x", "RoleSessionName": "xx"}, "NoPermission"),
    ],
)
def test_what_the_role_may_not_do(
    cloud: Cloud, service: str, action: str, parameters: dict[str, str], code: str
) -> None:
    answer = cloud.rpc_refused(service, action, assume(cloud), **parameters)
    assert (answer.code, answer.status) == (code, 403)
    detail = answer.data["AccessDeniedDetail"]
    assert detail["AuthAction"].endswith(f":{action}")
    assert detail["AuthPrincipalDisplayName"] == "operator:alice"


@pytest.mark.usefixtures("_operator")
def test_denied_on_the_older_page(cloud: Cloud) -> None:
    cloud.settings.error_names = "2017"
    key = assume(cloud)
    answer = cloud.refused("ExportImage", key=key, image_id=IMAGE, ossbucket="b")
    assert (answer.code, answer.status) == ("Forbidden", 400)


@pytest.mark.usefixtures("_operator")
def test_rights_on_one_image_only(cloud: Cloud) -> None:
    only = document("ecs:ExportImage", resource=f"acs:ecs:*:*:image/{IMAGE}")
    ram(cloud, "CreatePolicy", PolicyName="one", PolicyDocument=only)
    ram(cloud, "AttachPolicyToRole", RoleName="operator", PolicyType="Custom", PolicyName="one")
    key = assume(cloud)
    cloud.add_image("m-other")
    assert cloud.refused("ExportImage", key=key, image_id="m-other", ossbucket="hz-bucket").code == "Forbidden.RAM"
    assert cloud.ask("ExportImage", key=key, image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]


@pytest.mark.usefixtures("_operator")
def test_a_session_policy_narrows(cloud: Cloud) -> None:
    key = assume(cloud, Policy=document("ecs:DescribeTasks"))
    assert cloud.ask("DescribeTasks", key=key)["TotalCount"] == 0
    assert cloud.refused("DescribeImages", key=key).code == "Forbidden.RAM"


@pytest.mark.usefixtures("_operator")
def test_a_denial_wins(cloud: Cloud) -> None:
    ram(cloud, "CreatePolicy", PolicyName="no", PolicyDocument=document("ecs:DescribeImages", effect="Deny"))
    ram(cloud, "AttachPolicyToRole", RoleName="operator", PolicyType="Custom", PolicyName="no")
    key = assume(cloud)
    assert cloud.refused("DescribeImages", key=key).code == "Forbidden.RAM"
    assert cloud.ask("DescribeTasks", key=key)["TotalCount"] == 0


@pytest.mark.usefixtures("_operator")
def test_the_key_expires(cloud: Cloud) -> None:
    key = assume(cloud, DurationSeconds=900)
    cloud.clock.skew_seconds = 800  # within the quarter of an hour that signatures may be off
    assert cloud.ask("DescribeImages", key=key)["TotalCount"] == 1
    kept = cloud.world.accounts.key("alibaba", key.access_key_id)
    assert kept is not None
    assert kept.expires_at is not None
    kept.expires_at -= 200
    assert cloud.refused("DescribeImages", key=key).code == "InvalidSecurityToken.Expired"


@pytest.mark.usefixtures("_operator")
def test_role_names_in_arns_ignore_case(cloud: Cloud) -> None:
    assert assume(cloud, "OPERATOR").access_key_id


@pytest.mark.usefixtures("_operator")
@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"RoleArn": "operator"}, "InvalidParameter.RoleArn", 400),
        ({"RoleArn": f"acs:ram::{ACCOUNT}:role/none"}, "EntityNotExist.Role", 404),
        ({"RoleArn": f"acs:ram::{STRANGER}:role/operator"}, "EntityNotExist.Role", 404),
        ({"RoleSessionName": "a"}, "InvalidParameter.RoleSessionName", 400),
        ({"RoleSessionName": "with space"}, "InvalidParameter.RoleSessionName", 400),
        ({"DurationSeconds": 899}, "InvalidParameter.DurationSeconds", 400),
        ({"DurationSeconds": 3601}, "InvalidParameter.DurationSeconds", 400),
        ({"Policy": "{}"}, "InvalidParameter.PolicyGrammar", 400),
        ({"Policy": document("x" * 2100)}, "InvalidParameter.PolicySize", 400),
        ({"RoleArn": f"acs:ram::{ACCOUNT}:role/{EXPORT_ROLE}"}, "NoPermission", 403),
    ],
)
def test_assume_role_refuses(cloud: Cloud, parameters: dict[str, Any], code: str, status: int) -> None:
    usual = {"RoleArn": f"acs:ram::{ACCOUNT}:role/operator", "RoleSessionName": "alice"}
    answer = cloud.rpc_refused("alibaba_sts", "AssumeRole", **{**usual, **parameters})
    assert (answer.code, answer.status) == (code, status)
