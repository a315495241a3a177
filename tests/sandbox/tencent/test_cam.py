"""CAM's roles and policies, and what they change for an export."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tencentcloud.cam.v20190116 import cam_client, models
from tencentcloud.common.credential import Credential

from tests.sandbox.tencent.cloud import BUCKET, SECRET, SECRET_ID, TRUST_CVM, UIN, Cloud


def cam(cloud: Cloud, action: str, **parameters: Any) -> dict[str, Any]:
    """A call of CAM."""
    return cloud.call("cam", action, "", **parameters)


def refused(cloud: Cloud, action: str, **parameters: Any) -> str:
    """The code that a call of CAM is refused with."""
    return cloud.refusal("cam", action, "", **parameters)


def policy(action: str = "name/cos:*", **other: Any) -> str:
    """A policy document."""
    return json.dumps(
        {"version": "2.0", "statement": [{"effect": "allow", "action": [action], "resource": ["*"]}], **other}
    )


def test_the_typed_sdk_makes_the_service_role_that_an_export_needs(cloud: Cloud) -> None:
    cloud.world.accounts.delete_role("tencent", UIN, "CVM_QcsRole")
    client = cam_client.CamClient(Credential(SECRET_ID, SECRET), "", cloud.profile("cam"))
    image = cloud.image()
    export = {"BucketName": BUCKET, "ImageIds": [image.image_id], "DryRun": True}
    assert cloud.refusal("cvm", "ExportImages", **export) == "AuthFailure.CamRoleNameAuthenticateFailed"

    request = models.CreateRoleRequest()
    request.RoleName, request.PolicyDocument, request.Description = "CVM_QcsRole", TRUST_CVM, "for exports"
    role_id = client.CreateRole(request).RoleId
    code = cloud.refusal("cvm", "ExportImages", **export)
    assert code == "InvalidParameterValue.InvalidBucketPermissionForExport"

    attach = models.AttachRolePolicyRequest()
    attach.AttachRoleName, attach.PolicyName = "CVM_QcsRole", "QcloudCOSDataFullControl"
    client.AttachRolePolicy(attach)
    client.AttachRolePolicy(attach)
    assert cloud.cvm("ExportImages", **export)

    read = models.GetRoleRequest()
    read.RoleName = "CVM_QcsRole"
    role = client.GetRole(read).RoleInfo
    assert (role.RoleId, role.Description, role.PolicyDocument) == (role_id, "for exports", TRUST_CVM)
    assert role.RoleArn == f"qcs::cam::uin/{UIN}:roleName/CVM_QcsRole"
    listing = models.ListAttachedRolePoliciesRequest()
    listing.RoleId, listing.Page, listing.Rp = role_id, 1, 10
    attached = client.ListAttachedRolePolicies(listing)
    assert [(each.PolicyName, each.PolicyType) for each in attached.List] == [("QcloudCOSDataFullControl", "QCS")]

    detach = models.DetachRolePolicyRequest()
    detach.DetachRoleId, detach.PolicyId = role_id, attached.List[0].PolicyId
    client.DetachRolePolicy(detach)
    assert client.ListAttachedRolePolicies(listing).TotalNum == 0
    delete = models.DeleteRoleRequest()
    delete.RoleId = role_id
    client.DeleteRole(delete)
    assert refused(cloud, "GetRole", RoleName="CVM_QcsRole") == "InvalidParameter.RoleNotExist"


def test_own_policies(cloud: Cloud) -> None:
    number = cam(cloud, "CreatePolicy", PolicyName="WriteImages", PolicyDocument=policy(), Description="d")["PolicyId"]
    found = cam(cloud, "GetPolicy", PolicyId=number)
    assert (found["PolicyName"], found["PolicyDocument"], found["Type"]) == ("WriteImages", policy(), 1)
    own = cam(cloud, "ListPolicies", Scope="Local")
    assert [(each["PolicyId"], each["PolicyName"]) for each in own["List"]] == [(number, "WriteImages")]
    preset = cam(cloud, "ListPolicies", Scope="QCS", Keyword="cosfull")
    assert [each["PolicyName"] for each in preset["List"]] == ["QcloudCOSFullAccess"]
    document = cam(cloud, "GetPolicy", PolicyId=preset["List"][0]["PolicyId"])["PolicyDocument"]
    assert json.loads(document)["version"] == "2.0"
    everything = cam(cloud, "ListPolicies", Rp=200)
    assert everything["TotalNum"] == len(everything["List"]) > 10
    assert len(cam(cloud, "ListPolicies", Rp=3, Page=2)["List"]) == 3
    cam(cloud, "AttachRolePolicy", PolicyId=number, AttachRoleName="CVM_QcsRole")
    user = cam(cloud, "ListAttachedRolePolicies", RoleName="CVM_QcsRole", Page=1, Rp=10, PolicyType="User")
    assert [each["PolicyName"] for each in user["List"]] == ["WriteImages"]


def test_roles_in_pages(cloud: Cloud) -> None:
    for number in range(4):
        cam(cloud, "CreateRole", RoleName=f"role-{number}", PolicyDocument=TRUST_CVM)
    pages = [cam(cloud, "DescribeRoleList", Page=page, Rp=2) for page in (1, 2, 3, 4)]
    assert [len(page["List"]) for page in pages] == [2, 2, 1, 0]
    assert {page["TotalNum"] for page in pages} == {5}


def test_who_the_account_is(cloud: Cloud) -> None:
    answer = cam(cloud, "GetUserAppId")
    assert (answer["Uin"], answer["AppId"]) == (UIN, 1250000000)


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("GetRole", {}, "InvalidParameter.ParamError"),
        ("GetRole", {"RoleId": "1"}, "InvalidParameter.RoleNotExist"),
        ("DeleteRole", {"RoleName": "absent"}, "InvalidParameter.RoleNotExist"),
        ("CreateRole", {"RoleName": "no good", "PolicyDocument": TRUST_CVM}, "InvalidParameter.RoleNameError"),
        ("CreateRole", {"RoleName": "CVM_QcsRole", "PolicyDocument": TRUST_CVM}, "InvalidParameter.RoleNameInUse"),
        ("CreateRole", {"RoleName": "r", "PolicyDocument": "{"}, "InvalidParameter.PolicyDocumentError"),
        ("CreateRole", {"RoleName": "r", "PolicyDocument": "[]"}, "InvalidParameter.PolicyDocumentError"),
        ("CreateRole", {"RoleName": "r", "PolicyDocument": "{}"}, "InvalidParameter.VersionError"),
        ("CreateRole", {"RoleName": "r", "PolicyDocument": policy()}, "InvalidParameter.PrincipalError"),
        ("CreateRole", {"RoleName": "r"}, "MissingParameter"),
        (
            "CreateRole",
            {"RoleName": "r", "PolicyDocument": TRUST_CVM, "Description": "x" * 301},
            "InvalidParameter.DescriptionLengthOverlimit",
        ),
        (
            "CreateRole",
            {"RoleName": "r", "PolicyDocument": TRUST_CVM, "SessionDuration": 43201},
            "InvalidParameter.ParamError",
        ),
        ("CreatePolicy", {"PolicyName": "no good", "PolicyDocument": policy()}, "InvalidParameter.PolicyNameError"),
        (
            "CreatePolicy",
            {"PolicyName": "p", "PolicyDocument": policy(statement=[])},
            "InvalidParameter.StatementError",
        ),
        (
            "CreatePolicy",
            {"PolicyName": "p", "PolicyDocument": policy(statement=[1])},
            "InvalidParameter.StatementError",
        ),
        ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": policy(statement=[{}])}, "InvalidParameter.EffectError"),
        (
            "CreatePolicy",
            {"PolicyName": "p", "PolicyDocument": policy(statement=[{"effect": "allow"}])},
            "InvalidParameter.ActionError",
        ),
        (
            "CreatePolicy",
            {"PolicyName": "p", "PolicyDocument": policy(statement={"effect": "deny", "action": "*", "resource": 5})},
            "InvalidParameter.ResourceError",
        ),
        (
            "CreatePolicy",
            {"PolicyName": "QcloudCOSFullAccess", "PolicyDocument": policy()},
            "FailedOperation.PolicyNameInUse",
        ),
        ("GetPolicy", {"PolicyId": 1}, "ResourceNotFound.PolicyIdNotFound"),
        ("ListPolicies", {"Scope": "Mine"}, "InvalidParameter.ScopeError"),
        ("ListPolicies", {"Rp": 201}, "InvalidParameter.ParamError"),
        ("DescribeRoleList", {"Page": 0, "Rp": 1}, "InvalidParameter.ParamError"),
        ("AttachRolePolicy", {"AttachRoleName": "CVM_QcsRole"}, "InvalidParameter.ParamError"),
        ("AttachRolePolicy", {"PolicyName": "QcloudCOSFullAccess"}, "InvalidParameter.ParamError"),
        (
            "AttachRolePolicy",
            {"AttachRoleName": "CVM_QcsRole", "PolicyName": "absent"},
            "InvalidParameter.PolicyIdNotExist",
        ),
        (
            "ListAttachedRolePolicies",
            {"RoleName": "CVM_QcsRole", "Page": 1, "Rp": 1, "PolicyType": "Odd"},
            "InvalidParameter.ParamError",
        ),
    ],
)
def test_calls_that_are_refused(cloud: Cloud, action: str, parameters: dict[str, Any], code: str) -> None:
    assert refused(cloud, action, **parameters) == code
