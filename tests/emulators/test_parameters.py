"""Every vendor call of the four commands with every parameter, as it arrives on the wire (vendor pages, tencent.md 2,
alibaba.md 2)."""

from __future__ import annotations

import struct
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.emulators.conftest import Cli, Clouds

GZ = ("--provider", "tencent", "--region", "ap-guangzhou")
HZ = ("--provider", "alibaba", "--region", "cn-hangzhou")
COS_BUCKET, OSS_BUCKET = "stage-1250000000", "stage"
#: An empty qcow2 of version 2 and 1 MiB: header, L1 table, refcount table and block, of 64 KiB each.
QCOW2 = (
    struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20, 0, 1, 0x30000, 0x10000, 1, 0, 0).ljust(
        0x10000, b"\0"
    )
    + struct.pack(">Q", 0x20000).ljust(0x10000, b"\0")
    + struct.pack(">4H", 1, 1, 1, 1).ljust(0x10000, b"\0")
    + bytes(0x10000)
)
RAW = bytes(510) + b"\x55\xaa" + bytes(512)


def images(clouds: Clouds, *keys: str) -> None:
    """Small disk images under these keys in both stores."""
    for key in keys:
        body = QCOW2 if key.endswith("qcow2") else RAW
        clouds.cos.write(f"{COS_BUCKET}/{key}", body)
        clouds.oss.write(f"{OSS_BUCKET}/{key}", body)


# ------------------------------------------------------------------------------------------------- CVM ExportImages


@pytest.mark.parametrize("fmt", ["raw", "qcow2", "vhd", "vmdk"])
def test_cvm_export_with_everything(cli: Cli, clouds: Clouds, fmt: str) -> None:
    first, second = clouds.cvm.own("img-web00001", "web", disks=2), clouds.cvm.own("img-db000001", "db", disks=2)
    done = cli("export", first, second, *GZ, "--bucket", COS_BUCKET, "--format", fmt, "--prefix", "w", "--prefix", "d",
               "--root-disk-only", "--role-name", "My_Role", "-o", "json")  # fmt: skip
    assert done.code == 0, done
    assert clouds.cvm.last("ExportImages").values == {
        "BucketName": COS_BUCKET, "ImageIds": [first, second], "ExportFormat": fmt.upper(),
        "FileNamePrefixList": ["w", "d"], "OnlyExportRootDisk": True, "RoleName": "My_Role",
    }  # fmt: skip
    assert clouds.cvm.last("ExportImages").headers["x-tc-region"] == "ap-guangzhou"
    assert clouds.cvm.count("ExportImages") == 1
    document = done.json
    assert (document["task_id"], document["state"], document["progress"]) == ("105591590", "succeeded", 100)
    assert document["request_id"]
    assert [item["uri"] for item in document["artifacts"]] == [
        f"cos://{COS_BUCKET}/w_{first}_system_snap-sys0.{fmt}", f"cos://{COS_BUCKET}/d_{second}_system_snap-sys0.{fmt}",
    ]  # fmt: skip
    assert {item["format"] for item in document["artifacts"]} == {fmt}
    assert {item["disk"] for item in document["artifacts"]} == {"system"}
    assert all(item["crc64"].isdecimal() and item["size"] == 200 for item in document["artifacts"])


def test_cvm_export_with_nothing(cli: Cli, clouds: Clouds) -> None:
    image = clouds.cvm.own(disks=2)
    clouds.cvm.script = [("EXPORTING", {}), ("NORMAL", {"system": b"s" * 9, "data": b"d" * 8})]
    done = cli("export", f"tencent://ap-guangzhou/{image}", "--bucket", COS_BUCKET, "-o", "json")
    assert done.code == 0, done
    values = clouds.cvm.last("ExportImages").values
    assert set(values) <= {"BucketName", "ImageIds", "FileNamePrefixList", "ExportFormat"}
    assert values.get("ExportFormat", "RAW") == "RAW"
    assert [item["disk"] for item in done.json["artifacts"]] == ["system", "data"]
    assert [item["size"] for item in done.json["artifacts"]] == [9, 8]


