"""`imgmove migrate` through both emulated clouds, and by a provider's own copy."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.disks import open_disk
from imgmove.sandbox.world.accounts import Account, Key
from tests.cli.conftest import Cli, Done
from tests.cli.test_bad_input import assert_clear

CVM, ECS = "tencent://ap-guangzhou/img-seed0001", "alibaba://cn-hangzhou/m-bp1seed0000000000001"
CVM_TWO_DISKS, ECS_TWO_DISKS = "tencent://ap-guangzhou/img-seed0002", "alibaba://cn-hangzhou/m-bp1seed0000000000002"
COS, OSS = "imgmove-gz-1250000000", "imgmove-hz"
STEPS = ["preflight", "export", "copy", "import", "cleanup"]
FAST = ("--poll-interval", "10ms", "-o", "json")
TO_ECS = ("alibaba://cn-hangzhou", "--source-bucket", COS, "--dest-bucket", OSS)
TO_CVM = ("tencent://ap-guangzhou", "--source-bucket", OSS, "--dest-bucket", COS)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def migrate(cli: Cli, source: str, *words: str) -> Done:
    return cli("migrate", source, *words, *FAST)


def objects(sandbox: Sandbox, *, provider: str = "", bucket: str = "") -> list[str]:
    """Keys of the stage's two buckets, or of one bucket."""
    pairs = [(provider, bucket)] if bucket else [("tencent", COS), ("alibaba", OSS)]
    with sandbox.world.lock:
        store = sandbox.world.objects
        found = [store.bucket(*pair) for pair in pairs]
        return [item.key for one in found if one for item in store.list(one).items]


def ecs_image(sandbox: Sandbox, image_id: str, region: str = "cn-hangzhou") -> Any:
    with sandbox.world.lock:
        image = sandbox.world.alibaba.image(region, image_id)
    assert image is not None
    return image


def cvm_image(sandbox: Sandbox, image_id: str, region: str = "ap-guangzhou", service: str = "cvm") -> Any:
    with sandbox.world.lock:
        image = sandbox.world.tencent.image(service, region, image_id)
    assert image is not None
    return image


def content(path: Path) -> dict[int, bytes]:
    """What a disk holds besides zeros, by offset."""
    blocks: dict[int, bytes] = {}
    with open_disk(path, "raw") as disk:
        for extent in disk.extents():
            data = extent.data or b""
            for start in range(0, len(data), 4096):
                if data[start : start + 4096].strip(b"\0"):
                    blocks[extent.offset + start] = data[start : start + 4096]
    return blocks


def ecs_disks(sandbox: Sandbox, image_id: str) -> list[dict[int, bytes]]:
    image = ecs_image(sandbox, image_id)
    return [content(sandbox.world.alibaba.blob(disk.blob)) for disk in image.disks]


def cvm_disks(sandbox: Sandbox, image_id: str) -> list[dict[int, bytes]]:
    tencent = sandbox.world.tencent
    snapshots = [tencent.snapshot(item) for item in cvm_image(sandbox, image_id).snapshot_ids]
    return [content(tencent.blob(item.blob)) for item in snapshots if item]


def assert_steps(document: dict[str, Any], *skipped: str) -> None:
    assert [step["name"] for step in document["steps"]] == STEPS
    for step in document["steps"]:
        assert step["state"] == "succeeded", step
        assert step["skipped"] == (step["name"] in skipped), step
        if step["name"] in skipped:
            assert "not needed" in step["message"]
        else:
            assert RFC_3339.fullmatch(step["started"]), step
            assert RFC_3339.fullmatch(step["ended"]), step
            assert step["started"] <= step["ended"]


# ---------------------------------------------------------------------------------------------- the whole way


