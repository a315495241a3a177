"""Everything that a seed may say, and what the clouds then answer to their official clients."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from imgmove.sandbox import Sandbox, SeedError
from imgmove.sandbox.seed import alibaba, tencent

COS_BUCKET, OSS_BUCKET = "imgmove-gz-1250000000", "imgmove-hz"
CVM, ECS = "img-seed0001", "m-bp1seed0000000000001"
VERSIONS = {"ecs": "2014-05-26", "ram": "2015-05-01", "alibaba_sts": "2015-04-01"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.clock.freeze()
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    running.world.tencent.settings.rate_limits = False
    return running


def call(sandbox: Sandbox, action: str, *, key: tuple[str, str, str | None] | None = None, **parameters: Any) -> Any:
    """A call of CVM, or of CAM for its actions, through the SDK's general client."""
    service, version = ("cam", "2019-01-16") if "Role" in action else ("cvm", "2017-03-12")
    http_profile = HttpProfile(protocol="http", endpoint=sandbox.endpoint(service).removeprefix("http://"))
    credential = Credential(*(key or (tencent.KEY_ID, tencent.SECRET, None)))
    region = tencent.REGION if service == "cvm" else ""
    client = CommonClient(service, version, credential, region, ClientProfile(httpProfile=http_profile))
    return client.call_json(action, parameters)["Response"]


def cvm_refusal(sandbox: Sandbox, action: str = "ExportImages", **parameters: Any) -> str:
    asked = {"BucketName": COS_BUCKET, "ImageIds": [CVM], "DryRun": True} if action == "ExportImages" else {}
    try:
        call(sandbox, action, **{**asked, **parameters})
    except TencentCloudSDKException as error:
        return str(error.code)
    return ""


def rpc(sandbox: Sandbox, service: str, action: str, key: tuple[str, ...] = (), /, **parameters: str) -> dict[str, Any]:
    key_id, secret, *token = key or (alibaba.KEY_ID, alibaba.SECRET)
    config = Config(
        access_key_id=key_id,
        access_key_secret=secret,
        security_token=token[0] if token else None,
        region_id=alibaba.REGION,
        endpoint=sandbox.endpoint(service).removeprefix("http://"),
        protocol="http",
    )
    how = Params(
        action=action, version=VERSIONS[service], protocol="HTTP", pathname="/", method="POST", auth_type="AK",
        style="RPC", req_body_type="formData", body_type="json",
    )  # fmt: skip
    answer: dict[str, Any] = OpenApiClient(config).call_api(how, OpenApiRequest(query=parameters), RuntimeOptions())
    return dict(answer["body"])


def ecs_refusal(sandbox: Sandbox, image_id: str = ECS) -> str:
    asked = {"RegionId": alibaba.REGION, "ImageId": image_id, "OSSBucket": OSS_BUCKET, "DryRun": "true"}
    try:
        rpc(sandbox, "ecs", "ExportImage", **asked)
    except ClientException as error:
        return str(error.code)
    raise AssertionError("a dry run ends with an error in any case")


def oss(sandbox: Sandbox, name: str = OSS_BUCKET) -> oss2.Bucket:
    auth = oss2.AuthV4(alibaba.KEY_ID, alibaba.SECRET)
    return oss2.Bucket(auth, sandbox.endpoint("oss"), name, region=alibaba.REGION)


def cos(sandbox: Sandbox) -> CosS3Client:
    address = sandbox.endpoint("cos").removeprefix("http://")
    host, _, port = address.partition(":")
    config = CosConfig(
        Region=tencent.REGION, SecretId=tencent.KEY_ID, SecretKey=tencent.SECRET, Scheme="http", IP=host,
        Port=int(port), ServiceDomain=address,
    )  # fmt: skip
    return CosS3Client(config, retry=0)