def test_cvm_export_dry_run(cli: Cli, clouds: Clouds) -> None:
    image = clouds.cvm.own()
    done = cli("export", image, *GZ, "--bucket", COS_BUCKET, "--dry-run", "-o", "json")
    assert (done.code, done.json["state"], done.json["job"]) == (0, "succeeded", None)
    assert clouds.cvm.last("ExportImages").values["DryRun"] is True
    assert clouds.cvm.exports == {}


# --------------------------------------------------------------------------------------------------- CVM ImportImage


def test_cvm_import_with_everything(cli: Cli, clouds: Clouds) -> None:
    images(clouds, "web disk.qcow2", "data.raw")
    done = cli("import", f"cos://{COS_BUCKET}/web disk.qcow2", "--data-disk", f"cos://{COS_BUCKET}/data.raw",
               "--region", "ap-guangzhou", "--name", "web", "--os-type", "debian", "--os-version", "12",
               "--arch", "x86_64", "--boot-mode", "uefi", "--license", "BYOL", "--description", "of the web",
               "--family", "webs", "--tag", "team=ops", "--tag", "env=test", "--force", "-o", "json")  # fmt: skip
    assert done.code == 0, done
    values = dict(clouds.cvm.last("ImportImage").values)
    url, data, tags = values.pop("ImageUrl"), values.pop("ImportImageDataDiskList"), values.pop("TagSpecification")
    assert values == {
        "ImageName": "web", "Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12",
        "ImageDescription": "of the web", "Force": True, "LicenseType": "BYOL", "BootMode": "UEFI", "ImageFamily": "webs",
    }  # fmt: skip
    assert [item["ResourceType"] for item in tags] == ["image"]
    assert {tag["Key"]: tag["Value"] for tag in tags[0]["Tags"]} == {"team": "ops", "env": "test"}
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com")
    assert parts.path == "/web%20disk.qcow2"
    assert [urlsplit(item["ImageUrl"]).path for item in data] == ["/data.raw"]
    assert clouds.cvm.count("ImportImage") == 1
    assert done.json["image_id"].startswith("img-new")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), {"OsType": "Other Linux", "OsVersion": "-", "Architecture": "x86_64"}),
        (("--os-type", "ubuntu-22.04"), {"OsType": "Ubuntu", "OsVersion": "22"}),
        (("--os-type", "centos", "--os-version", "7.9"), {"OsType": "CentOS", "OsVersion": "7"}),
        (("--os-type", "windows", "--os-version", "2016"), {"OsType": "Windows Server 2016", "OsVersion": "-"}),
        (("--arch", "i386"), {"Architecture": "i386"}),
        (("--arch", "arm64"), {"Architecture": "arm_64"}),
        (("--boot-mode", "bios"), {"BootMode": "Legacy BIOS"}),
        (("--license", "TencentCloud"), {"LicenseType": "TencentCloud"}),
    ],
)
def test_cvm_import_in_the_vendors_words(
    cli: Cli, clouds: Clouds, words: tuple[str, ...], wanted: dict[str, Any]
) -> None:
    images(clouds, "a.raw")
    done = cli("import", f"cos://{COS_BUCKET}/a.raw", *GZ, "--name", "web", *words, "-o", "json")
    assert done.code == 0, done
    values = clouds.cvm.last("ImportImage").values
    assert {name: values.get(name) for name in wanted} == wanted
    optional = {"BootMode", "LicenseType", "Force", "TagSpecification", "ImageFamily", "ImageDescription", "DryRun"}
    assert not optional & set(values) - set(wanted)


