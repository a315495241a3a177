"""`imgmove copy --format`: on the way where one pass is enough, by qemu-img on local files, refused elsewhere."""

import subprocess
import threading
from pathlib import Path

import pytest

from imgmove.app.attendance import Attendance
from imgmove.app.leftovers import leftovers_of
from imgmove.app.session import Session
from imgmove.core.errors import Kind
from imgmove.core.events import Event, Moved
from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.images.test_conversion import sparse_disk
from tests.tools import needs_qemu_img

MIB = 1 << 20
STORE = "oss://imgmove-hz"

pytestmark = needs_qemu_img


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "disk.raw"
    path.parent.mkdir()
    sparse_disk(path, 9 * MIB)
    with path.open("r+b") as file:
        file.write(bytes(510) + b"\x55\xaa")
    return path


@pytest.fixture
def qcow2(raw: Path) -> Path:
    path = raw.with_suffix(".qcow2")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path], check=True)
    return path


def assert_same(first: Path, first_format: str, second: Path, second_format: str) -> None:
    subprocess.run(["qemu-img", "compare", "-q", "-f", first_format, "-F", second_format, first, second], check=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_to_a_file_by_qemu_img(bare_cli: Cli, raw: Path, qcow2: Path) -> None:
    raw.unlink()
    done = bare_cli("copy", str(qcow2), str(raw), "--format", "raw", "-o", "json")
    assert done.code == 0, done.out
    assert_same(qcow2, "qcow2", raw, "raw")
    artifact = done.json["artifacts"][0]
    assert (artifact["format"], artifact["size"]) == ("raw", 9 * MIB)
    assert artifact["crc64"].isdecimal()
    assert names(raw.parent) == ["disk.qcow2", "disk.raw"]
    assert bare_cli("jobs", "clean", "--yes", "-o", "json").code == 0
    assert raw.exists()


def test_a_file_to_a_store_by_way_of_a_file_beside_it(cli: Cli, raw: Path, qcow2: Path, tmp_path: Path) -> None:
    done = cli("copy", str(qcow2), f"{STORE}/up/disk.vhd", "--format", "vhd")
    assert done.code == 0, done.err
    assert "removed again" in done.err
    assert names(raw.parent) == ["disk.qcow2", "disk.raw"]
    back = tmp_path / "back.vhd"
    assert cli("copy", f"{STORE}/up/disk.vhd", str(back)).code == 0
    assert_same(raw, "raw", back, "vpc")
    imported = cli("import", f"{STORE}/up/disk.vhd", "--region", "cn-hangzhou", "--name", "from-vhd", "--os-type", "debian",
                   "--boot-mode", "bios", "--dry-run", "-o", "json")  # fmt: skip
    assert imported.code == 0, imported.out


def test_an_upload_that_cannot_be_leaves_nothing_behind(cli: Cli, qcow2: Path) -> None:
    done = cli("copy", str(qcow2), "oss://no-such-bucket-here/disk.vmdk", "--format", "vmdk", "-o", "json")
    assert done.code == 4
    assert names(qcow2.parent) == ["disk.qcow2", "disk.raw"]


def test_a_stopped_upload_takes_up_the_converted_file(
    qcow2: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result that is whole is used by the next run, which needs no qemu-img then; it is gone when the job is done."""
    session = Session(environment={**sandbox.environment(), "IMGMOVE_HOME": str(tmp_path / "home")}, home=tmp_path)
    stop = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, Moved) and any(name.endswith(".vmdk") for name in names(qcow2.parent)):
            stop.set()

    stopped = session.copy(
        str(qcow2), f"{STORE}/up/x.vmdk", disk_format="vmdk", attendance=Attendance(listener=listen, stop=stop)
    )
    assert stopped.error is not None
    assert stopped.error.kind is Kind.INTERRUPTED
    staged = [name for name in names(qcow2.parent) if name.endswith(".vmdk")]
    assert len(staged) == 1
    job = session.journal.job(str(stopped.job))
    assert staged[0] in " ".join(resource.uri for resource in leftovers_of(job))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert session.resume(str(stopped.job)).error is None
    assert names(qcow2.parent) == ["disk.qcow2", "disk.raw"]
    assert leftovers_of(session.journal.job(str(stopped.job))) == []


def test_on_the_way_from_a_store_to_a_fixed_vhd(cli: Cli, raw: Path, tmp_path: Path) -> None:
    assert cli("copy", str(raw), f"{STORE}/up/disk.raw").code == 0
    assert cli("copy", f"{STORE}/up/disk.raw", f"{STORE}/up/fixed.vhd", "--format", "vhd").code == 0
    back = tmp_path / "fixed.vhd"
    assert cli("copy", f"{STORE}/up/fixed.vhd", str(back)).code == 0
    assert back.stat().st_size == 9 * MIB + 512
    assert_same(raw, "raw", back, "vpc")


def test_a_remote_image_that_needs_random_access_is_refused_with_the_way_round(cli: Cli, qcow2: Path) -> None:
    assert cli("copy", str(qcow2), f"{STORE}/up/disk.qcow2").code == 0
    done = cli("copy", f"{STORE}/up/disk.qcow2", f"{STORE}/up/disk.raw", "--format", "raw", "-o", "json")
    assert done.code == 4
    assert done.json["error"]["code"] == "NoConversion"
    assert f"imgmove copy {STORE}/up/disk.qcow2 ./disk.qcow2" in done.json["error"]["hint"]


def test_without_qemu_img_there_is_a_hint(bare_cli: Cli, qcow2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(qcow2.parent))
    done = bare_cli("copy", str(qcow2), str(qcow2.with_name("x.raw")), "--format", "raw", "-o", "json")
    assert done.code == 4
    assert "qemu-utils" in done.json["error"]["hint"]


def test_a_hostile_image_is_refused_by_copy_and_import(cli: Cli, tmp_path: Path) -> None:
    hostile = tmp_path / "disk.qcow2"
    words = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", str(hostile)]
    subprocess.run(words, check=True)
    done = cli("copy", str(hostile), str(tmp_path / "out.raw"), "--format", "raw", "-o", "json")
    assert (done.code, done.json["error"]["code"]) == (7, "BackingFile")
    assert " again in " not in done.err
    assert cli("copy", str(hostile), f"{STORE}/bad/disk.qcow2").code == 0
    done = cli("import", f"{STORE}/bad/disk.qcow2", "--region", "cn-hangzhou", "--name", "bad", "-o", "json")
    assert (done.code, done.json["error"]["code"]) == (7, "BackingFile")
    assert "/etc/passwd" in done.json["error"]["message"]
