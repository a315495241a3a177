"""Files as ends of a copy: what they can tell, what can go wrong, and what is left of an interrupted copy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgmove.clouds.local.store import LocalStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import UploadInfo
from imgmove.engine.transfer.surroundings import CopyOptions
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import KIB, Call, refusal

SIZE = 40 * KIB


@pytest.fixture
def files(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def written(files: LocalStore, body: bytes) -> Path:
    path = Path(files.bucket) / KEY
    path.write_bytes(body)
    return path


def test_from_a_file(rig: Rig, files: LocalStore) -> None:
    body = rig.fill(SIZE)
    written(files, body)
    copied = rig.copy(source=files)
    assert rig.copied_body() == body
    assert copied.comparison.whole == "ours = destination"


def test_to_a_file(rig: Rig, files: LocalStore, tmp_path: Path) -> None:
    body = rig.fill(SIZE)
    copied = rig.copy(destination=files)
    assert (tmp_path / KEY).read_bytes() == body
    assert copied.comparison.whole == "source = destination"
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


def test_from_file_to_file(rig: Rig, files: LocalStore, tmp_path: Path) -> None:
    written(files, bytes(SIZE))
    (tmp_path / "there").mkdir()
    rig.copy(source=files, destination=LocalStore(tmp_path / "there"))
    assert (tmp_path / "there" / KEY).read_bytes() == bytes(SIZE)


@pytest.mark.parametrize("ends", ["source", "destination", "both"])
def test_a_file_that_is_there_already_is_read_and_not_copied(
    rig: Rig, files: LocalStore, tmp_path: Path, ends: str
) -> None:
    body = rig.fill(SIZE)
    written(files, body)
    rig.destination.put(KEY, body)
    source = rig.source if ends == "destination" else files
    destination = rig.destination if ends == "source" else files
    assert rig.copy(source=source, destination=destination).comparison.already_there


def test_a_file_that_changes_midway_is_no_mixture(rig: Rig, files: LocalStore) -> None:
    path = written(files, bytes(SIZE))
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)

    def script(call: Call) -> None:
        if call.number == 3:
            with path.open("r+b") as file:
                file.write(b"changed")
            os.utime(path, ns=(1, 1))

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy(source=files)
    assert (caught.value.code, caught.value.exit_code) == ("SourceChanged", 4)


def test_a_file_that_is_cut_short_midway(rig: Rig, files: LocalStore) -> None:
    path = written(files, bytes(SIZE))
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)

    def script(call: Call) -> None:
        if call.number == 3:
            os.truncate(path, KIB)

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy(source=files)
    assert caught.value.kind is Kind.CONFLICT


@pytest.mark.parametrize("with_journal", [True, False])
def test_an_interrupted_download_goes_on(rig: Rig, files: LocalStore, tmp_path: Path, with_journal: bool) -> None:
    body = rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    rig.server.script = lambda call: refusal("AccessDenied") if call.number == 36 * KIB else None
    with pytest.raises(ImgmoveError):
        rig.copy(destination=files)
    assert not (tmp_path / KEY).exists(), "nobody sees half a file"
    rig.server.script = lambda _call: None
    copied = rig.copy(rig.record if with_journal else None, destination=files)
    assert (copied.parts_sent, (tmp_path / KEY).read_bytes()) == (1, body)
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


def test_an_interrupted_upload_of_a_file_goes_on_without_the_journal(rig: Rig, files: LocalStore) -> None:
    body = rig.fill(SIZE)
    written(files, body)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    rig.server.script = lambda call: refusal("AccessDenied") if call.number == 10 else None
    with pytest.raises(ImgmoveError):
        rig.copy(source=files)
    rig.server.script = lambda _call: None
    rig.destination._uploads[rig.record.upload_id].initiated = 2e9  # type: ignore[union-attr]  # it was kept
    copied = rig.copy(None, source=files)
    assert (copied.parts_sent, rig.copied_body()) == (1, body)


def test_a_torn_log_of_parts_costs_a_part(rig: Rig, files: LocalStore, tmp_path: Path) -> None:
    body = rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    rig.server.script = lambda call: refusal("AccessDenied") if call.number == 36 * KIB else None
    with pytest.raises(ImgmoveError):
        rig.copy(destination=files)
    log = next(tmp_path.glob("*.parts"))
    log.write_text(log.read_text()[:-3])
    rig.server.script = lambda _call: None
    assert rig.copy(None, destination=files).parts_sent == 2
    assert (tmp_path / KEY).read_bytes() == body


def test_bytes_that_the_disk_lost_are_found(rig: Rig, files: LocalStore, tmp_path: Path) -> None:
    """A part whose log says that it is whole, and whose bytes are not: found at the end, and everything sent anew."""
    body = rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    rig.server.script = lambda call: refusal("AccessDenied") if call.number == 36 * KIB else None
    with pytest.raises(ImgmoveError):
        rig.copy(destination=files)
    rig.server.script = lambda _call: None
    partial = next(path for path in tmp_path.iterdir() if not path.name.endswith(".parts"))
    with partial.open("r+b") as file:
        file.write(b"lost")
    with pytest.raises(ImgmoveError) as caught:
        rig.copy(rig.record, destination=files)
    assert caught.value.exit_code == 7
    assert not (tmp_path / KEY).exists()
    rig.copy(None, destination=files)
    assert (tmp_path / KEY).read_bytes() == body


def test_what_the_operating_system_refuses_is_said(rig: Rig, files: LocalStore, tmp_path: Path) -> None:
    rig.fill(SIZE)

    def script(_call: Call) -> None:
        for path in tmp_path.glob(".*"):
            path.unlink()

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy(destination=files)
    assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "NoSuchUpload")


def test_a_full_disk_is_a_quota_and_not_tried_again(rig: Rig) -> None:
    """/dev/full refuses every write with ENOSPC."""
    if not Path("/dev/full").exists():
        pytest.skip("not run: there is no /dev/full")
    rig.fill(KIB)
    full = _FullDisk(Path("/dev"))
    with pytest.raises(ImgmoveError) as caught:
        rig.copy(destination=full)
    assert (caught.value.kind, caught.value.code, caught.value.exit_code) == (Kind.QUOTA, "ENOSPC", 5)
    assert not rig.notes


class _FullDisk(LocalStore):
    def begin(self, key: str) -> str:
        return "upload"

    def _partial(self, key: str, upload_id: str) -> Path:
        return Path("/dev/full")

    def uploads(self, prefix: str) -> Iterator[UploadInfo]:
        return iter(())