def test_cvm_import_dry_run(cli: Cli, clouds: Clouds) -> None:
    images(clouds, "a.qcow2")
    done = cli("import", f"cos://{COS_BUCKET}/a.qcow2", *GZ, "--name", "web", "--dry-run", "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.cvm.last("ImportImage").values["DryRun"] is True
    assert clouds.cvm.images == {}


def test_the_systems_that_are_offered(cli: Cli, clouds: Clouds) -> None:
    done = cli("import", "--list-os", *GZ, "-o", "json")
    assert done.code == 0, done
    assert {"CentOS", "Ubuntu", "Debian", "Other Linux", "Windows Server 2016"} <= {
        row["os_type"] for row in done.json["os"]
    }


# --------------------------------------------------------------------------------------------------- CVM CreateImage


def test_cvm_create_with_everything(cli: Cli, clouds: Clouds) -> None:
    done = cli("create", "ins-9bsa90io", *GZ, "--name", "web", "--description", "of the web", "--force-poweroff",
               "--disk", "disk-1", "--disk", "disk-2", "--sysprep", "--family", "webs", "--tag", "team=ops",
               "-o", "json")  # fmt: skip
    assert done.code == 0, done
    assert clouds.cvm.last("CreateImage").values == {
        "ImageName": "web", "InstanceId": "ins-9bsa90io", "ImageDescription": "of the web", "ForcePoweroff": "true",
        "Sysprep": "true", "DataDiskIds": ["disk-1", "disk-2"], "ImageFamily": "webs",
        "TagSpecification": [{"ResourceType": "image", "Tags": [{"Key": "team", "Value": "ops"}]}],
    }  # fmt: skip
    assert clouds.cvm.count("CreateImage") == 1


def test_cvm_create_of_snapshots_and_dry(cli: Cli, clouds: Clouds) -> None:
    done = cli("create", "ins-9bsa90io", *GZ, "--name", "web", "--snapshot", "snap-1", "--snapshot", "snap-2")
    assert done.code == 0, done
    assert clouds.cvm.last("CreateImage").values == {"ImageName": "web", "SnapshotIds": ["snap-1", "snap-2"]}
    dry = cli("create", "ins-9bsa90io", *GZ, "--name", "other", "--dry-run", "-o", "json")
    assert (dry.code, dry.json["state"]) == (0, "succeeded"), dry
    assert clouds.cvm.last("CreateImage").values["DryRun"] is True


# --------------------------------------------------------------------------------------------------------------- ECM


def test_ecm_create_with_everything(cli: Cli, clouds: Clouds) -> None:
    done = cli("create", "ecm://ap-hangzhou-ecm/ein-running0", "--name", "edge", "--description", "of the edge",
               "--force-poweroff", "-o", "json")  # fmt: skip
    assert done.code == 0, done
    assert clouds.ecm.last("CreateImage").values == {
        "ImageName": "edge",
        "InstanceId": "ein-running0",
        "ImageDescription": "of the edge",
        "ForcePoweroff": "TRUE",
    }
    assert clouds.ecm.last("DescribeTaskStatus").values == {
        "TaskSet": [{"Operation": "CreateImage", "TaskId": done.json["task_id"]}]
    }
    assert (done.json["image_id"], done.json["task_id"].isdecimal()) == ("img-edge0001", True)


def test_ecm_without_a_region(cli: Cli, clouds: Clouds) -> None:
    done = cli("create", "ein-stopped0", "--provider", "ecm", "--name", "edge", "-o", "json")
    assert (done.code, done.json["image_id"]) == (0, "img-edge0001"), done
    assert "x-tc-region" not in clouds.ecm.last("CreateImage").headers
    assert "ForcePoweroff" not in clouds.ecm.last("CreateImage").values
    assert cli("images", "--provider", "ecm", "-o", "json").json["images"][0]["id"] == "img-edge0001"


def test_ecm_import_of_a_cvm_image(cli: Cli, clouds: Clouds) -> None:
    done = cli("import", "tencent://ap-chengdu/img-centre01", "--provider", "ecm", "--name", "edge",
               "--description", "centre", "-o", "json")  # fmt: skip
    assert (done.code, done.json["image_id"]) == (0, "img-edge0002"), done
    assert clouds.ecm.last("ImportImage").values == {
        "ImageId": "img-centre01",
        "ImageDescription": "centre",
        "SourceRegion": "ap-chengdu",
    }


def test_ecm_import_of_objects(cli: Cli, clouds: Clouds) -> None:
    images(clouds, "base.qcow2", "layer.qcow2")
    done = cli("import", f"cos://{COS_BUCKET}/base.qcow2", "--data-disk", f"cos://{COS_BUCKET}/layer.qcow2",
               "--provider", "ecm", "--name", "edge", "--os-type", "centos", "--os-version", "7", "--arch", "i386",
               "--description", "layers", "--init", "nbd", "-o", "json")  # fmt: skip
    assert (done.code, done.json["image_id"]) == (0, "img-edge0003"), done
    values = dict(clouds.ecm.last("ImportCustomImage").values)
    urls = [urlsplit(item["ImageFile"]) for item in values.pop("ImageUrls")]
    assert [(url.netloc, url.path) for url in urls] == [
        (f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com", "/base.qcow2"),
        (f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com", "/layer.qcow2"),
    ]
    assert values == {"ImageName": "edge", "Architecture": "i386", "OsType": "CentOS", "OsVersion": "7",
                      "ImageDescription": "layers", "InitFlag": "nbd"}  # fmt: skip
    filters = clouds.ecm.last("DescribeCustomImageTask").values["Filters"]
    assert filters == [{"Name": "task-id", "Values": [done.json["task_id"]]}]


def test_ecm_has_no_way_out(cli: Cli, clouds: Clouds) -> None:
    done = cli("export", "img-edge0001", "--provider", "ecm", "--bucket", COS_BUCKET, "-o", "json")
    assert done.code == 4
    assert "imgmove copy" in done.error["hint"]
    assert clouds.ecm.asked == []


# --------------------------------------------------------------------------------------------------------------- ECS


@pytest.mark.parametrize("fmt", ["raw", "vhd", "qcow2", "vmdk", "vdi"])
def test_ecs_export_with_everything(cli: Cli, clouds: Clouds, fmt: str) -> None:
    image = clouds.ecs.put("m-bp67acfmxazb4p", "web")
    done = cli("export", image, "--provider", "ecs", "--region", "ap-southeast-1", "--bucket", "far", "--format", fmt,
               "--prefix", "EcsExport", "--role-name", "MyRole", "-o", "json")  # fmt: skip
    assert done.code == 0, done
    asked = clouds.ecs.last("ExportImage")
    assert asked.values == {"RegionId": "ap-southeast-1", "ImageId": image, "OSSBucket": "far", "OSSPrefix": "EcsExport",
                            "ImageFormat": fmt, "RoleName": "MyRole"}  # fmt: skip
    assert asked.body == b""
    ending = "raw.tar.gz" if fmt == "raw" else fmt
    assert [item["uri"] for item in done.json["artifacts"]] == [f"oss://far/EcsExport_{image}_system.{ending}"]
    assert done.json["task_id"].startswith("t-")
    assert clouds.ecs.count("ExportImage") == 1


def test_ecs_export_with_nothing(cli: Cli, clouds: Clouds) -> None:
    image = clouds.ecs.put("m-bp67acfmxazb4p", "web", disks=2)
    clouds.ecs.script = [({"TaskStatus": "Finished"}, {"system": b"s" * 9, "data": b"d" * 8})]
    done = cli("export", f"alibaba://cn-hangzhou/{image}", "--bucket", OSS_BUCKET, "-o", "json")
    assert done.code == 0, done
    assert set(clouds.ecs.last("ExportImage").values) <= {"RegionId", "ImageId", "OSSBucket", "OSSPrefix"}
    assert {(item["disk"], item["size"]) for item in done.json["artifacts"]} == {("system", 9), ("data:xvdb", 8)}


def test_ecs_export_dry_run(cli: Cli, clouds: Clouds) -> None:
    image = clouds.ecs.put("m-bp67acfmxazb4p", "web")
    done = cli("export", image, *HZ, "--bucket", OSS_BUCKET, "--dry-run", "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.ecs.last("ExportImage").values["DryRun"].lower() == "true"
    assert clouds.ecs.tasks == {}


def test_ecs_import_with_everything(cli: Cli, clouds: Clouds) -> None:
    images(clouds, "web.qcow2", "dir/data.raw")
    done = cli("import", f"oss://{OSS_BUCKET}/web.qcow2", "--data-disk", f"oss://{OSS_BUCKET}/dir/data.raw", *HZ,
               "--disk-size", "40", "--disk-size", "100", "--name", "web", "--os-type", "debian", "--arch", "x86_64",
               "--boot-mode", "uefi", "--license", "BYOL", "--tag", "team=ops", "--role-name", "MyRole", "--detect",
               "--nvme", "--description", "of the web", "-o", "json")  # fmt: skip
    assert done.code == 0, done
    values = dict(clouds.ecs.last("ImportImage").values)
    assert 0 < len(values.pop("ClientToken")) <= 64
    assert values == {
        "RegionId": "cn-hangzhou", "ImageName": "web", "Description": "of the web", "Architecture": "x86_64",
        "OSType": "linux", "Platform": "Debian", "BootMode": "UEFI", "LicenseType": "BYOL", "RoleName": "MyRole",
        "DetectionStrategy": "Standard", "Features.NvmeSupport": "supported", "Tag.1.Key": "team", "Tag.1.Value": "ops",
        "DiskDeviceMapping.1.OSSBucket": OSS_BUCKET, "DiskDeviceMapping.1.OSSObject": "web.qcow2",
        "DiskDeviceMapping.1.DiskImageSize": "40",
        "DiskDeviceMapping.2.OSSBucket": OSS_BUCKET, "DiskDeviceMapping.2.OSSObject": "dir/data.raw",
        "DiskDeviceMapping.2.DiskImageSize": "100",
    }  # fmt: skip
    assert (done.json["image_id"], done.json["state"]) == ("m-bp1imported00001", "succeeded")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), {"ImageName": "web"}),
        (("--format", "raw"), {"DiskDeviceMapping.1.Format": "RAW"}),
        (("--os-type", "ubuntu"), {"Platform": "Ubuntu", "OSType": "linux"}),
        (("--os-type", "windows", "--os-version", "2019"),
         {"Platform": "Windows Server 2019", "OSType": "windows", "LicenseType": "Aliyun"}),
        (("--arch", "arm64"), {"Architecture": "arm64"}),
        (("--boot-mode", "bios"), {"BootMode": "BIOS"}),
        (("--no-nvme",), {"Features.NvmeSupport": "unsupported"}),
        (("--license", "auto"), {"LicenseType": "Auto"}),
    ],
)  # fmt: skip
def test_ecs_import_in_the_vendors_words(
    cli: Cli, clouds: Clouds, words: tuple[str, ...], wanted: dict[str, Any]
) -> None:
    images(clouds, "a.raw")
    done = cli("import", f"oss://{OSS_BUCKET}/a.raw", *HZ, "--name", "web", *words, "-o", "json")
    assert done.code == 0, done
    values = clouds.ecs.last("ImportImage").values
    assert {name: values.get(name) for name in wanted} == wanted
    always = {"RegionId", "ImageName", "ClientToken", "DiskDeviceMapping.1.OSSBucket", "DiskDeviceMapping.1.OSSObject"}
    assert set(values) == always | set(wanted)


