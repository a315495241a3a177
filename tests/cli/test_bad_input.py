"""Bad input: one clear line, the right exit code, no traceback, nothing half-done."""

from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli, Done

HZ = ("--provider", "alibaba", "--region", "cn-hangzhou")
GZ = ("--provider", "tencent", "--region", "ap-guangzhou")
ECS_IMAGE, CVM_IMAGE = "alibaba://cn-hangzhou/m-bp1seed0000000000001", "tencent://ap-guangzhou/img-seed0001"


def assert_clear(done: Done, code: int, *says: str) -> None:
    """One line that says what is wrong, one that says what to do; nothing else that matters."""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    hints = [line for line in done.err.splitlines() if line.startswith("  → ")]
    assert done.code == code, done
    assert len(errors) == 1, done
    assert len(hints) == 1, done
    assert "Traceback" not in done.err
    for word in says:
        assert word in errors[0] + hints[0], done


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["export", ""], 2, "Missing option"),
        (["export", "", "--bucket", "b"], 2, "empty address"),
        (["export", "img-1", "--bucket", "b-1"], 2, "which provider"),
        (["export", "img-1", "--bucket", "b-125", "--provider", "aws", "--region", "x"], 2, "'aws' is no provider"),
        (["export", "tencent://ap-guangzhou", "--bucket", "b-125"], 2, "names no image"),
        (["export", "cos://b-125/key", "--bucket", "b-125"], 2, "names an object"),
        (["export", "gopher://x/y", "--bucket", "b-125"], 2, "gopher"),
        (["export", "tencent://../img-12345678", "--bucket", "b-125"], 2, "not a region"),
        (["export", CVM_IMAGE, "--bucket", "imgmove-gz"], 2, "APPID"),
        (["export", CVM_IMAGE, "--bucket", "Bad_Bucket-125"], 2, "bucket"),
        (["export", CVM_IMAGE, "--bucket", "oss://bucket"], 2, "oss://bucket"),
        (["export", "m-123", "--bucket", "b-1250000000", *GZ], 4, "m-123"),
        (["export", CVM_IMAGE, "--bucket", "b-1250000000", "--format", "vdi"], 4, "vdi"),
        (["export", ECS_IMAGE, "--bucket", "imgmove-hz", "--format", "qcow2"], 4, "qcow2"),
        (["export", ECS_IMAGE, "--bucket", "imgmove-hz", "--prefix", "a/b"], 4, "prefix"),
        (["export", ECS_IMAGE, "--bucket", "imgmove-hz", "--timeout", "soon"], 2, "soon"),
        (["export", ECS_IMAGE, "--bucket", "no-such-bucket"], 4, "bucket"),
        (["export", "alibaba://cn-hangzhou/m-nope", "--bucket", "imgmove-hz"], 4, "InvalidImageId.NotFound"),
        (["export", "alibaba://cn-nowhere/m-nope", "--bucket", "imgmove-hz"], 4, "egion"),
        (["export", "ecm://ap-hangzhou-ecm/img-12345678", "--bucket", "b-1250000000"], 4, "ECM"),
        (["import", "oss://imgmove-hz/nothing.qcow2", "--region", "cn-hangzhou", "--name", "web"], 4, "nothing.qcow2"),
        (["import", "oss://imgmove-hz/", "--region", "cn-hangzhou", "--name", "web"], 2, "names no object"),
        (["import", "oss://imgmove-hz/k", *GZ, "--name", "web"], 4, "cos://"),
        (["import", "oss://imgmove-hz/k", "--region", "cn-hangzhou", "--name", "x" * 200], 4, "200 characters"),
        (["import", "oss://imgmove-hz/k", "--region", "cn-hangzhou", "--name", "web", "--boot-mode", "fast"], 2, "fast"),
        (["import", "oss://imgmove-hz/k", "--region", "cn-hangzhou"], 2, "--name"),
        (["create", "i-nope", *HZ, "--name", "web"], 4, "InvalidInstanceId.NotFound"),
        (["create", "alibaba://cn-hangzhou/i-bp1seed0000000000001", "--name", "aliyun-web"], 4, "aliyun-web"),
        (["create", "alibaba://cn-hangzhou/i-bp1seed0000000000001", "--name", "debian-12-web"], 4, "Duplicated"),
        (["create", "alibaba://cn-hangzhou/i-bp1seed0000000000001", "--name", "web", "--force-poweroff"], 4, "--force-poweroff"),
        (["status", "j0000000000000"], 4, "j0000000000000"),
        (["status", "whatever"], 2, "is no job"),
        (["images"], 2, "which provider"),
        (["jobs", "resume", "j0000000000000"], 4, "j0000000000000"),
        (["jobs", "clean"], 0, ""),
        (["copy", "nowhere.raw", "cos://imgmove-gz-1250000000/x"], 4, "nowhere.raw"),
        (["copy", "cos://imgmove-gz-1250000000/x", "cos://imgmove-gz-1250000000/x"], 2, "the same"),
        (["copy", "cos://imgmove-gz/x", "y"], 2, "APPID"),
        (["copy", "s3://bucket/x", "y"], 2, "s3"),
        (["migrate", CVM_IMAGE, "tencent://ap-guangzhou", "--name", "web"], 2, "the same"),
        (["migrate", CVM_IMAGE, "alibaba://cn-hangzhou"], 2, "--source-bucket"),
        (["migrate", "ecm://ap-hangzhou-ecm/img-12345678", "alibaba://cn-hangzhou"], 4, "ECM"),
        (["sandbox", "run", "--fault", "nonsense", "--", "true"], 2, "nonsense"),
        (["nonsense"], 2, "nonsense"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)  # fmt: skip
