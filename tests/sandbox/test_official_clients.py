"""Both clouds at once, in a process of their own, driven by four official SDKs: an image's way from one to the other."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import oss2
import pytest
from alibabacloud_ecs20140526 import models as ecs_models
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.utils_models import Config
from fastcrc import crc64
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.cvm.v20170312 import models as cvm_models
from tencentcloud.cvm.v20170312.cvm_client import CvmClient

from imgmove.sandbox.disks import DiskFormat, convert, recognise
from tests.sandbox.process import control, sandbox_process

COS_BUCKET, OSS_BUCKET = "imgmove-gz-1250000000", "imgmove-hz"
PART_BYTES = 1 << 20


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    directory = tmp_path_factory.mktemp("clouds")
    with sandbox_process("--directory", str(directory)) as (_, found):
        yield found


def pass_time(environment: dict[str, str]) -> None:
    control(environment, "POST", "/clock", advance=7200)


def host(environment: dict[str, str], service: str) -> str:
    return environment[f"IMGMOVE_ENDPOINT_URL_{service}"].removeprefix("http://")


@pytest.fixture
def cvm(environment: dict[str, str]) -> CvmClient:
    credential = Credential(environment["TENCENTCLOUD_SECRET_ID"], environment["TENCENTCLOUD_SECRET_KEY"])
    http = HttpProfile(protocol="http", endpoint=host(environment, "CVM"))
    return CvmClient(credential, environment["TENCENTCLOUD_REGION"], ClientProfile(httpProfile=http))


def cos_client(environment: dict[str, str], **place: Any) -> CosS3Client:
    return CosS3Client(
        CosConfig(
            Region=environment["TENCENTCLOUD_REGION"],
            SecretId=environment["TENCENTCLOUD_SECRET_ID"],
            SecretKey=environment["TENCENTCLOUD_SECRET_KEY"],
            **place,
        )
    )


@pytest.fixture
def cos(environment: dict[str, str]) -> CosS3Client:
    ip, port = host(environment, "COS").split(":")
    return cos_client(environment, Scheme="http", IP=ip, Port=int(port))


@pytest.fixture
def ecs(environment: dict[str, str]) -> EcsClient:
    return EcsClient(
        Config(
            access_key_id=environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            region_id=environment["ALIBABA_CLOUD_REGION_ID"],
            endpoint=host(environment, "ECS"),
            protocol="http",
        )
    )


@pytest.fixture
def oss(environment: dict[str, str]) -> oss2.Bucket:
    auth = oss2.AuthV4(environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    region = environment["ALIBABA_CLOUD_REGION_ID"]
    return oss2.Bucket(auth, environment["IMGMOVE_ENDPOINT_URL_OSS"], OSS_BUCKET, region=region)


def cvm_image(cvm: CvmClient, image_id: str) -> Any:
    request = cvm_models.DescribeImagesRequest()
    request.ImageIds = [image_id]
    (image,) = cvm.DescribeImages(request).ImageSet
    return image


def export_from_cvm(environment: dict[str, str], cvm: CvmClient, cos: CosS3Client, target: Path) -> str:
    """Exports the seeded image as qcow2 and fetches it; gives the object's CRC-64."""
    request = cvm_models.ExportImagesRequest()
    request.BucketName, request.ImageIds, request.ExportFormat = COS_BUCKET, ["img-seed0001"], "QCOW2"
    (path,) = cvm.ExportImages(request).CosPaths
    assert cvm_image(cvm, "img-seed0001").ImageState == "EXPORTING"
    pass_time(environment)
    assert cvm_image(cvm, "img-seed0001").ImageState == "NORMAL"
    key = path.lstrip("/")
    cos.get_object(Bucket=COS_BUCKET, Key=key)["Body"].get_stream_to_file(str(target))
    head = cos.head_object(Bucket=COS_BUCKET, Key=key)
    assert int(head["Content-Length"]) == target.stat().st_size
    return str(head["x-cos-hash-crc64ecma"])


def upload_in_parts(oss: oss2.Bucket, key: str, source: Path) -> str:
    """Uploads in parts of the smallest sensible size; gives the object's CRC-64."""
    upload_id = oss.init_multipart_upload(key).upload_id
    parts = []
    with source.open("rb") as file:
        for number, chunk in enumerate(iter(lambda: file.read(PART_BYTES), b""), 1):
            parts.append(oss2.models.PartInfo(number, oss.upload_part(key, upload_id, number, chunk).etag))
    oss.complete_multipart_upload(key, upload_id, parts)
    return str(oss.head_object(key).headers["x-oss-hash-crc64ecma"])