def test_from_tencent_to_alibaba(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, CVM, *TO_ECS, "--name", "web-moved", "--tag", "team=ops", "--description", "moved")
    document = done.json
    assert (done.code, document["state"], document["progress"], document["error"]) == (0, "succeeded", 100, None), done
    assert (document["operation"], document["provider"], document["region"]) == ("migrate", "alibaba", "cn-hangzhou")
    assert_steps(document)
    assert document["artifacts"] == []
    assert objects(sandbox) == []
    image = ecs_image(sandbox, document["image_id"])
    assert (image.name, image.description, image.status, image.tags) == (
        "web-moved",
        "moved",
        "Available",
        {"team": "ops"},
    )
    assert (image.platform, image.architecture) == ("Debian", "x86_64")
    assert ecs_disks(sandbox, document["image_id"]) == cvm_disks(sandbox, "img-seed0001")
    assert f"job {document['job']}" in done.err.splitlines()[0]
    assert f"imgmove jobs resume {document['job']}" in done.err.splitlines()[0]


def test_from_alibaba_to_tencent(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, ECS, *TO_CVM, "--name", "web-moved")
    document = done.json
    assert (done.code, document["state"]) == (0, "succeeded"), done
    assert (document["provider"], document["region"]) == ("tencent", "ap-guangzhou")
    assert_steps(document)
    assert objects(sandbox) == []
    image = cvm_image(sandbox, document["image_id"])
    assert (image.name, image.state, image.os_type, image.os_version) == ("web-moved", "NORMAL", "Debian", "12")
    assert cvm_disks(sandbox, document["image_id"]) == ecs_disks(sandbox, "m-bp1seed0000000000001")


@pytest.mark.parametrize("root_only", [False, True])
def test_data_disks_go_along_to_alibaba(cli: Cli, sandbox: Sandbox, root_only: bool) -> None:
    words = ["--root-disk-only"] if root_only else []
    done = migrate(cli, CVM_TWO_DISKS, *TO_ECS, "--name", "db-moved", *words)
    assert done.code == 0, done
    image = ecs_image(sandbox, done.json["image_id"])
    wanted = cvm_disks(sandbox, "img-seed0002")
    assert len(wanted) == 2
    assert ecs_disks(sandbox, image.image_id) == (wanted[:1] if root_only else wanted)
    assert [disk.kind for disk in image.disks] == ["system", "data"][: 1 if root_only else 2]
    assert objects(sandbox) == []


def test_data_disks_go_along_to_tencent(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, ECS_TWO_DISKS, *TO_CVM, "--name", "db-moved")
    assert done.code == 0, done
    assert cvm_disks(sandbox, done.json["image_id"]) == ecs_disks(sandbox, "m-bp1seed0000000000002")
    assert objects(sandbox) == []


def test_another_format_may_be_asked_for(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, CVM, *TO_ECS, "--name", "as-raw", "--format", "raw", "--keep-staged")
    assert done.code == 0, done
    staged = {item["uri"]: item["format"] for item in done.json["artifacts"]}
    assert [value for uri, value in staged.items() if uri.startswith("oss://")] == ["raw"]
    assert ecs_disks(sandbox, done.json["image_id"]) == cvm_disks(sandbox, "img-seed0001")


def test_staged_objects_are_kept_where_asked(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, CVM, *TO_ECS, "--name", "kept", "--keep-staged")
    assert done.code == 0, done
    listed = [item["uri"] for item in done.json["artifacts"]]
    assert sorted(uri.partition("://")[0] for uri in listed) == ["cos", "oss"]
    assert sorted(uri.rpartition("/")[2] for uri in listed) == sorted(objects(sandbox))
    cleaned = cli("jobs", "clean", done.json["job"], "--yes", "-o", "json")
    assert (cleaned.code, cleaned.json["leftovers"]) == (0, [])
    assert len(objects(sandbox)) == 2


def test_the_old_name_is_the_new_ones_default(cli: Cli, sandbox: Sandbox) -> None:
    with sandbox.world.lock:
        image = sandbox.world.tencent.image("cvm", "ap-guangzhou", "img-seed0001")
        assert image is not None
        image.name = "shop-2026"
    done = migrate(cli, CVM, *TO_ECS)
    assert done.code == 0, done
    assert ecs_image(sandbox, done.json["image_id"]).name == "shop-2026"


