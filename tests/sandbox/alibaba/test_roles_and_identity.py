"""RAM and STS as a look beforehand asks them: trust that is mended, grants that spread, who a key is, clocks that differ."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from imgmove.sandbox.world.accounts import Key, Policy
from tests.sandbox.alibaba.cloud import ACCOUNT, IMAGE, SECRET, TRUST_ECS, Cloud

EXPORT, IMPORT = "AliyunECSImageExportDefaultRole", "AliyunECSImageImportDefaultRole"
EXPORT_POLICY, IMPORT_POLICY = "AliyunECSImageExportRolePolicy", "AliyunECSImageImportRolePolicy"


def export(cloud: Cloud) -> str:
    """The code that the dry run of an export ends with."""
    return cloud.refused("ExportImage", image_id=IMAGE, ossbucket="hz-bucket", dry_run=True).code


def import_(cloud: Cloud) -> str:
    """The code that the dry run of an import ends with."""
    cloud.put("a.raw", b"x" * 512)
    mapping = models.ImportImageRequestDiskDeviceMapping(ossbucket="hz-bucket", ossobject="a.raw")
    return cloud.refused("ImportImage", disk_device_mapping=[mapping], dry_run=True).code


def ram(cloud: Cloud, action: str, **parameters: Any) -> dict[str, Any]:
    return cloud.rpc("ram", action, **parameters)


def detach(cloud: Cloud, role: str, policy: str) -> None:
    ram(cloud, "DetachPolicyFromRole", RoleName=role, PolicyName=policy, PolicyType="System")


def attach(cloud: Cloud, role: str, policy: str, kind: str = "System") -> None:
    ram(cloud, "AttachPolicyToRole", RoleName=role, PolicyName=policy, PolicyType=kind)


def document(*actions: str) -> str:
    statement = {"Action": list(actions), "Effect": "Allow", "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]})


# Trust and rights of the service roles


def test_a_role_that_trusts_somebody_else_is_mended(cloud: Cloud) -> None:
    other = TRUST_ECS.replace("ecs.aliyuncs.com", "fc.aliyuncs.com")
    assert (export(cloud), import_(cloud)) == ("DryRunOperation", "DryRunOperation")
    for role, ask in ((EXPORT, export), (IMPORT, import_)):
        ram(cloud, "UpdateRole", RoleName=role, NewAssumeRolePolicyDocument=other)
        assert ask(cloud) == "NoSetRoletoECSServiceAcount"
        ram(cloud, "UpdateRole", RoleName=role, NewAssumeRolePolicyDocument=TRUST_ECS)
        assert ask(cloud) == "DryRunOperation"


def test_a_grant_spreads_on_the_sandbox_s_clock(cloud: Cloud) -> None:
    cloud.settings.role_delay_seconds = 60
    detach(cloud, EXPORT, EXPORT_POLICY)
    ram(cloud, "DeleteRole", RoleName=EXPORT)
    ram(cloud, "CreateRole", RoleName=EXPORT, AssumeRolePolicyDocument=TRUST_ECS)
    attach(cloud, EXPORT, EXPORT_POLICY)
    assert export(cloud) == "NoSetRoletoECSServiceAcount"
    cloud.clock.advance(61)
    assert export(cloud) == "DryRunOperation"


@pytest.mark.parametrize("missing", ["oss:PutObject", "oss:GetBucketLocation", "oss:ListParts"])
def test_each_right_of_the_export_role_counts(cloud: Cloud, missing: str) -> None:
    shown = ram(cloud, "GetPolicyVersion", PolicyName=EXPORT_POLICY, PolicyType="System", VersionId="v1")
    rights = json.loads(shown["PolicyVersion"]["PolicyDocument"])["Statement"][0]["Action"]
    assert missing in rights
    less = document(*(right for right in rights if right != missing))
    ram(cloud, "CreatePolicy", PolicyName="less", PolicyDocument=less)
    detach(cloud, EXPORT, EXPORT_POLICY)
    attach(cloud, EXPORT, "less", "Custom")
    assert export(cloud) == "InvalidOSS.NotAuthorized"


def test_the_import_role_needs_to_read(cloud: Cloud) -> None:
    detach(cloud, IMPORT, IMPORT_POLICY)
    attach(cloud, IMPORT, "AliyunECSReadOnlyAccess")
    assert import_(cloud) == "InvalidOSS.NotAuthorized"
    attach(cloud, IMPORT, "AliyunOSSFullAccess")
    assert import_(cloud) == "DryRunOperation"


def test_policies_are_listed_with_what_they_are_attached_to(cloud: Cloud) -> None:
    ram(cloud, "CreatePolicy", PolicyName="mine", PolicyDocument=document("oss:*"))
    attach(cloud, EXPORT, "mine", "Custom")
    listed = ram(cloud, "ListPolicies", PolicyType="Custom")
    assert [(p["PolicyName"], p["AttachmentCount"]) for p in listed["Policies"]["Policy"]] == [("mine", 1)]
    first = ram(cloud, "ListPolicies", PolicyType="System", MaxItems=2)
    assert first["IsTruncated"]
    second = ram(cloud, "ListPolicies", PolicyType="System", Marker=first["Marker"])
    names = [p["PolicyName"] for page in (first, second) for p in page["Policies"]["Policy"]]
    assert names == sorted(names)
    assert {EXPORT_POLICY, IMPORT_POLICY, "AliyunOSSFullAccess"} <= set(names)
    entities = ram(cloud, "ListEntitiesForPolicy", PolicyType="Custom", PolicyName="mine")
    assert [role["RoleName"] for role in entities["Roles"]["Role"]] == [EXPORT]
    assert entities["Users"] == {"User": []}
    (version,) = ram(cloud, "ListPolicyVersions", PolicyType="Custom", PolicyName="mine")["PolicyVersions"][
        "PolicyVersion"
    ]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v1", True)


# Who a key is


def identity(cloud: Cloud, key: Key | None = None) -> dict[str, Any]:
    answer = cloud.rpc("alibaba_sts", "GetCallerIdentity", key)
    del answer["RequestId"]
    return answer


def user(cloud: Cloud, *actions: str) -> Key:
    """A RAM user's key with a policy of its own."""
    with cloud.world.lock:
        cloud.world.accounts.add_policy("alibaba", ACCOUNT, Policy("of-user", document(*actions)))
        return cloud.world.accounts.add_key(
            Key("alibaba", "LTAIuser", SECRET, ACCOUNT, f"acs:ram::{ACCOUNT}:user/night", policies=["of-user"])
        )


