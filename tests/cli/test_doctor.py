"""`imgmove doctor`: one report on standard output, one line and an exit code where something blocks."""

from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.cli.test_bad_input import assert_clear
from tests.cli.test_migrate import COS, CVM, ECS, OSS, TO_CVM, TO_ECS, no_export

FINDING = ["id", "severity", "what", "why", "fix", "exit_code"]


def test_a_clean_report(cli: Cli) -> None:
    done = cli("doctor", CVM, *TO_ECS, "--name", "moved")
    assert (done.code, done.err) == (0, "")
    assert "nothing stands in the way" in done.out.splitlines()[-1]
    assert "\x1b" not in done.out
    assert all(line.startswith(("info ", "fine ", "      ", CVM)) or not line for line in done.out.splitlines())


def test_what_was_found_fine_is_said(cli: Cli, sandbox: Sandbox) -> None:
    fine = cli("doctor", CVM, *TO_ECS, "--name", "moved", "-o", "json").json["fine"]
    expected = ("clock", "CVM_QcsRole is there", f"cos://{COS} is there", f"cos://{COS} is set up well",
                "dry run of the export", "AliyunECSImageImportDefaultRole is there", f"oss://{OSS} is there",
                "name 'moved' is free")  # fmt: skip
    assert all(any(words in line for line in fine) for words in expected), fine
    sandbox.sow({"role": [{"provider": "tencent", "name": "CVM_QcsRole", "absent": True}],
                 "bucket": [{"provider": "tencent", "name": COS, "acl": "public-read"}]})  # fmt: skip
    sandbox.faults.add("oss:* refuse code=AccessDenied status=403 times=forever")
    less = cli("doctor", CVM, *TO_ECS, "--name", "debian-12-web", "-o", "json").json["fine"]
    assert not [line for line in less if "CVM_QcsRole" in line or "set up well" in line or "'debian-12-web'" in line]
    assert not [line for line in less if f"oss://{OSS}" in line]


def test_what_blocks_comes_first_and_decides_the_exit_code(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.sow({"role": [{"provider": "alibaba", "name": "AliyunECSImageImportDefaultRole", "absent": True}]})
    done = cli("doctor", CVM, *TO_ECS, "--name", "debian-12-db")
    assert_clear(done, 3, "role-missing", "name-taken")
    lines = done.out.splitlines()
    assert lines[0].startswith("block Alibaba Cloud ECS has no role AliyunECSImageImportDefaultRole")
    assert lines[1].startswith("      why  ")
    assert lines[2] == "      fix  $ imgmove roles create --provider alibaba"
    assert "would not work (2 blocks" in lines[-1]
    assert no_export(sandbox)


def test_the_report_as_json(cli: Cli) -> None:
    clean = cli("doctor", ECS, *TO_CVM, "--name", "moved", "-o", "json")
    assert (clean.code, clean.json["error"]) == (0, None)
    assert all(list(item)[:6] == FINDING for item in clean.json["findings"])
    assert clean.json["route"] == "raw.tar.gz, turned into qcow2 on the way"
    assert clean.json["bytes_at_most"] == 1 << 30
    blocked = cli("doctor", ECS, *TO_CVM, "--name", "debian-12-web", "-o", "json")
    assert blocked.code == 4
    assert blocked.json["error"]["code"] == "InvalidImageName.Duplicate"  # CVM's own dry run says so too
    assert blocked.json["error"]["exit_code"] == 4
    first = blocked.json["findings"][0]
    assert (first["id"], first["severity"], first["section"]) == ("name-taken", "block", "destination")


def test_buckets_may_be_left_out(cli: Cli) -> None:
    done = cli("doctor", CVM, "alibaba://cn-hangzhou", "--name", "moved", "-o", "json")
    assert done.code == 0
    missing = [item["fix"] for item in done.json["findings"] if item["id"] == "bucket-not-named"]
    assert missing == ["give --source-bucket BUCKET", "give --dest-bucket BUCKET"]


@pytest.mark.parametrize("destination", ["ecm://", "tencent://ap-shanghai"])
def test_a_providers_own_copy(cli: Cli, sandbox: Sandbox, destination: str) -> None:
    done = cli("doctor", CVM, destination, "--name", "moved", "-o", "json")
    assert (done.code, done.json["error"]) == (0, None), done
    assert "own-copy" in {item["id"] for item in done.json["findings"]}
    assert sandbox.requests("cos") == []
    assert no_export(sandbox)


def test_wrong_words_are_a_document_of_findings_too(cli: Cli) -> None:
    done = cli("doctor", "nonsense", "alibaba://cn-hangzhou", "-o", "json")
    assert done.code == 2
    assert done.json["findings"] == []
    assert done.json["error"]["code"] == "Usage"


def test_a_bucket_with_no_possible_name_is_exit_2(cli: Cli) -> None:
    done = cli(
        "doctor", CVM, "alibaba://cn-hangzhou", "--source-bucket", "imgmove-gz", "--dest-bucket", OSS, "--name", "m"
    )
    assert_clear(done, 2, "bucket-name")


def test_names_from_the_cloud_do_nothing(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.sow({"image": [{"id": "img-seed0001", "os_name": "Debian\x1b[2J 12 [red]x"}]})
    for words in ((), ("-o", "json")):
        done = cli("doctor", CVM, *TO_ECS, "--name", "moved", *words)
        assert "\x1b" not in done.out + done.err


def test_no_secret_gets_out(cli: Cli, sandbox: Sandbox) -> None:
    from imgmove.sandbox.seed import alibaba, tencent

    done = cli("doctor", CVM, *TO_ECS, "--name", "moved", "-o", "json", "--verbose")
    for secret in (tencent.SECRET, alibaba.SECRET, tencent.KEY_ID, alibaba.KEY_ID):
        assert secret not in done.out + done.err


def test_a_migration_shows_each_finding_with_its_why_and_its_fix(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "encryption": "KMS"}]})
    done = cli("migrate", CVM, *TO_ECS, "--name", "debian-12-db")
    assert_clear(done, 4, "encrypts", "debian-12-db")
    lines = done.err.splitlines()
    assert any(line.startswith("block oss://imgmove-hz encrypts") for line in lines)
    assert "           $ aliyun oss bucket-encryption --method delete oss://imgmove-hz" in lines
    alone = cli("migrate", CVM, *TO_ECS, "--name", "moved")
    assert "  why: Alibaba Cloud ECS refuses to import by encrypted buckets" in alone.err.splitlines()


def test_an_export_that_is_stopped_is_one_document(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "tencent", "name": COS, "absent": True}]})
    done = cli("export", CVM, "--bucket", COS, "-o", "json")
    assert (done.code, done.json["job"], done.json["state"]) == (4, None, "failed")
    assert done.json["error"]["code"] == "NoSuchBucket"
    assert "bucket-missing" in {item["id"] for item in done.json["findings"]}


def test_a_price_table_that_is_wrong_is_exit_2(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "imgmove").mkdir()
    (tmp_path / "imgmove" / "config.toml").write_text("[prices.tencent]\ntraffic = 1\n")
    assert_clear(cli("doctor", CVM, *TO_ECS), 2, "[prices.tencent]", "traffic")