def test_what_the_operator_says_of_the_guest_counts(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(
        cli, CVM, *TO_ECS, "--name", "said", "--os-type", "ubuntu", "--boot-mode", "uefi", "--license", "BYOL"
    )
    assert done.code == 0, done
    image = ecs_image(sandbox, done.json["image_id"])
    assert (image.platform, image.boot_mode) == ("Ubuntu", "UEFI")


# ----------------------------------------------------------------------------------------- a provider's own copy


def test_to_another_region_of_tencent(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, CVM, "tencent://ap-shanghai", "--name", "web-east")
    document = done.json
    assert (done.code, document["state"], document["region"]) == (0, "succeeded", "ap-shanghai"), done
    assert_steps(document, "export", "copy", "cleanup")
    assert cvm_image(sandbox, document["image_id"], "ap-shanghai").name == "web-east"
    assert len(sandbox.requests("cvm", "SyncImages")) == 2  # one of them a dry run
    assert sandbox.requests("cos") == []


def test_to_another_region_of_alibaba_with_the_old_name(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, ECS, "alibaba://cn-shanghai")
    document = done.json
    assert (done.code, document["provider"], document["region"]) == (0, "alibaba", "cn-shanghai"), done
    assert_steps(document, "export", "copy", "cleanup")
    assert ecs_image(sandbox, document["image_id"], "cn-shanghai").name == "debian-12-web"
    assert sandbox.requests("oss") == []


def test_from_cvm_to_the_edge(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, CVM, "ecm://", "--name", "edge-web")
    document = done.json
    assert (done.code, document["provider"]) == (0, "ecm"), done
    assert_steps(document, "export", "copy", "cleanup")
    assert document["image_id"].startswith("img-")
    assert len(sandbox.requests("ecm", "ImportImage")) == 1


# ------------------------------------------------------------------------------------------------- two accounts


def test_between_two_accounts_of_one_vendor(cli: Cli, sandbox: Sandbox, tmp_path: Path) -> None:
    """Profiles of the configuration file that name profiles of tccli."""
    with sandbox.world.lock:
        accounts, objects_ = sandbox.world.accounts, sandbox.world.objects
        if not accounts.account("tencent", "100000000009"):
            accounts.add(Account("tencent", "100000000009", "1250000009"))
        accounts.add_key(
            Key("tencent", "AKIDother", "other-secret", "100000000009", "qcs::cam::uin/100000000009:uin/100000000009")
        )
        objects_.create_bucket("tencent", "other-1250000009", "ap-guangzhou", "100000000009")
    tccli = tmp_path / ".tccli"
    tccli.mkdir()
    (tccli / "theirs.credential").write_text(json.dumps({"secretId": "AKIDother", "secretKey": "other-secret"}))
    (tmp_path / "imgmove").mkdir()
    (tmp_path / "imgmove" / "config.toml").write_text('[profiles.new.tencent]\nprofile = "theirs"\n')
    done = migrate(cli, CVM, "tencent://ap-guangzhou", "--dest-profile", "new", "--source-bucket", COS,
                   "--dest-bucket", "other-1250000009", "--name", "theirs-now")  # fmt: skip
    assert done.code == 0, done
    image = cvm_image(sandbox, done.json["image_id"])
    assert (image.account_id, image.name) == ("100000000009", "theirs-now")
    assert_steps(done.json)
    assert objects(sandbox) == objects(sandbox, provider="tencent", bucket="other-1250000009") == []
    assert "other-secret" not in done.err + done.out


# ------------------------------------------------------------------------------------ before the first side effect


def no_export(sandbox: Sandbox) -> bool:
    with sandbox.world.lock:
        return not sandbox.world.tencent.state.tasks and not sandbox.world.alibaba.state.tasks


def test_a_name_that_is_taken(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("migrate", CVM, *TO_ECS, "--name", "debian-12-db", "--poll-interval", "10ms")
    assert_clear(done, 4, "debian-12-db", "--name")
    assert no_export(sandbox)


@pytest.mark.parametrize(
    ("source", "words", "code", "says"),
    [
        (CVM, ("--source-bucket", "imgmove-sh-1250000000", "--dest-bucket", OSS), 4, "ap-shanghai"),
        (CVM, ("--source-bucket", COS, "--dest-bucket", "imgmove-sg"), 4, "ap-southeast-1"),
        (CVM, ("--source-bucket", "nothere-1250000000", "--dest-bucket", OSS), 4, "nothere-1250000000"),
        (CVM, ("--source-bucket", COS, "--dest-bucket", "no-such-bucket-here"), 4, "no-such-bucket-here"),
        ("tencent://ap-guangzhou/img-nothere1", ("--source-bucket", COS, "--dest-bucket", OSS), 4, "img-nothere1"),
        ("tencent://ap-guangzhou/img-crypt001", ("--source-bucket", COS, "--dest-bucket", OSS), 4, ""),
        ("tencent://ap-guangzhou/img-win00001", ("--source-bucket", COS, "--dest-bucket", OSS), 4, ""),
    ],
)  # fmt: skip
def test_what_is_found_before_anything_is_exported(
    cli: Cli, sandbox: Sandbox, source: str, words: tuple[str, ...], code: int, says: str
) -> None:
    done = cli("migrate", source, "alibaba://cn-hangzhou", *words, "--name", "moved", "--poll-interval", "10ms")
    assert_clear(done, code, says)
    assert no_export(sandbox)
    assert objects(sandbox) == []


def test_all_findings_are_said_at_once(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("migrate", CVM, "alibaba://cn-hangzhou", "--source-bucket", "imgmove-sh-1250000000", "--dest-bucket",
               "no-such-bucket-here", "--name", "debian-12-db")  # fmt: skip
    assert_clear(done, 4, "ap-shanghai", "no-such-bucket-here", "'debian-12-db' already")
    assert no_export(sandbox)


def test_an_image_in_the_wrong_state(cli: Cli, sandbox: Sandbox) -> None:
    with sandbox.world.lock:
        image = sandbox.world.tencent.image("cvm", "ap-guangzhou", "img-seed0001")
        assert image is not None
        image.state = "CREATING"
    assert_clear(cli("migrate", CVM, *TO_ECS, "--name", "moved"), 4, "img-seed0001")
    assert no_export(sandbox)


@pytest.mark.parametrize("which", ["export", "import"])
def test_a_missing_role(cli: Cli, sandbox: Sandbox, which: str) -> None:
    """ECS's two service roles: the one of exports on the way out, the one of imports on the way in."""
    with sandbox.world.lock:
        sandbox.world.accounts.delete_role(
            "alibaba", "1000000000000001", f"AliyunECSImage{which.capitalize()}DefaultRole"
        )
    words = ("migrate", CVM, *TO_ECS) if which == "import" else ("migrate", ECS, *TO_CVM)
    assert_clear(cli(*words, "--name", "moved"), 3, "ole")
    assert no_export(sandbox)


def test_a_full_quota_of_the_destination(cli: Cli, sandbox: Sandbox) -> None:
    with sandbox.world.lock:
        limit, sandbox.world.alibaba.settings.max_images = sandbox.world.alibaba.settings.max_images, 1
    try:
        done = cli("migrate", CVM, *TO_ECS, "--name", "moved")
    finally:
        sandbox.world.alibaba.settings.max_images = limit
    assert_clear(done, 5, "uota")
    assert no_export(sandbox)


def test_a_destination_that_may_not_be_written(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("oss:InitiateMultipartUpload refuse code=AccessDenied status=403 times=forever")
    assert_clear(cli("migrate", CVM, *TO_ECS, "--name", "moved"), 3, OSS)
    assert no_export(sandbox)