def test_ecs_import_dry_run(cli: Cli, clouds: Clouds) -> None:
    images(clouds, "a.raw")
    done = cli("import", f"oss://{OSS_BUCKET}/a.raw", *HZ, "--name", "web", "--dry-run", "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.ecs.images == {}


def test_ecs_create_with_everything(cli: Cli, clouds: Clouds) -> None:
    done = cli("create", "i-bp67acfmxazb4p", *HZ, "--name", "web", "--description", "of the web", "--family", "webs",
               "--boot-mode", "uefi-preferred", "--tag", "team=ops", "-o", "json")  # fmt: skip
    assert done.code == 0, done
    values = dict(clouds.ecs.last("CreateImage").values)
    assert 0 < len(values.pop("ClientToken")) <= 64
    assert values == {"RegionId": "cn-hangzhou", "InstanceId": "i-bp67acfmxazb4p", "ImageName": "web",
                      "Description": "of the web", "ImageFamily": "webs", "BootMode": "UEFI-Preferred",
                      "Tag.1.Key": "team", "Tag.1.Value": "ops"}  # fmt: skip
    assert done.json["image_id"] == "m-bp1created000001"


def test_ecs_create_dry_run(cli: Cli, clouds: Clouds) -> None:
    done = cli("create", "i-bp67acfmxazb4p", *HZ, "--name", "web", "--dry-run", "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.ecs.images == {}


def test_ecs_create_of_snapshots(cli: Cli, clouds: Clouds) -> None:
    done = cli(
        "create", "i-bp67acfmxazb4p", *HZ, "--name", "web", "--snapshot", "s-1", "--snapshot", "s-2", "-o", "json"
    )
    assert done.code == 0, done
    values = clouds.ecs.last("CreateImage").values
    assert (values["DiskDeviceMapping.1.SnapshotId"], values["DiskDeviceMapping.1.DiskType"]) == ("s-1", "system")
    assert (values["DiskDeviceMapping.2.SnapshotId"], values["DiskDeviceMapping.2.DiskType"]) == ("s-2", "data")


# ---------------------------------------------------------------------------------------------- status and images


def test_status_by_id_on_every_service(cli: Cli, clouds: Clouds) -> None:
    clouds.cvm.own()
    clouds.ecm.own("img-edge0009", "edge")
    clouds.ecs.put("m-bp67acfmxazb4p", "web")
    for words in (("img-web00001", *GZ), ("ecm://ap-hangzhou-ecm/img-edge0009",), ("m-bp67acfmxazb4p", *HZ)):
        done = cli("status", *words, "-o", "json")
        assert (done.code, done.json["state"], done.json["progress"]) == (0, "succeeded", 100), done
    made = cli("create", "ein-stopped0", "--provider", "ecm", "--name", "x", "--no-wait", "-o", "json").json
    task = cli("status", made["task_id"], "--provider", "ecm", "--watch", "-o", "json")
    assert (task.code, task.json["task_id"]) == (0, made["task_id"])


def test_images_of_every_service(cli: Cli, clouds: Clouds) -> None:
    clouds.cvm.own()
    clouds.ecm.own("img-edge0009", "edge")
    clouds.ecs.put("m-bp67acfmxazb4p", "web", "Creating")
    rows = [cli("images", *words, "-o", "json").json["images"]
            for words in (GZ, ("--provider", "ecm"), HZ)]  # fmt: skip
    assert [[(row["name"], row["state"], row["size_gib"]) for row in group] for group in rows] == [
        [("web", "NORMAL", 50)], [("edge", "NORMAL", 50)], [("web", "Creating", 40)]
    ]  # fmt: skip
    assert clouds.ecs.last("DescribeImages").values["Status"] == "ALL"


def test_what_each_service_can_do(cli: Cli, clouds: Clouds) -> None:
    rows = {row["name"]: row for row in cli("providers", "-o", "json").json["providers"]}
    assert set(rows) >= {"tencent", "ecm", "alibaba"}
    assert rows["ecm"]["operations"]["export"] is None
    assert not clouds.cvm.asked + clouds.ecm.asked + clouds.ecs.asked
