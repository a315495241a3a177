"""coscmd, unchanged, as an operator types it: an HTTP proxy setting says that the cloud is elsewhere.

coscmd names buckets in host names only, which do not resolve at loopback; through a proxy they need not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fastcrc import crc64

from imgmove.sandbox import Sandbox
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore
from tests.sandbox.stores.wire import send_url

pytestmark = pytest.mark.judges

Coscmd = Callable[..., subprocess.CompletedProcess[str]]


def _program() -> str:
    here = Path(__file__).parents[3] / ".venv-judges" / "bin"
    for place in (os.environ.get("IMGMOVE_JUDGES_BIN"), str(here)):
        path = shutil.which("coscmd", path=place) if place else None
        if path:
            return path
    pytest.skip("not run: coscmd is not installed; set IMGMOVE_JUDGES_BIN, or run `make test`, which installs it")


@pytest.fixture
def coscmd(sandbox: Sandbox, tmp_path: Path) -> Coscmd:
    """Runs coscmd, configured for the tests' bucket."""
    program = _program()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(tmp_path),
        "http_proxy": sandbox.endpoint("cos"),
        "PYTHONIOENCODING": "utf-8",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [program, *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    made = run(
        *("config", "-a", worlds.TENCENT.key_id, "-s", worlds.SECRET, "-b", worlds.COS_BUCKET),
        *("-r", worlds.GUANGZHOU, "--retry", "1", "--do-not-use-ssl"),
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return run


def _ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_file_there_and_back(coscmd: Coscmd, cos: CosStore, tmp_path: Path, key: str) -> None:
    content = os.urandom((21 << 20) + 5)  # above 20 MB coscmd uploads in parts
    (tmp_path / "disk.raw").write_bytes(content)
    name = f"coscmd/{key.partition('/')[0]}/disk.raw"
    _ok(coscmd("upload", "disk.raw", name))
    assert int(cos.head(name)["x-cos-hash-crc64ecma"]) == crc64.xz(content)
    assert name in _ok(coscmd("list", name))
    assert str(len(content)) in _ok(coscmd("info", name))
    _ok(coscmd("download", name, "back.raw"))
    assert (tmp_path / "back.raw").read_bytes() == content
    _ok(coscmd("copy", f"{worlds.COS_BUCKET}.cos.{worlds.GUANGZHOU}.myqcloud.com/{name}", f"{name}.copy"))
    _ok(coscmd("delete", "-f", name))
    assert cos.listing(prefix=name).names == [f"{name}.copy"]


def test_urls_uploads_and_acls(coscmd: Coscmd, sandbox: Sandbox, cos: CosStore) -> None:
    cos.put("coscmd-signed", b"content")
    signed = coscmd("signurl", "coscmd-signed")
    assert signed.returncode == 0, signed
    url = signed.stdout.strip().removeprefix("b'").removesuffix("'")  # coscmd prints the repr of bytes
    address = sandbox.endpoint("cos").removeprefix("http://")
    host = f"{worlds.COS_BUCKET}.cos.{worlds.GUANGZHOU}.myqcloud.com"
    assert send_url(url.replace(host, address), Host=host).body == b"content"
    cos.begin("coscmd-open")
    assert "coscmd-open" in _ok(coscmd("listparts", "coscmd-open"))
    _ok(coscmd("abort", "coscmd-open"))
    assert cos.uploads(prefix="coscmd-open").names == []
    _ok(coscmd("putobjectacl", "--grant-read", worlds.OTHER_UIN, "coscmd-signed"))
    assert "READ" in _ok(coscmd("getobjectacl", "coscmd-signed"))


def test_refusals_reach_the_operator(coscmd: Coscmd) -> None:
    missing = coscmd("info", "coscmd-never")
    assert missing.returncode != 0
    assert "NoSuchResource" in missing.stdout + missing.stderr