def import_to_ecs(environment: dict[str, str], ecs: EcsClient, key: str) -> str:
    """Imports an object and waits for the image; gives its id."""
    disk = ecs_models.ImportImageRequestDiskDeviceMapping(ossbucket=OSS_BUCKET, ossobject=key)
    request = ecs_models.ImportImageRequest(region_id="cn-hangzhou", image_name="from-cvm", disk_device_mapping=[disk])
    started = ecs.import_image(request).body
    pass_time(environment)
    task = ecs.describe_task_attribute(
        ecs_models.DescribeTaskAttributeRequest(region_id="cn-hangzhou", task_id=started.task_id)
    ).body
    assert (task.task_status, task.task_process) == ("Finished", "100%")
    images = ecs.describe_images(
        ecs_models.DescribeImagesRequest(region_id="cn-hangzhou", image_id=started.image_id, status="ALL")
    ).body.images.image
    assert [image.status for image in images] == ["Available"]
    return str(started.image_id)


def export_from_ecs(
    environment: dict[str, str], ecs: EcsClient, oss: oss2.Bucket, image_id: str, archive: Path
) -> None:
    """Exports an image, in the only format of this region, and fetches the archive."""
    ecs.export_image(
        ecs_models.ExportImageRequest(
            region_id="cn-hangzhou", image_id=image_id, ossbucket=OSS_BUCKET, ossprefix="back"
        )
    )
    pass_time(environment)
    (key,) = [item.key for item in oss2.ObjectIterator(oss, prefix=f"back_{image_id}")]
    assert key.endswith("_system.raw.tar.gz")
    oss.get_object_to_file(key, str(archive))


def crc_of(stream: IO[bytes]) -> int:
    """CRC-64 of a whole stream."""
    crc = 0
    while chunk := stream.read(1 << 22):
        crc = crc64.xz(chunk, crc)
    return crc


def crc_of_member(archive: Path) -> int:
    """CRC-64 of the only file in an archive, as somebody else's library reads it."""
    with tarfile.open(archive) as tar:
        (member,) = tar.getmembers()
        stream = tar.extractfile(member)
        assert stream is not None
        return crc_of(stream)


def test_an_image_goes_from_tencent_to_alibaba_and_back_out(
    environment: dict[str, str], cvm: CvmClient, cos: CosS3Client, ecs: EcsClient, oss: oss2.Bucket, tmp_path: Path
) -> None:
    qcow2, raw, back = tmp_path / "out.qcow2", tmp_path / "out.raw", tmp_path / "back.tar.gz"
    cos_crc = export_from_cvm(environment, cvm, cos, qcow2)
    assert recognise(qcow2).format is DiskFormat.QCOW2
    assert upload_in_parts(oss, "in.qcow2", qcow2) == cos_crc, "the two stores agree"
    image_id = import_to_ecs(environment, ecs, "in.qcow2")
    export_from_ecs(environment, ecs, oss, image_id, back)
    convert(qcow2, None, raw, DiskFormat.RAW)
    with raw.open("rb") as disk:
        assert crc_of_member(back) == crc_of(disk), "the guest's disk is the same to the last byte"


def test_an_object_becomes_a_cvm_image(
    environment: dict[str, str], cvm: CvmClient, cos: CosS3Client, tmp_path: Path
) -> None:
    export_from_cvm(environment, cvm, cos, tmp_path / "out.qcow2")
    cos.upload_file(Bucket=COS_BUCKET, Key="in/web.qcow2", LocalFilePath=str(tmp_path / "out.qcow2"))
    request = cvm_models.ImportImageRequest()
    request.Architecture, request.OsType, request.OsVersion = "x86_64", "Debian", "12"
    request.ImageName = "from-cos"
    request.ImageUrl = cos_client(environment, Scheme="https").get_presigned_url(
        COS_BUCKET, "in/web.qcow2", "GET", Expired=86400
    )
    image_id = cvm.ImportImage(request).ImageId
    pass_time(environment)
    image = cvm_image(cvm, image_id)
    assert (image.ImageState, image.ImageSource) == ("NORMAL", "EXTERNAL_IMPORT")


def test_the_log_counts_what_was_asked(environment: dict[str, str], cvm: CvmClient) -> None:
    control(environment, "DELETE", "/requests")
    cvm_image(cvm, "img-seed0001")
    entries = control(environment, "GET", "/requests?service=cvm&action=DescribeImages")["requests"]
    assert [entry["status"] for entry in entries] == [200]