# Images, and the code that their export is refused with


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, ""),
        ({"state": "EXPORTING"}, "InvalidParameterValue.InvalidImageState"),
        ({"state": "CREATEFAILED"}, "InvalidParameterValue.InvalidImageState"),
        ({"kind": "shared"}, "UnsupportedOperation.SharedImageExportUnsupported"),
        ({"kind": "public"}, "UnsupportedOperation.PublicImageExportUnsupported"),
        ({"kind": "from-market"}, "UnsupportedOperation.MarketImageExportUnsupported"),
        ({"platform": "Windows"}, "UnsupportedOperation.WindowsImageExportUnsupported"),
        ({"platform": "RedHat"}, "UnsupportedOperation.RedHatImageExportUnsupported"),
        ({"encrypted": True}, "UnsupportedOperation.EncryptedImagesNotSupported"),
        ({"snapshot_gone": True}, "InvalidParameter.SnapshotNotFound"),
        ({"size_gib": 501}, "UnsupportedOperation.ImageTooLargeExportUnsupported"),
        ({"data_disks_gib": [20, 600]}, "UnsupportedOperation.ImageTooLargeExportUnsupported"),
        ({"absent": True}, "InvalidImageId.NotFound"),
    ],
)
def test_an_image_of_cvm(sandbox: Sandbox, fields: dict[str, Any], code: str) -> None:
    sandbox.sow({"image": [{"id": CVM, **fields}]})
    assert cvm_refusal(sandbox) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "DryRunOperation"),
        ({"state": "UnAvailable"}, "IncorrectImageStatus"),
        ({"state": "Creating"}, "IncorrectImageStatus"),
        ({"kind": "shared"}, "InvalidImageCategory.NotSupported"),
        ({"kind": "public"}, "InvalidImageCategory.NotSupported"),
        ({"kind": "market"}, "ImageNotSupported"),
        ({"kind": "from-market"}, "ImageNotSupported"),
        ({"platform": "Windows Server 2022"}, "InvalidImageLicense.NotSupported"),
        ({"encrypted": True}, "ImageNotSupported"),
        ({"data_disks_gib": [600]}, "InvalidImage.DiskAmountOrSize"),
        ({"data_disks_gib": [1, 1, 1, 1, 1]}, "InvalidImage.DiskAmountOrSize"),
        ({"absent": True}, "InvalidImageId.NotFound"),
    ],
)
def test_an_image_of_ecs(sandbox: Sandbox, fields: dict[str, Any], code: str) -> None:
    sandbox.sow({"image": [{"id": ECS, **fields}]})
    assert ecs_refusal(sandbox) == code


def test_what_an_image_says_of_itself(sandbox: Sandbox) -> None:
    described = {"boot_mode": "UEFI", "license_type": "BYOL", "tags": {"owner": "ops"}, "size_gib": 40}
    sandbox.sow(
        {
            "image": [
                {"provider": "tencent", "name": "arm", "architecture": "arm", "data_disks_gib": [20], **described},
                {"provider": "alibaba", "name": "arm", "architecture": "arm64", "data_disks_gib": [20], **described},
            ]
        }
    )
    by_name = [{"Name": "image-name", "Values": ["arm"]}]
    (image,) = call(sandbox, "DescribeImages", Filters=by_name)["ImageSet"]
    assert (image["Architecture"], image["ImageSize"], image["LicenseType"]) == ("arm", 40, "BYOL")
    assert [(s["DiskUsage"], s["DiskSize"]) for s in image["SnapshotSet"]] == [("SYSTEM_DISK", 40), ("DATA_DISK", 20)]
    shown = rpc(sandbox, "ecs", "DescribeImages", RegionId=alibaba.REGION, ImageName="arm")["Images"]["Image"]
    assert [(i["Architecture"], i["BootMode"], i["Size"], i["LicenseType"]) for i in shown] == [
        ("arm64", "UEFI", 40, "BYOL")
    ]
    disks = shown[0]["DiskDeviceMappings"]["DiskDeviceMapping"]
    assert [(disk["Type"], disk["Device"], disk["Size"]) for disk in disks] == [
        ("system", "/dev/xvda", "40"),
        ("data", "/dev/xvdb", "20"),
    ]


# Buckets and objects


def test_buckets_as_a_look_beforehand_minds_them(sandbox: Sandbox) -> None:
    rule = {"id": "stage", "prefix": "stage/", "expire_days": 1, "abort_upload_days": 2}
    move = {"id": "cold", "transition_days": 3, "transition_class": "Archive"}
    sandbox.sow(
        {
            "bucket": [
                {"provider": "tencent", "name": COS_BUCKET, "acl": "public-read", "versioning": "Enabled",
                 "lifecycle": [rule], "encryption": "AES256", "multi_az": True},
                {"provider": "alibaba", "name": OSS_BUCKET, "storage_class": "Archive", "encryption": "KMS",
                 "versioning": "Suspended", "lifecycle": [rule, move], "block_public_access": True},
            ]
        }
    )  # fmt: skip
    client, bucket = cos(sandbox), oss(sandbox)
    assert client.get_bucket_versioning(COS_BUCKET) == {"Status": "Enabled"}
    assert client.get_bucket_lifecycle(COS_BUCKET)["Rule"][0]["Expiration"] == {"Days": "1"}
    assert client.head_bucket(COS_BUCKET)["x-cos-bucket-az-type"] == "MAZ"
    assert "AES256" in str(client.get_bucket_encryption(COS_BUCKET))
    info = bucket.get_bucket_info()
    assert (info.storage_class, info.versioning_status) == ("Archive", "Suspended")
    assert info.bucket_encryption_rule.sse_algorithm == "KMS"
    rules = bucket.get_bucket_lifecycle().rules
    assert [rule.id for rule in rules] == ["stage", "cold"]
    assert rules[1].storage_transitions[0].storage_class == "Archive"
    assert ecs_refusal(sandbox) == "InvalidOSSBucket.EncryptUnsupported"
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS_BUCKET, "encryption": "", "lifecycle": []}]})
    assert ecs_refusal(sandbox) == "DryRunOperation"


