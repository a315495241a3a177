"""CAM and STS as a look beforehand asks them: trust that is mended, grants that spread, who a key is, clocks that differ."""

from __future__ import annotations

import json
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from tencentcloud.cam.v20190116 import cam_client, models
from tencentcloud.common.credential import Credential

from imgmove.sandbox.world.accounts import Key, Policy
from tests.sandbox.tencent.cloud import BUCKET, OTHER_UIN, SECRET, SECRET_ID, TRUST_CVM, UIN, Cloud

ROLE = "CVM_QcsRole"
WRITES = "cos:PutObject"


def cam(cloud: Cloud, action: str, **parameters: Any) -> dict[str, Any]:
    return cloud.call("cam", action, "", **parameters)


def document(*actions: str, effect: str = "allow") -> str:
    statement = {"effect": effect, "action": [f"name/{action}" for action in actions], "resource": ["*"]}
    return json.dumps({"version": "2.0", "statement": [statement]})


def export(cloud: Cloud) -> dict[str, Any]:
    return {"BucketName": BUCKET, "ImageIds": [cloud.image().image_id], "DryRun": True}


# Trust and rights of the service role


def test_a_role_that_trusts_somebody_else_is_mended(cloud: Cloud) -> None:
    asked = export(cloud)
    cam(cloud, "UpdateAssumeRolePolicy", RoleName=ROLE, PolicyDocument=TRUST_CVM.replace("cvm.qcloud", "ci.qcloud"))
    assert cloud.refusal("cvm", "ExportImages", **asked) == "AuthFailure.CamRoleNameAuthenticateFailed"
    client = cam_client.CamClient(Credential(SECRET_ID, SECRET), "", cloud.profile("cam"))
    request = models.UpdateAssumeRolePolicyRequest()
    request.RoleName, request.PolicyDocument = ROLE, TRUST_CVM
    client.UpdateAssumeRolePolicy(request)
    assert cloud.cvm("ExportImages", **asked)
    assert cam(cloud, "GetRole", RoleName=ROLE)["RoleInfo"]["PolicyDocument"] == TRUST_CVM


def test_a_trust_policy_that_is_none_is_refused(cloud: Cloud) -> None:
    nobody = json.dumps({"version": "2.0", "statement": [{"action": "name/sts:AssumeRole", "effect": "allow"}]})
    for given, code in ((nobody, "InvalidParameter.PrincipalError"), ("{", "InvalidParameter.PolicyDocumentError")):
        assert cloud.refusal("cam", "UpdateAssumeRolePolicy", "", RoleName=ROLE, PolicyDocument=given) == code


def test_a_grant_spreads_on_the_sandbox_s_clock(cloud: Cloud) -> None:
    cloud.world.clock.freeze()
    asked, settings = export(cloud), cloud.world.tencent.settings
    cloud.world.accounts.delete_role("tencent", UIN, ROLE)
    settings.role_delay_seconds = 60
    cam(cloud, "CreateRole", RoleName=ROLE, PolicyDocument=TRUST_CVM)
    assert cloud.refusal("cvm", "ExportImages", **asked) == "AuthFailure.CamRoleNameAuthenticateFailed"
    cloud.pass_time(61)
    assert cloud.refusal("cvm", "ExportImages", **asked) == "InvalidParameterValue.InvalidBucketPermissionForExport"
    cam(cloud, "AttachRolePolicy", AttachRoleName=ROLE, PolicyName="QcloudCOSDataFullControl")
    assert cloud.refusal("cvm", "ExportImages", **asked) == "InvalidParameterValue.InvalidBucketPermissionForExport"
    cloud.pass_time(61)
    assert cloud.cvm("ExportImages", **asked)


