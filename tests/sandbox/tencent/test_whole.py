"""CVM together with COS, with a directory that is kept, and with the clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from imgmove.sandbox import Sandbox
from tests.sandbox.tencent.cloud import APP_ID, BUCKET, GZ, SECRET, SECRET_ID, TRUST_CVM, UIN, Cloud
from tests.sandbox.tencent.importing import SYSTEM, imported


def cos(cloud: Cloud, token: str | None = None, secrets: tuple[str, str] = (SECRET_ID, SECRET)) -> CosS3Client:
    """The official COS SDK at the sandbox."""
    host, port = cloud.host("cos").split(":")
    config = CosConfig(
        Region=GZ,
        SecretId=secrets[0],
        SecretKey=secrets[1],
        Token=token,
        Scheme="http",
        IP=host,
        Port=int(port),
        ServiceDomain=cloud.host("cos"),
    )
    return CosS3Client(config)


def test_whoever_looks_only_into_the_bucket_sees_the_export_arrive(cloud: Cloud) -> None:
    image = cloud.image()
    (path,) = cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[image.image_id])["CosPaths"]
    client, key = cos(cloud), path[1:]
    with pytest.raises(CosServiceError) as caught:
        client.head_object(BUCKET, key)
    assert caught.value.get_status_code() == 404
    cloud.pass_time(300)
    head = client.head_object(BUCKET, key)
    body = client.get_object(BUCKET, key)["Body"].get_raw_stream().read()
    snapshot = cloud.world.tencent.snapshots_of(image)[0]
    assert body == cloud.world.tencent.blob(snapshot.blob).read_bytes()
    assert head["x-cos-hash-crc64ecma"].isdecimal()


def test_what_one_uploads_can_be_imported(cloud: Cloud) -> None:
    client, disk = cos(cloud), cloud.disk(marker=b"uploaded")
    upload = client.create_multipart_upload(BUCKET, "up/disk.raw")["UploadId"]
    content = disk.read_bytes()
    pieces = [content[: 2 << 20], content[2 << 20 :]]
    parts = [
        {"PartNumber": n, "ETag": client.upload_part(BUCKET, "up/disk.raw", piece, n, upload)["ETag"]}
        for n, piece in enumerate(pieces, 1)
    ]
    client.complete_multipart_upload(BUCKET, "up/disk.raw", upload, {"Part": parts})
    assert cloud.state(imported(cloud, cloud.url("up/disk.raw"))) == "NORMAL"


def test_temporary_keys_work_at_cos_too(cloud: Cloud) -> None:
    policy = '{"version":"2.0","statement":[{"effect":"allow","action":["cos:PutObject"],"resource":["*"]}]}'
    keys = cloud.call("tencent_sts", "GetFederationToken", "", Name="guest", Policy=policy)["Credentials"]
    client = cos(cloud, keys["Token"], (keys["TmpSecretId"], keys["TmpSecretKey"]))
    assert client.put_object(BUCKET, b"x", "k")["ETag"]
    with pytest.raises(CosServiceError) as caught:
        client.get_object(BUCKET, "k")
    assert caught.value.get_error_code() == "AccessDenied"


def test_a_kept_directory_goes_on_where_it_was(tmp_path: Path) -> None:
    from imgmove.sandbox.world.accounts import Account, Key, Role

    with Sandbox(tmp_path / "state", seed=None) as sandbox:
        sandbox.clock.freeze()
        accounts = sandbox.world.accounts
        accounts.add(Account("tencent", UIN, APP_ID))
        accounts.add_key(Key("tencent", SECRET_ID, SECRET, UIN, ""))
        accounts.add_role(Role("tencent", UIN, "CVM_QcsRole", "1", [], TRUST_CVM, ["QcloudCOSFullAccess"]))
        cloud = Cloud(sandbox, tmp_path)
        cloud.bucket()
        image = cloud.image(tags={"team": "web"})
        export = cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[image.image_id])
        url = cloud.put("disk.raw", cloud.disk())
        new = cloud.cvm("ImportImage", **SYSTEM, ImageName="new", ImageUrl=url)["ImageId"]
        cloud.pass_time(100)
        (sandbox.directory / "cvm-work-left-over").mkdir()

    with Sandbox(tmp_path / "state", seed=None) as sandbox:
        cloud = Cloud(sandbox, tmp_path)
        assert cloud.state(image.image_id) == "EXPORTING"
        assert cloud.state(new) == "IMPORTING"
        cloud.pass_time(500)
        assert cloud.state(new) == "NORMAL"
        assert cloud.content(export["CosPaths"][0][1:])
        (seen,) = cloud.cvm("DescribeImages", ImageIds=[image.image_id])["ImageSet"]
        assert seen["Tags"] == [{"Key": "team", "Value": "web"}]
        second = cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[new])
        assert second["TaskId"] > export["TaskId"]
        assert not list(sandbox.directory.glob("cvm-work-*"))
        sandbox.reset()
        assert sandbox.world.tencent.state.images == []
        assert not list(sandbox.world.tencent.blobs.iterdir())


def test_tasks_move_with_the_sandboxs_running_clock(cloud: Cloud) -> None:
    image = cloud.image()
    cloud.world.tencent.settings.export_seconds = 5
    cloud.sandbox.clock.speed = 1000
    cloud.sandbox.clock.unfreeze()
    cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[image.image_id])
    for _ in range(100):
        if cloud.state(image.image_id) == "NORMAL":
            break
    assert cloud.state(image.image_id) == "NORMAL"


def test_files_of_deleted_images_go_a_call_later(cloud: Cloud) -> None:
    image = cloud.image()
    blobs = cloud.world.tencent.blobs
    cloud.cvm("DeleteImages", ImageIds=[image.image_id], DeleteBindedSnap=True)
    assert len(list(blobs.iterdir())) == 1, "the state that names it may still be on disk"
    cloud.cvm("DescribeImages")
    assert not list(blobs.iterdir())