def test_buckets_elsewhere_of_others_and_gone(sandbox: Sandbox) -> None:
    sandbox.sow(
        {
            "object": [{"provider": "alibaba", "bucket": OSS_BUCKET, "key": "k", "text": "x"}],
            "bucket": [{"provider": "alibaba", "name": "theirs", "owner": "1000000000000002"}],
        }
    )
    with pytest.raises(oss2.exceptions.AccessDenied):
        oss(sandbox, "theirs").get_bucket_info()
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS_BUCKET, "absent": True}]})
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        oss(sandbox).get_bucket_info()
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS_BUCKET, "region": "cn-beijing"}]})
    assert ecs_refusal(sandbox) == "InvalidOSSBucket.NotMatched"
    assert oss(sandbox).get_bucket_info().location == "oss-cn-beijing"


def test_an_archived_object(sandbox: Sandbox) -> None:
    cold = {"key": "k.raw", "size_bytes": 512, "storage_class": "Archive"}
    sandbox.sow({"object": [{"provider": "alibaba", "bucket": OSS_BUCKET, **cold}]})
    with pytest.raises(oss2.exceptions.ServerError, match="InvalidObjectState"):
        oss(sandbox).get_object("k.raw")


# Roles and keys


@pytest.mark.parametrize(
    ("fields", "cvm", "ecs"),
    [
        ({}, "", "DryRunOperation"),
        ({"absent": True}, "AuthFailure.CamRoleNameAuthenticateFailed", "NoSetRoletoECSServiceAcount"),
        ({"trusts": ["ci.example"]}, "AuthFailure.CamRoleNameAuthenticateFailed", "NoSetRoletoECSServiceAcount"),
        ({"actions": ["cos:GetObject", "oss:GetObject"]},
         "InvalidParameterValue.InvalidBucketPermissionForExport", "InvalidOSS.NotAuthorized"),
        ({"policies": []}, "InvalidParameterValue.InvalidBucketPermissionForExport", "NoSetRoletoECSServiceAcount"),
        ({"actions": ["*"]}, "", "DryRunOperation"),
    ],
    ids=["as it is", "absent", "trusts another", "too little", "nothing", "all of its own"],
)  # fmt: skip
def test_service_roles(sandbox: Sandbox, fields: dict[str, Any], cvm: str, ecs: str) -> None:
    roles = [("tencent", "CVM_QcsRole"), ("alibaba", "AliyunECSImageExportDefaultRole")]
    sandbox.sow({"role": [{"provider": provider, "name": name, **fields} for provider, name in roles]})
    assert (cvm_refusal(sandbox), ecs_refusal(sandbox)) == (cvm, ecs)


def test_keys_of_users_and_keys_that_have_ended(sandbox: Sandbox) -> None:
    sandbox.sow(
        {
            "key": [
                {"provider": "tencent", "id": "AKIDlooker", "secret": "s", "actions": ["cvm:Describe*"]},
                {"provider": "alibaba", "id": "LTAIlooker", "secret": "s", "user": "night", "actions": ["ecs:*"]},
                {"provider": "alibaba", "id": "LTAIold", "secret": "s", "token": "t", "expires_in_seconds": -5},
                {"provider": "alibaba", "id": "LTAIoff", "secret": "s", "disabled": True},
            ]
        }
    )
    looker = ("AKIDlooker", "s", None)
    assert call(sandbox, "DescribeImages", key=looker)["TotalCount"]
    with pytest.raises(TencentCloudSDKException, match="UnauthorizedOperation"):
        call(sandbox, "GetRole", key=looker, RoleName="CVM_QcsRole")
    who = rpc(sandbox, "alibaba_sts", "GetCallerIdentity", ("LTAIlooker", "s"))
    assert (who["IdentityType"], who["Arn"]) == ("RAMUser", f"acs:ram::{alibaba.ACCOUNT}:user/night")
    for key, code in (
        (("LTAIlooker", "s"), "NoPermission"),
        (("LTAIold", "s", "t"), "InvalidSecurityToken.Expired"),
        (("LTAIoff", "s"), "Forbidden.AccessKeyDisabled"),
    ):
        with pytest.raises(ClientException) as caught:
            rpc(sandbox, "ram", "GetRole", key, RoleName="AliyunECSImageExportDefaultRole")
        assert caught.value.code == code


# Quotas, over the control port


