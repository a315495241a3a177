"""`imgmove check` and `migrate --check`: what the commands say and do; the rules themselves are tested in tests/images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from imgmove.images.reading import process
from imgmove.sandbox import Sandbox, seed
from tests.cli.conftest import Cli
from tests.cli.test_migrate import COS, CVM, ECS, OSS, TO_CVM, TO_ECS, migrate, objects

SEED_DISK = Path(seed.__file__).with_name("seed-disk.qcow2")
STATES = {"kept", "broken", "warned", "not-applicable", "not-looked"}


def test_a_local_image_as_a_document(bare_cli: Cli) -> None:
    done = bare_cli("check", SEED_DISK, "--for", "alibaba", "-o", "json")
    assert done.code == 0, done.err
    document = done.json
    assert document["error"] is None
    assert document["verdict"] == "warn"
    assert (document["target"], document["image"]["format"], document["image"]["table"]) == ("alibaba", "qcow2", "mbr")
    assert document["guest"]["id"] == "debian"
    assert [rule["id"] for rule in document["rules"]] == [f"G{number:02}" for number in range(1, 15)]
    assert {rule["state"] for rule in document["rules"]} <= STATES
    assert all(
        {"id", "severity", "what", "why", "fix", "exit_code"} <= set(finding) for finding in document["findings"]
    )
    assert {finding["severity"] for finding in document["findings"]} == {"warn"}
    assert document["read"]["requests"] > 0


def test_what_blocks_ends_with_its_exit_code(bare_cli: Cli) -> None:
    done = bare_cli("check", SEED_DISK, "--for", "cvm", "-o", "json")
    assert done.code == 4
    assert done.json["verdict"] == "block"
    blocks = [finding for finding in done.json["findings"] if finding["severity"] == "block"]
    assert ("G05", "cloud-init-missing") in {(finding["id"], finding["case"]) for finding in blocks}
    assert done.json["error"]["code"] == blocks[0]["id"]
    assert "would not start on Tencent Cloud CVM" in done.err


def test_the_report_for_people(bare_cli: Cli) -> None:
    done = bare_cli("check", SEED_DISK, "--for", "alibaba")
    lines = done.out.splitlines()
    assert lines[0].endswith("should start on Alibaba Cloud ECS (5 warnings)")
    assert any(line.split() == ["root", "partition", "1", "(ext4)"] for line in lines)
    assert any(line.startswith("warn  ") and line.endswith("[G05, cloud-init-missing]") for line in lines)
    assert any(line.startswith("  kept ") for line in lines)
    assert "\x1b" not in done.out


@pytest.mark.parametrize("scheme", ["cos", "oss"])
def test_an_object_is_read_where_it_is(cli: Cli, sandbox: Sandbox, scheme: str) -> None:
    bucket = {"cos": COS, "oss": OSS}[scheme]
    assert cli("copy", SEED_DISK, f"{scheme}://{bucket}/web.qcow2").code == 0
    reads_before = len(sandbox.requests(scheme, "GetObject"))
    done = cli("check", f"{scheme}://{bucket}/web.qcow2", "--for", "alibaba", "-o", "json")
    assert done.code == 0, done.err
    assert len(sandbox.requests(scheme, "GetObject")) - reads_before == done.json["read"]["requests"]


def test_a_hostile_header_is_a_finding_and_nothing_else_is_read(bare_cli: Cli, tmp_path: Path) -> None:
    image = tmp_path / "a.qcow2"
    content = bytearray(SEED_DISK.read_bytes())
    content[8:20] = (512).to_bytes(8, "big") + (11).to_bytes(4, "big")
    content[512:523] = b"/etc/passwd"
    image.write_bytes(content)
    done = bare_cli("check", image, "--for", "alibaba", "-o", "json")
    assert done.code == 7
    assert [finding["id"] for finding in done.json["findings"]] == ["G01"]
    assert done.json["error"]["code"] == "BackingFile"
    assert {rule["state"] for rule in done.json["rules"][1:]} == {"not-looked"}


def test_a_limit_on_what_is_read_is_kept(bare_cli: Cli) -> None:
    done = bare_cli("check", SEED_DISK, "--for", "alibaba", "--max-read", "64KiB", "-o", "json")
    assert "reader-too-many-reads" in {finding["case"] for finding in done.json["findings"]}
    assert any(rule["state"] == "not-looked" for rule in done.json["rules"])


@pytest.mark.parametrize(
    ("what", "code", "text"),
    [
        ("none.qcow2", 4, "there is no file"),
        (".", 2, "a prefix or a directory"),
        ("tencent://ap-guangzhou/img-1", 2, "tencent"),
        ("/dev/null", 4, "is no regular file"),
        ("loop.qcow2", 4, "symbolic links"),
        ("pipe.raw", 4, "is no regular file"),
        (f"{'x' * 300}.raw", 4, "too long"),
    ],
)
def test_what_is_no_image_to_look_at(
    bare_cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str, code: int, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.qcow2").symlink_to("loop.qcow2")
    os.mkfifo("pipe.raw")
    done = bare_cli("check", what, "--for", "alibaba", "-o", "json")
    assert done.code == code
    assert text in done.json["error"]["message"]
    assert done.json["error"]["hint"]
    assert done.json["findings"] == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"this is not a disk at all", "the text 'this is not a di'"),
        (b"", "it is empty"),
        (bytes(1 << 20), "zeros"),
        (bytes(0x438) + b"\x53\xef" + bytes(4096), "an ext2, ext3 or ext4 file system, without a partition table"),
        (b"XFSB" + bytes(4096), "an XFS file system"),
        (b"LUKS\xba\xbe\x00\x02" + bytes(4096), "LUKS"),
        (b"\x1b[31m\x9b" + bytes(4096), "the bytes 1b 5b 33 31"),
    ],
)
def test_what_is_no_disk_of_a_system_is_called_what_it_is(
    bare_cli: Cli, tmp_path: Path, content: bytes, text: str
) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(content)
    done = bare_cli("check", path, "--for", "alibaba")
    assert done.code == 7
    assert text in done.out
    assert text in done.err
    assert "how to mend" not in done.out, "nothing inside is to be mended"
    assert done.out.count("the image was refused") == 1


@pytest.mark.parametrize("words", [("check", SEED_DISK, "--for", "alibaba"), ("migrate", CVM, *TO_ECS, "--check")])
def test_without_the_readers_it_says_what_to_install(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(process, "LIBRARIES", ("a_reader_that_is_not_there",))
    done = cli(*words)
    assert done.code == 2
    assert "a_reader_that_is_not_there" in done.err
    assert f"{sys.executable} -m pip install 'imgmove[check]'" in done.err, "into this environment, and no other"
    assert not sandbox.requests("cvm", "ExportImages")


# ------------------------------------------------------------------------------------------------- migrate --check


def test_a_migration_stops_before_it_copies(cli: Cli, sandbox: Sandbox) -> None:
    done = migrate(cli, ECS, *TO_CVM, "--name", "web", "--check")
    assert done.code == 4, done.err
    document = done.json
    assert [step["state"] for step in document["steps"]] == ["succeeded", "succeeded", "failed", "pending", "pending"]
    assert {finding["id"] for finding in document["findings"]} >= {"G05"}
    assert f"imgmove jobs resume {document['job']} --skip-check" in done.err
    assert objects(sandbox, provider="tencent", bucket=COS) == []
    listed = cli("images", "--provider", "tencent", "--region", "ap-guangzhou", "-o", "json").json["images"]
    assert "web" not in {image["name"] for image in listed}, "nothing was imported"


def test_the_operator_may_go_on_as_it_is(cli: Cli, sandbox: Sandbox) -> None:
    job = migrate(cli, ECS, *TO_CVM, "--name", "web", "--check").json["job"]
    again = cli("jobs", "resume", job, "--poll-interval", "10ms", "-o", "json")
    assert again.code == 4, "asked again, it says the same"
    done = cli("jobs", "resume", job, "--skip-check", "--poll-interval", "10ms", "-o", "json")
    assert done.code == 0, done.err
    assert len([entry for entry in sandbox.requests("ecs", "ExportImage") if entry.status == 200]) == 1
    assert objects(sandbox) == []


def test_what_only_warns_is_said_and_passed(cli: Cli) -> None:
    done = migrate(cli, CVM, *TO_ECS, "--name", "web", "--check")
    assert done.code == 0, done.err
    assert {(finding["id"], finding["severity"]) for finding in done.json["findings"]} >= {("G05", "warn")}