def test_wrong_words(cli: Cli, words: list[str], code: int, says: str) -> None:
    done = cli(*words)
    if code == 0:
        assert done.code == 0, done
        return
    assert_clear(done, code, says)


def test_a_name_that_is_taken(cli: Cli, sandbox: Sandbox) -> None:
    exported = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", "--poll-interval", "20ms", "-o", "json").json
    uri = exported["artifacts"][0]["uri"]
    assert cli("copy", uri, "oss://imgmove-hz/web.qcow2", "--format", "qcow2", "-q").code == 0
    done = cli("import", "oss://imgmove-hz/web.qcow2", "--region", "cn-hangzhou", "--name", "debian-12-web")
    assert_clear(done, 4, "InvalidImageName.Duplicated")


def test_an_object_that_is_no_image(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "page.qcow2"
    page.write_text("<html>404</html>" * 100)
    assert cli("copy", page, "oss://imgmove-hz/page.qcow2", "-q").code == 0
    done = cli("import", "oss://imgmove-hz/page.qcow2", "--region", "cn-hangzhou", "--name", "web")
    assert_clear(done, 7, "not a disk image")


def test_a_directory_in_place_of_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert_clear(cli("copy", tmp_path / "folder", "oss://imgmove-hz/x"), 2, "folder")


def test_no_credentials(bare_cli: Cli) -> None:
    for words in (("images", *HZ), ("images", *GZ), ("export", ECS_IMAGE, "--bucket", "imgmove-hz")):
        assert_clear(bare_cli(*words), 3)


def test_wrong_credentials(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong-secret-0123456789")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "wrong-secret-0123456789")
    for words in (("images", *HZ), ("images", *GZ), ("copy", "cos://imgmove-gz-1250000000/x", "y")):
        done = cli(*words)
        assert_clear(done, 3)
        assert "wrong-secret" not in done.err + done.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[profiles", "not valid TOML"),
        ("profiles = 1", "profiles"),
        ("[profiles.default]\ninsecure_http = 'yes'", "insecure_http"),
        ("[profiles.default.endpoints]\nCVM = 'ftp://127.0.0.1'", "ftp://127.0.0.1"),
        ("[profiles.default.endpoints]\nECS = 'http://10.0.0.1:80'", "plain http"),
        ("[profiles.default]\nread_timeout = 'long'", "long"),
    ],
)
def test_an_unreadable_profile(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str) -> None:
    for name in ("CVM", "ECS"):
        monkeypatch.delenv(f"IMGMOVE_ENDPOINT_URL_{name}")
    (tmp_path / "imgmove").mkdir()
    (tmp_path / "imgmove" / "config.toml").write_text(text)
    words = ("images", *(GZ if "CVM" in text else HZ))
    assert_clear(cli(*words), 2, says)


def test_plain_http_beyond_this_machine_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGMOVE_ENDPOINT_URL_ECS", "http://198.51.100.1:9001")
    assert_clear(cli("images", *HZ), 2, "IMGMOVE_ENDPOINT_URL_ECS")


@pytest.mark.parametrize("fault", ["html times=9", "empty times=9", "drop-before times=9", "drop-after times=9"])
@pytest.mark.parametrize("service", ["ecs", "cvm", "oss", "cos"])
def test_an_endpoint_that_answers_something_else_or_nothing(
    cli: Cli, sandbox: Sandbox, service: str, fault: str
) -> None:
    sandbox.faults.add(f"{service}:* {fault}")
    words = {
        "ecs": ("images", *HZ),
        "cvm": ("images", *GZ),
        "oss": ("import", "oss://imgmove-hz/x.qcow2", "--region", "cn-hangzhou", "--name", "web"),
        "cos": ("import", "cos://imgmove-gz-1250000000/x.qcow2", "--region", "ap-guangzhou", "--name", "web"),
    }[service]
    assert_clear(cli(*words), 1)


def test_nobody_listens(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ECS", "CVM"):
        monkeypatch.setenv(f"IMGMOVE_ENDPOINT_URL_{name}", "http://127.0.0.1:9")
    assert_clear(cli("images", *HZ), 1)
    assert_clear(cli("images", *GZ), 1)


def test_json_also_on_failure(cli: Cli) -> None:
    for words, code in (
        (("export", "alibaba://cn-hangzhou/m-nope", "--bucket", "imgmove-hz", "-o", "json"), 4),
        (("export", "nonsense", "--bucket", "b", "-o", "json"), 2),
        (("images", "-o", "json"), 2),
        (("export", "--nonsense", "--output", "json"), 2),
        (("jobs", "list", "--nonsense", "-o", "json"), 2),
    ):
        done = cli(*words)
        assert done.code == code, done
        error = done.json["error"]
        assert set(error) >= {"code", "message", "hint", "request_id"}
        assert error["message"]


def test_verbose_shows_the_traceback_of_a_failure(cli: Cli) -> None:
    assert "Traceback" in cli("export", "nonsense/x", "--bucket", "b", "--verbose").err