def test_the_account_itself_and_a_user_of_it(cloud: Cloud) -> None:
    assert identity(cloud) == {
        "IdentityType": "Account", "AccountId": ACCOUNT, "PrincipalId": ACCOUNT, "UserId": ACCOUNT,
        "Arn": f"acs:ram::{ACCOUNT}:root",
    }  # fmt: skip
    shown = identity(cloud, user(cloud, "ecs:*"))
    assert (shown["IdentityType"], shown["Arn"]) == ("RAMUser", f"acs:ram::{ACCOUNT}:user/night")
    assert shown["UserId"] == shown["PrincipalId"] != ACCOUNT
    assert set(shown) == {"IdentityType", "AccountId", "PrincipalId", "UserId", "Arn"}


def test_a_user_may_do_what_its_policies_allow(cloud: Cloud) -> None:
    key = user(cloud, "ecs:Describe*")
    assert cloud.ask("DescribeImages", key=key)["TotalCount"]
    refusal = cloud.rpc_refused("ram", "GetRole", key, RoleName=EXPORT)
    assert (refusal.code, refusal.status) == ("NoPermission", 403)
    detail = refusal.data["AccessDeniedDetail"]
    assert (detail["AuthAction"], detail["AuthPrincipalType"]) == ("ram:GetRole", "SubUser")
    assert cloud.refused("ExportImage", key=key, image_id=IMAGE, ossbucket="hz-bucket").code == "Forbidden.RAM"


def test_a_token_ends_on_the_wall_clock(cloud: Cloud) -> None:
    trust = TRUST_ECS.replace('{"Service":["ecs.aliyuncs.com"]}', f'{{"RAM":["acs:ram::{ACCOUNT}:root"]}}')
    ram(cloud, "CreateRole", RoleName="ops", AssumeRolePolicyDocument=trust)
    arn = f"acs:ram::{ACCOUNT}:role/ops"
    made = cloud.rpc("alibaba_sts", "AssumeRole", RoleArn=arn, RoleSessionName="night", DurationSeconds=900)
    keys = made["Credentials"]
    key = Key("alibaba", keys["AccessKeyId"], keys["AccessKeySecret"], ACCOUNT, "", token=keys["SecurityToken"])
    shown = identity(cloud, key)
    assert (shown["IdentityType"], shown["Arn"]) == (
        "AssumedRoleUser",
        f"acs:ram::{ACCOUNT}:assumed-role/ops/night",
    )
    assert shown["PrincipalId"] == f"{shown['RoleId']}:night"
    assert set(shown) == {"IdentityType", "AccountId", "PrincipalId", "RoleId", "Arn"}
    stored = cloud.world.accounts.key("alibaba", key.access_key_id)
    assert stored is not None
    stored.expires_at = cloud.clock.wall() - 1
    assert cloud.rpc_refused("alibaba_sts", "GetCallerIdentity", key).code == "InvalidSecurityToken.Expired"


# Clocks


@pytest.mark.parametrize(("skew", "fine"), [(880, True), (-880, True), (920, False), (-920, False)])
def test_a_clock_may_be_a_quarter_of_an_hour_off(cloud: Cloud, skew: float, fine: bool) -> None:
    cloud.clock.skew_seconds = skew
    if fine:
        assert identity(cloud)["AccountId"] == ACCOUNT
    else:
        assert cloud.rpc_refused("alibaba_sts", "GetCallerIdentity").code == "InvalidTimeStamp.Expired"


@pytest.mark.parametrize("service", ["ecs", "ram", "alibaba_sts"])
def test_refusals_too_tell_the_service_s_time(cloud: Cloud, service: str) -> None:
    cloud.clock.skew_seconds = -7200
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://{cloud.endpoint(service)}/", timeout=10)
    with caught.value as answer:
        told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert abs(told - cloud.clock.wall()) < 5