@pytest.mark.parametrize(
    ("documents", "accepted"),
    [
        ([document("cos:*")], True),
        ([document(WRITES, "cos:InitiateMultipartUpload", "cos:UploadPart", "cos:CompleteMultipartUpload")], True),
        ([document("cos:InitiateMultipartUpload", "cos:UploadPart", "cos:CompleteMultipartUpload")], False),
        ([document("cos:*"), document(WRITES, effect="deny")], False),
        ([], False),
    ],
    ids=["all", "just enough", "without PutObject", "PutObject denied", "nothing"],
)
def test_the_role_s_rights_are_evaluated(cloud: Cloud, documents: list[str], accepted: bool) -> None:
    asked = export(cloud)
    for attached in cam(cloud, "ListAttachedRolePolicies", RoleName=ROLE, Page=1, Rp=200)["List"]:
        cam(cloud, "DetachRolePolicy", DetachRoleName=ROLE, PolicyId=attached["PolicyId"])
    for number, text in enumerate(documents):
        made = cam(cloud, "CreatePolicy", PolicyName=f"mine-{number}", PolicyDocument=text)
        cam(cloud, "AttachRolePolicy", AttachRoleName=ROLE, PolicyId=made["PolicyId"])
    if accepted:
        assert cloud.cvm("ExportImages", **asked)
    else:
        code = cloud.refusal("cvm", "ExportImages", **asked)
        assert code == "InvalidParameterValue.InvalidBucketPermissionForExport"


# Policies


def test_a_policy_s_life(cloud: Cloud) -> None:
    number = cam(cloud, "CreatePolicy", PolicyName="mine", PolicyDocument=document("cos:*"))["PolicyId"]
    cam(cloud, "AttachRolePolicy", AttachRoleName=ROLE, PolicyId=number)
    entities = cam(cloud, "ListEntitiesForPolicy", PolicyId=number, EntityFilter="All")
    assert [(each["Name"], each["RelatedType"]) for each in entities["List"]] == [(ROLE, 3)]
    (listed,) = cam(cloud, "ListPolicies", Keyword="mine", Scope="Local")["List"]
    assert (listed["PolicyId"], listed["Attachments"]) == (number, 1)
    assert cam(cloud, "UpdatePolicy", PolicyId=number, PolicyDocument=document(WRITES)) | {"PolicyId": number}
    (version,) = cam(cloud, "ListPolicyVersions", PolicyId=number)["Versions"]
    shown = cam(cloud, "GetPolicyVersion", PolicyId=number, VersionId=version["VersionId"])["PolicyVersion"]
    assert (shown["Document"], shown["IsDefaultVersion"]) == (document(WRITES), 1)
    assert cloud.refusal("cam", "GetPolicyVersion", "", PolicyId=number, VersionId=7) == (
        "InvalidParameter.PolicyVersionNotExists"
    )
    cam(cloud, "DeletePolicy", PolicyId=[number])
    assert cloud.refusal("cam", "GetPolicy", "", PolicyId=number) == "ResourceNotFound.PolicyIdNotFound"
    assert cam(cloud, "ListPolicies", Keyword="mine", Scope="Local")["TotalNum"] == 0


def test_a_preset_policy_can_be_read_but_not_changed(cloud: Cloud) -> None:
    (listed,) = cam(cloud, "ListPolicies", Keyword="QcloudCOSDataFullControl", Scope="QCS")["List"]
    number = listed["PolicyId"]
    shown = json.loads(cam(cloud, "GetPolicy", PolicyId=number)["PolicyDocument"])
    assert shown["statement"][0]["effect"] == "allow"
    for action, parameters in (
        ("DeletePolicy", {"PolicyId": [number]}),
        ("UpdatePolicy", {"PolicyId": number, "PolicyDocument": document("cos:*")}),
    ):
        assert cloud.refusal("cam", action, "", **parameters) == "InvalidParameter.PolicyIdError"


# Who a key is


def identity(cloud: Cloud, secrets: tuple[str, str, str | None] | None = None) -> dict[str, Any]:
    client = cloud.client("tencent_sts", "", secrets=secrets)
    answer: dict[str, Any] = client.call_json("GetCallerIdentity", {})["Response"]
    del answer["RequestId"]
    return answer


