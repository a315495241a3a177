"""RAM: roles and policies made and used from scratch, and every refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, IMAGE, TRUST_ECS, Cloud, Refused

EXPORT_ROLE = "AliyunECSImageExportDefaultRole"
EXPORT_POLICY = "AliyunECSImageExportRolePolicy"
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


def refused(cloud: Cloud, action: str, **parameters: Any) -> Refused:
    return cloud.rpc_refused("ram", action, **parameters)


def document(*actions: str, effect: str = "Allow", resource: str = "*") -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "1", "Statement": [statement]})


def test_a_role_made_through_ram_lets_ecs_export(cloud: Cloud) -> None:
    cloud.world.accounts.delete_role("alibaba", ACCOUNT, EXPORT_ROLE)
    ram(cloud, "CreateRole", RoleName=EXPORT_ROLE, AssumeRolePolicyDocument=TRUST_ECS, Description="for exports")
    assert cloud.refused("ExportImage", image_id=IMAGE, ossbucket="hz-bucket").code == "NoSetRoletoECSServiceAcount"
    ram(cloud, "AttachPolicyToRole", RoleName=EXPORT_ROLE, PolicyType="System", PolicyName=EXPORT_POLICY)
    assert cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]


def test_a_custom_policy_does_as_well(cloud: Cloud) -> None:
    ram(cloud, "DetachPolicyFromRole", RoleName=EXPORT_ROLE, PolicyType="System", PolicyName=EXPORT_POLICY)
    wide = document("oss:*", resource="acs:oss:*:*:hz-bucket*")
    ram(cloud, "CreatePolicy", PolicyName="mine", PolicyDocument=wide)
    ram(cloud, "AttachPolicyToRole", RoleName=EXPORT_ROLE, PolicyType="Custom", PolicyName="mine")
    cloud.world.objects.create_bucket("alibaba", "other-bucket", HANGZHOU, ACCOUNT)
    assert cloud.refused("ExportImage", image_id=IMAGE, ossbucket="other-bucket").code == "InvalidOSS.NotAuthorized"
    assert cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]


def test_what_a_role_looks_like(cloud: Cloud) -> None:
    made = ram(cloud, "CreateRole", RoleName="my-role", AssumeRolePolicyDocument=TRUST_US, MaxSessionDuration=7200)
    role = ram(cloud, "GetRole", RoleName="my-role")["Role"]
    assert role == made["Role"]
    assert role["Arn"] == f"acs:ram::{ACCOUNT}:role/my-role"
    assert (role["AssumeRolePolicyDocument"], role["MaxSessionDuration"]) == (TRUST_US, 7200)
    listed = {each["RoleName"]: each for each in ram(cloud, "ListRoles")["Roles"]["Role"]}
    assert set(listed) == {"my-role", EXPORT_ROLE, "AliyunECSImageImportDefaultRole"}
    assert "AssumeRolePolicyDocument" not in listed["my-role"]


def test_a_role_can_be_changed(cloud: Cloud) -> None:
    ram(cloud, "CreateRole", RoleName="my-role", AssumeRolePolicyDocument=TRUST_US)
    cloud.clock.skew_seconds = 100
    ram(cloud, "UpdateRole", RoleName="my-role", NewAssumeRolePolicyDocument=TRUST_ECS, NewDescription="new")
    role = ram(cloud, "GetRole", RoleName="my-role")["Role"]
    assert (role["AssumeRolePolicyDocument"], role["Description"]) == (TRUST_ECS, "new")
    assert role["UpdateDate"] > role["CreateDate"]


def test_pages_of_roles(cloud: Cloud) -> None:
    for number in range(5):
        ram(cloud, "CreateRole", RoleName=f"role-{number}", AssumeRolePolicyDocument=TRUST_US)
    names, marker = [], ""
    while True:
        page = ram(cloud, "ListRoles", MaxItems=2, Marker=marker)
        names += [role["RoleName"] for role in page["Roles"]["Role"]]
        if not page["IsTruncated"]:
            break
        marker = page["Marker"]
    assert names == sorted(names)
    assert len(names) == 7


def test_policies(cloud: Cloud) -> None:
    made = ram(cloud, "CreatePolicy", PolicyName="mine", PolicyDocument=document("oss:*"), Description="d")["Policy"]
    assert (made["PolicyType"], made["DefaultVersion"]) == ("Custom", "v1")
    ram(cloud, "AttachPolicyToRole", RoleName=EXPORT_ROLE, PolicyType="Custom", PolicyName="mine")
    shown = ram(cloud, "GetPolicy", PolicyType="Custom", PolicyName="mine")
    assert shown["Policy"]["AttachmentCount"] == 1
    assert shown["DefaultPolicyVersion"]["PolicyDocument"] == document("oss:*")
    version = ram(cloud, "GetPolicyVersion", PolicyType="Custom", PolicyName="mine", VersionId="v1")
    assert version["PolicyVersion"]["IsDefaultVersion"] is True
    attached = ram(cloud, "ListPoliciesForRole", RoleName=EXPORT_ROLE)["Policies"]["Policy"]
    assert [(each["PolicyName"], each["PolicyType"]) for each in attached] == [
        (EXPORT_POLICY, "System"),
        ("mine", "Custom"),
    ]
    assert all(each["AttachDate"] for each in attached)
    assert refused(cloud, "DeletePolicy", PolicyName="mine").code == "DeleteConflict.Policy.Role"
    ram(cloud, "DetachPolicyFromRole", RoleName=EXPORT_ROLE, PolicyType="Custom", PolicyName="mine")
    ram(cloud, "DeletePolicy", PolicyName="mine")
    assert refused(cloud, "GetPolicy", PolicyType="Custom", PolicyName="mine").code == "EntityNotExist.Policy"


@pytest.mark.parametrize(
    ("action", "parameters", "code", "status"),
    [
        ("GetRole", {}, "MissingParameter", 400),
        ("GetRole", {"RoleName": "none"}, "EntityNotExist.Role", 404),
        ("DeleteRole", {"RoleName": "none"}, "EntityNotExist.Role", 404),
        ("DeleteRole", {"RoleName": EXPORT_ROLE}, "DeleteConflict.Role.Policy", 409),
        ("ListPoliciesForRole", {"RoleName": "none"}, "EntityNotExist.Role", 404),
        ("ListRoles", {"MaxItems": 1001}, "InvalidParameter.MaxItems", 400),
        (
            "CreateRole",
            {"RoleName": EXPORT_ROLE, "AssumeRolePolicyDocument": TRUST_US},
            "EntityAlreadyExists.Role",
            409,
        ),
        (
            "CreateRole",
            {"RoleName": "a/b", "AssumeRolePolicyDocument": TRUST_US},
            "InvalidParameter.RoleName.InvalidChars",
            400,
        ),
        (
            "CreateRole",
            {"RoleName": "x" * 65, "AssumeRolePolicyDocument": TRUST_US},
            "InvalidParameter.RoleName.Length",
            400,
        ),
        ("CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}, "MalformedPolicyDocument", 400),
        ("CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "nope"}, "MalformedPolicyDocument", 400),
        (
            "CreateRole",
            {"RoleName": "r", "AssumeRolePolicyDocument": TRUST_US, "MaxSessionDuration": 60},
            "InvalidParameter.MaxSessionDuration",
            400,
        ),
        (
            "CreateRole",
            {"RoleName": "r", "AssumeRolePolicyDocument": TRUST_US, "Description": "x" * 1025},
            "InvalidParameter.Description.Length",
            400,
        ),
        (
            "AttachPolicyToRole",
            {"RoleName": EXPORT_ROLE, "PolicyType": "System", "PolicyName": "Nothing"},
            "EntityNotExist.Policy",
            404,
        ),
        (
            "AttachPolicyToRole",
            {"RoleName": EXPORT_ROLE, "PolicyType": "Custom", "PolicyName": EXPORT_POLICY},
            "EntityNotExist.Policy",
            404,
        ),
        (
            "AttachPolicyToRole",
            {"RoleName": EXPORT_ROLE, "PolicyType": "Odd", "PolicyName": EXPORT_POLICY},
            "InvalidParameter.PolicyType",
            400,
        ),
        (
            "AttachPolicyToRole",
            {"RoleName": EXPORT_ROLE, "PolicyType": "System", "PolicyName": EXPORT_POLICY},
            "EntityAlreadyExists.Role.Policy",
            409,
        ),
        (
            "DetachPolicyFromRole",
            {"RoleName": EXPORT_ROLE, "PolicyType": "System", "PolicyName": "AliyunOSSFullAccess"},
            "EntityNotExist.Role.Policy",
            404,
        ),
        (
            "GetPolicyVersion",
            {"PolicyType": "System", "PolicyName": EXPORT_POLICY, "VersionId": "v2"},
            "EntityNotExist.Policy.Version",
            404,
        ),
        (
            "CreatePolicy",
            {"PolicyName": EXPORT_POLICY, "PolicyDocument": document("oss:*")},
            "EntityAlreadyExists.Policy",
            409,
        ),
        ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": "[]"}, "MalformedPolicyDocument", 400),
        (
            "CreatePolicy",
            {"PolicyName": "p", "PolicyDocument": document("x" * 7000)},
            "InvalidParameter.PolicyDocument.Length",
            400,
        ),
        ("DeletePolicy", {"PolicyName": "none"}, "EntityNotExist.Policy", 404),
    ],
)
def test_ram_refuses(cloud: Cloud, action: str, parameters: dict[str, Any], code: str, status: int) -> None:
    answer = refused(cloud, action, **parameters)
    assert (answer.code, answer.status) == (code, status)


def test_a_role_takes_so_many_policies(cloud: Cloud) -> None:
    for number in range(19):
        ram(cloud, "CreatePolicy", PolicyName=f"p{number}", PolicyDocument=document("oss:*"))
        ram(cloud, "AttachPolicyToRole", RoleName=EXPORT_ROLE, PolicyType="Custom", PolicyName=f"p{number}")
    one_more = {"RoleName": EXPORT_ROLE, "PolicyType": "System", "PolicyName": "AliyunOSSFullAccess"}
    assert refused(cloud, "AttachPolicyToRole", **one_more).code == "LimitExceeded.Role.Policy"
