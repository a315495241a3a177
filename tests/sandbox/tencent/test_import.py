"""CVM's ImportImage: what becomes of an object, and what fails later without a reason."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.cvm.v20170312 import cvm_client, models

from imgmove.sandbox.disks import convert
from imgmove.sandbox.world.tencent_rules import IMPORT_PROBLEMS
from tests.sandbox.tencent.cloud import BUCKET, GZ, SECRET, SECRET_ID, SH, UIN, Cloud
from tests.sandbox.tencent.importing import SYSTEM, failure, imported, refused

# What an import does


def test_the_typed_sdk_follows_an_import_to_a_normal_image(cloud: Cloud) -> None:
    client = cvm_client.CvmClient(Credential(SECRET_ID, SECRET), GZ, cloud.profile("cvm"))
    request = models.ImportImageRequest()
    request.from_json_string(
        '{"Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12", "ImageName": "from-elsewhere",'
        '"ImageDescription": "moved", "LicenseType": "BYOL", "BootMode": "UEFI", "ImageFamily": "debian",'
        '"TagSpecification": [{"ResourceType": "image", "Tags": [{"Key": "team", "Value": "web"}]}]}'
    )
    request.ImageUrl = cloud.put("disk.raw", cloud.disk())
    image_id = client.ImportImage(request).ImageId

    seen = models.DescribeImagesRequest()
    seen.ImageIds = [image_id]
    assert client.DescribeImages(seen).TotalCount == 0, "a new image is not visible at once"
    cloud.pass_time(10)
    assert client.DescribeImages(seen).ImageSet[0].ImageState == "IMPORTING"
    cloud.pass_time(590)
    image = client.DescribeImages(seen).ImageSet[0]
    assert (image.ImageState, image.ImageSource, image.ImageType) == ("NORMAL", "EXTERNAL_IMPORT", "PRIVATE_IMAGE")
    assert (image.ImageName, image.ImageDescription, image.ImageFamily) == ("from-elsewhere", "moved", "debian")
    assert (image.OsName, image.Platform, image.LicenseType) == ("Debian 12 64bit", "Debian", "BYOL")
    assert [(tag.Key, tag.Value) for tag in image.Tags] == [("team", "web")]
    assert [(s.DiskUsage, s.DiskSize) for s in image.SnapshotSet] == [("SYSTEM_DISK", 1)]


def test_the_answer_may_lack_the_image_id(cloud: Cloud) -> None:
    cloud.world.tencent.settings.import_returns_image_id = False
    url = cloud.put("disk.raw", cloud.disk())
    answer = cloud.cvm("ImportImage", **SYSTEM, ImageName="new", ImageUrl=url)
    assert set(answer) == {"RequestId"}
    cloud.pass_time(600)
    named = cloud.cvm("DescribeImages", Filters=[{"Name": "image-name", "Values": ["new"]}])
    assert [image["ImageState"] for image in named["ImageSet"]] == ["NORMAL"]


@pytest.mark.parametrize("name", ["raw", "qcow2", "vhd", "vmdk"])
def test_what_was_imported_is_exported_again_byte_for_byte(cloud: Cloud, tmp_path: Path, name: str) -> None:
    disk = cloud.disk(marker=b"every byte of it")
    convert(disk, "raw", tmp_path / "upload", name)
    image_id = imported(cloud, cloud.put(f"disk.{name}", tmp_path / "upload"))
    assert cloud.state(image_id) == "NORMAL"
    (path,) = cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[image_id])["CosPaths"]
    cloud.pass_time(300)
    cloud.state(image_id)
    content = cloud.content(path[1:])
    assert content is not None
    assert content.read_bytes()[: disk.stat().st_size] == disk.read_bytes()


def test_data_disks_come_along(cloud: Cloud) -> None:
    data = cloud.put("data.raw", cloud.disk(table=False, file_system=False))
    image_id = imported(cloud, cloud.put("disk.raw", cloud.disk()), ImportImageDataDiskList=[{"ImageUrl": data}])
    (image,) = cloud.cvm("DescribeImages", ImageIds=[image_id])["ImageSet"]
    assert [s["DiskUsage"] for s in image["SnapshotSet"]] == ["SYSTEM_DISK", "DATA_DISK"]


def test_a_dry_run_starts_nothing(cloud: Cloud) -> None:
    url = cloud.put("disk.raw", cloud.disk())
    assert set(cloud.cvm("ImportImage", **SYSTEM, ImageName="new", ImageUrl=url, DryRun=True)) == {"RequestId"}
    cloud.pass_time(600)
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0


def test_sync_percent_may_move(cloud: Cloud) -> None:
    url = cloud.put("disk.raw", cloud.disk())
    image_id = cloud.cvm("ImportImage", **SYSTEM, ImageName="new", ImageUrl=url)["ImageId"]
    cloud.pass_time(150)

    def percent() -> object:
        return cloud.cvm("DescribeImages", ImageIds=[image_id])["ImageSet"][0]["SyncPercent"]

    assert percent() is None
    cloud.world.tencent.settings.import_moves_sync_percent = True
    assert percent() == 25


# Where the object may be


def test_public_and_signed_and_loopback_addresses(cloud: Cloud) -> None:
    disk = cloud.disk()
    public = cloud.put("public.raw", disk, public=True)
    assert cloud.state(imported(cloud, public, ImageName="a")) == "NORMAL"
    assert cloud.state(imported(cloud, public.replace("https", "http"), ImageName="b")) == "NORMAL"
    assert cloud.state(imported(cloud, cloud.put("odd name ü.raw", disk), ImageName="c")) == "NORMAL"
    here = f"{cloud.sandbox.endpoints['cos']}/{BUCKET}/public.raw"
    assert cloud.state(imported(cloud, here, ImageName="d")) == "NORMAL"


def test_within_the_mainland_the_object_may_be_in_another_region(cloud: Cloud) -> None:
    bucket = BUCKET.replace("images", "others")
    cloud.bucket(bucket, SH)
    url = cloud.put("disk.raw", cloud.disk(), bucket)
    assert cloud.state(imported(cloud, url)) == "NORMAL"
    given = {**SYSTEM, "ImageName": "new", "ImageUrl": url}
    for region in ("ap-singapore", "ap-shanghai-fsi"):
        assert cloud.refusal("cvm", "ImportImage", region, **given) == "InvalidParameter.InvalidParameterUrlError"


def test_objects_that_cannot_be_read_fail_the_import(cloud: Cloud) -> None:
    signed = cloud.put("private.raw", cloud.disk())
    private = cloud.url("private.raw", signed=False)
    assert failure(cloud, private) == "InvalidUrl"
    assert failure(cloud, private.replace("private", "absent")) == "InvalidUrl"
    assert failure(cloud, signed[:-1] + ("0" if signed[-1] != "0" else "1")) == "InvalidUrl"
    assert failure(cloud, private.replace("images-", "absent-")) == "InvalidUrl"
    short = cloud.url("private.raw", seconds=1)
    image_id = cloud.cvm("ImportImage", **SYSTEM, ImageName="late", ImageUrl=short)["ImageId"]
    cloud.world.clock.skew_seconds = 200
    cloud.pass_time(600)
    assert cloud.state(image_id) == "IMPORTFAILED"


def test_the_importer_may_ask_for_the_head_first_or_read_with_the_role(cloud: Cloud) -> None:
    settings = cloud.world.tencent.settings
    signed = cloud.put("private.raw", cloud.disk())
    settings.import_heads_first = True
    assert failure(cloud, signed) == "InvalidUrl"
    settings.import_heads_first = False
    settings.import_reads_with_role = True
    private = cloud.url("private.raw", signed=False)
    assert cloud.state(imported(cloud, private, ImageName="a")) == "NORMAL"
    role = cloud.world.accounts.role("tencent", UIN, "CVM_QcsRole")
    assert role is not None
    role.policies[:] = ["QcloudCOSDataWriteOnly"]
    assert failure(cloud, private) == "InvalidUrl"


# What fails later


def test_files_that_are_no_disks_the_vendor_takes(cloud: Cloud, tmp_path: Path) -> None:
    disk = cloud.disk()
    for name in ("vdi", "raw.tar.gz"):
        convert(disk, "raw", tmp_path / "upload", name)
        assert failure(cloud, cloud.put("disk", tmp_path / "upload")) == "InvalidFormatSize"
    assert failure(cloud, cloud.put("disk", b"")) == "InvalidFormatSize"
    assert failure(cloud, cloud.put("disk", b"not a disk at all")) == "InvalidFormatSize"
    assert failure(cloud, cloud.put("disk", bytes(4096))) == "PartitionNotPresent"


def test_disks_that_are_too_large(cloud: Cloud, tmp_path: Path) -> None:
    cloud.world.tencent.settings.max_import_virtual_gib = 0
    assert failure(cloud, cloud.put("disk", cloud.disk())) == "InvalidFormatSize"
    cloud.world.tencent.settings.max_import_virtual_gib = 1
    cloud.world.tencent.settings.max_import_actual_gib = 0
    assert failure(cloud, cloud.put("disk", cloud.disk())) == "InvalidFormatSize"


def test_disks_without_partitions_or_a_root(cloud: Cloud) -> None:
    assert failure(cloud, cloud.put("disk", cloud.disk(table=False))) == "PartitionNotPresent"
    assert failure(cloud, cloud.put("disk", cloud.disk(file_system=False))) == "RootPartitionNotFound"


def test_what_the_guest_lacks(cloud: Cloud) -> None:
    settings = cloud.world.tencent.settings
    settings.look_for_virtio = settings.look_for_cloudinit = True
    with_virtio = cloud.put("disk", cloud.disk(marker=b"virtio_blk"))
    assert failure(cloud, cloud.put("none", cloud.disk())) == "VirtioNotInstall"
    assert failure(cloud, with_virtio) == "CloudInitNotInstalled"
    assert cloud.state(imported(cloud, with_virtio, ImageName="forced", Force=True)) == "NORMAL"
    assert cloud.state(imported(cloud, cloud.put("both", cloud.disk(marker=b"virtio cloud-init")))) == "NORMAL"


@pytest.mark.skipif(
    shutil.which("sgdisk") is None, reason="sgdisk makes the GPT disk of this test; it is not installed"
)
def test_gpt_may_need_uefi(cloud: Cloud) -> None:
    disk = cloud.disk(size_mib=8, table=False)
    made = subprocess.run(["sgdisk", "--new=1:2048:0", disk], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    url = cloud.put("disk", disk)
    assert cloud.state(imported(cloud, url, ImageName="a")) == "NORMAL"
    cloud.world.tencent.settings.gpt_needs_uefi = True
    assert failure(cloud, url) == "PartitionNotPresent"
    assert cloud.state(imported(cloud, url, ImageName="b", BootMode="UEFI")) == "NORMAL"


def test_an_iso_needs_force(cloud: Cloud) -> None:
    iso = bytearray(1 << 20)
    iso[32769:32774] = b"CD001"
    url = cloud.put("system.iso", bytes(iso))
    assert refused(cloud, ImageUrl=url) == "InvalidParameterValue.ISOMustImportByForce"
    assert failure(cloud, cloud.put("system.raw", bytes(iso))) == "InvalidFormatSize"
    assert cloud.state(imported(cloud, url, Force=True)) == "NORMAL"


@pytest.mark.parametrize("code", IMPORT_PROBLEMS)
def test_a_fault_can_name_any_reason(cloud: Cloud, code: str) -> None:
    cloud.sandbox.faults.add(f"cvm:ImportImage fail-task code={code}")
    assert failure(cloud, cloud.put("disk", cloud.disk())) == code
    assert cloud.world.tencent.messages[-1].text == IMPORT_PROBLEMS[code]


def test_a_stalled_import(cloud: Cloud) -> None:
    cloud.sandbox.faults.add("cvm:ImportImage stall-task")
    assert cloud.state(imported(cloud, cloud.put("disk", cloud.disk()))) == "IMPORTING"