def test_the_account_itself_and_a_user_of_it(cloud: Cloud) -> None:
    arn = f"qcs::cam:{UIN}:uin"
    assert identity(cloud) == {
        "Arn": f"{arn}/{UIN}", "AccountId": UIN, "UserId": UIN, "PrincipalId": UIN, "Type": "CAMUser",
    }  # fmt: skip
    user = "100000000077"
    with cloud.world.lock:
        cloud.world.accounts.add_key(Key("tencent", "AKIDuser", SECRET, UIN, f"{arn}/{user}"))
    assert identity(cloud, ("AKIDuser", SECRET, None)) == {
        "Arn": f"{arn}/{user}", "AccountId": UIN, "UserId": user, "PrincipalId": user, "Type": "CAMUser",
    }  # fmt: skip


def test_a_role_s_session(cloud: Cloud) -> None:
    trust = TRUST_CVM.replace('"service": "cvm.qcloud.com"', f'"qcs": "qcs::cam::uin/{UIN}:root"')
    role_id = cam(cloud, "CreateRole", RoleName="ops", PolicyDocument=trust)["RoleId"]
    arn = f"qcs::cam::uin/{UIN}:roleName/ops"
    made = cloud.call("tencent_sts", "AssumeRole", "", RoleArn=arn, RoleSessionName="night", DurationSeconds=900)
    keys = made["Credentials"]
    secrets = (keys["TmpSecretId"], keys["TmpSecretKey"], keys["Token"])
    assert identity(cloud, secrets) == {
        "Arn": f"qcs::sts:{UIN}:assumed-role/{role_id}", "AccountId": UIN, "UserId": f"{role_id}:night",
        "PrincipalId": UIN, "Type": "CAMRole",
    }  # fmt: skip
    cloud.world.clock.skew_seconds = 901
    cloud.secrets = secrets
    assert cloud.refusal("cvm", "DescribeImages") == "AuthFailure.SignatureExpire"


def test_a_user_s_rights_are_those_of_its_policies(cloud: Cloud) -> None:
    with cloud.world.lock:
        accounts = cloud.world.accounts
        accounts.add_policy("tencent", UIN, Policy("look", document("cvm:Describe*", "sts:GetFederationToken")))
        accounts.add_key(Key("tencent", "AKIDu", SECRET, UIN, f"qcs::cam:{UIN}:uin/100000000077", policies=["look"]))
    cloud.secrets = ("AKIDu", SECRET, None)
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0
    assert cloud.refusal("cam", "GetRole", "", RoleName=ROLE) == "AuthFailure.UnauthorizedOperation"
    assert identity(cloud)["UserId"] == "100000000077"
    made = cloud.call("tencent_sts", "GetFederationToken", "", Name="x", Policy=document("cam:*", "cvm:*"))[
        "Credentials"
    ]
    cloud.secrets = (made["TmpSecretId"], made["TmpSecretKey"], made["Token"])
    assert cloud.refusal("cam", "GetRole", "", RoleName=ROLE) == "AuthFailure.UnauthorizedOperation"


def test_a_key_of_another_account_does_not_see_the_role(cloud: Cloud) -> None:
    with cloud.world.lock:
        cloud.world.accounts.add_key(
            Key("tencent", "AKIDo", SECRET, OTHER_UIN, f"qcs::cam:{OTHER_UIN}:uin/{OTHER_UIN}")
        )
    cloud.secrets = ("AKIDo", SECRET, None)
    assert cloud.refusal("cam", "GetRole", "", RoleName=ROLE) == "InvalidParameter.RoleNotExist"


# Clocks


@pytest.mark.parametrize(("skew", "code"), [(290, ""), (-290, ""), (310, "expired"), (-310, "expired")])
def test_a_clock_may_be_five_minutes_off(cloud: Cloud, skew: float, code: str) -> None:
    cloud.world.clock.skew_seconds = skew
    if code:
        assert cloud.refusal("tencent_sts", "GetCallerIdentity", "") == "AuthFailure.SignatureExpire"
    else:
        assert identity(cloud)["AccountId"] == UIN


@pytest.mark.parametrize("service", ["cvm", "ecm", "cam", "tencent_sts", "cos"])
def test_refusals_too_tell_the_service_s_time(cloud: Cloud, service: str) -> None:
    cloud.world.clock.skew_seconds = 7200
    request = urllib.request.Request(cloud.sandbox.endpoints[service] + "/nothing-1250000000/x")
    try:
        answer = urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert abs(told - cloud.world.clock.wall()) < 5