def test_quotas_are_settings(sandbox: Sandbox) -> None:
    sandbox.sow({"settings": {"tencent": {"image_quota": 3}, "alibaba": {"max_images": 0}}})
    assert call(sandbox, "DescribeImageQuota")["ImageNumQuota"] == 3
    (quota,) = call(sandbox, "DescribeAccountQuota")["AccountQuotaOverview"]["AccountQuota"]["ImageQuotaSet"]
    assert quota == {"UsedQuota": 6, "TotalQuota": 3}
    told = {"Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12", "ImageName": "n"}
    url = f"https://{COS_BUCKET}.cos.{tencent.REGION}.myqcloud.com/k.raw"
    assert cvm_refusal(sandbox, "ImportImage", ImageUrl=url, **told) == "ImageQuotaLimitExceeded"
    oss(sandbox).put_object("k.raw", b"x" * 512)
    mapping = {"DiskDeviceMapping.1.OSSBucket": OSS_BUCKET, "DiskDeviceMapping.1.OSSObject": "k.raw"}
    with pytest.raises(ClientException) as caught:
        rpc(sandbox, "ecs", "ImportImage", RegionId=alibaba.REGION, **mapping)
    assert caught.value.code == "QuotaExceed.Image"
    attributes = rpc(sandbox, "ecs", "DescribeAccountAttributes", RegionId=alibaba.REGION)
    names = [each["AttributeName"] for each in attributes["AccountAttributeItems"]["AccountAttributeItem"]]
    assert "max-security-groups" in names
    assert not [name for name in names if "image" in name], "ECS has no call for its quota of images"


# The ways to say it


def _post(sandbox: Sandbox, body: object) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(sandbox.control_url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/seed", json.dumps(body).encode())
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def test_the_control_port_takes_the_same_tables(sandbox: Sandbox) -> None:
    status, state = _post(sandbox, {"image": [{"id": CVM, "state": "EXPORTING"}]})
    assert status == 200
    assert [image["state"] for image in state["tencent"]["images"] if image["id"] == CVM] == ["EXPORTING"]
    assert cvm_refusal(sandbox) == "InvalidParameterValue.InvalidImageState"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"images": []}, "'images': allowed are"),
        ({"image": {"name": "x"}}, "write [[image]] for each image"),
        ({"image": [{"name": "x", "size_gib": "big"}]}, "Expected `int | null`, got `str` - at `$.size_gib`"),
        ({"image": [{"name": "x", "provider": "tencent", "state": "ODD"}]}, "no state 'ODD'; there are: CREATING"),
        ({"image": [{"id": "img-nothere1", "absent": True}]}, "no image 'img-nothere1'"),
        ({"image": [{"id": "img-nothere1"}]}, "has no name"),
        ({"image": [{"name": "x", "file": "/etc/passwd"}]}, "only a seed file may name files"),
        ({"object": [{"provider": "alibaba", "bucket": OSS_BUCKET, "key": "k", "file": "/etc/passwd"}]},
         "only a seed file may name files"),
        ({"bucket": [{"provider": "alibaba", "name": "b", "lifecycle": [{"prefix": "x"}]}]}, "does nothing"),
        ({"bucket": [{"provider": "alibaba", "name": "b", "lifecycle": [{"expire_days": 0}]}]}, "`int` >= 1"),
        ({"object": [{"provider": "alibaba", "bucket": OSS_BUCKET, "key": "k", "size_bytes": 10**15}]}, "`int` <= "),
        ({"image": [{"id": CVM, "data_disks_gib": [1] * 99}]}, "length <= 32"),
        ({"settings": {"tencent": {"nothing": 1}}}, "there is no setting 'nothing'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_breaks(sandbox: Sandbox, body: dict[str, Any], says: str) -> None:
    status, content = _post(sandbox, body)
    assert (status, content["error"]["code"]) == (400, "InvalidSeed")
    assert says in content["error"]["message"]
    with pytest.raises(SeedError):
        sandbox.sow(body)
    assert cvm_refusal(sandbox) == ""


def test_a_seed_file_with_files(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("hello")
    (tmp_path / "world.toml").write_text(
        f"""
        [[object]]
        provider = "alibaba"
        bucket = "{OSS_BUCKET}"
        key = "k"
        file = "note"

        [[image]]
        id = "{CVM}"
        state = "SYNCING"
        """
    )
    with Sandbox(seed=tmp_path / "world.toml") as sandbox:
        assert oss(sandbox).get_object("k").read() == b"hello"
        assert cvm_refusal(sandbox) == "InvalidParameterValue.InvalidImageState"


def test_a_directory_keeps_what_was_sown(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "state") as sandbox:
        sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS_BUCKET, "lifecycle": [{"expire_days": 1}]}]})
    with Sandbox(tmp_path / "state") as sandbox:
        assert oss(sandbox).get_bucket_lifecycle().rules[0].expiration.days == 1
