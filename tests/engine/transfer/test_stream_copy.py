"""Copies through a converter: in order, header last, deterministic, and resumed without sending a part twice."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgmove.clouds.local.store import LocalStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import ObjectStore, SignedRequest, StoreLimits
from imgmove.engine.transfer.bandwidth import parse_bandwidth
from imgmove.engine.transfer.crc64 import crc64
from imgmove.engine.transfer.record import CopyRecord
from imgmove.engine.transfer.stream_copy import Convert, Converted, copy_converted, first_part_bytes, stream_part_bytes
from imgmove.engine.transfer.surroundings import Copied, CopyOptions
from imgmove.images.convert import conversion
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import Behaviour, Call, Script, refusal
from tests.engine.transfer.test_object_copy import strip_crcs
from tests.tools import needs_qemu_img, needs_tar

MIB = 1 << 20
SIZE = 22 * MIB + 12345
#: What `with_length` makes of it: a part of 1 MiB, which is sent last, two of 8 MiB, and the rest.
PARTS = 4


@dataclass
class Stream:
    largest_bytes: int
    head_bytes: int
    body: Iterator[bytes]
    head: Callable[[], bytes]


def with_length(pieces: Iterator[bytes], _size_bytes: int) -> Converted:
    """The object behind eight bytes that say how long it is: known only at the end, as a qcow2 header is."""
    total = 0

    def body() -> Iterator[bytes]:
        nonlocal total
        for piece in pieces:
            for start in range(0, len(piece), 100_003):
                total += len(piece[start : start + 100_003])
                yield piece[start : start + 100_003]

    return Stream(1 << 40, 8, body(), lambda: total.to_bytes(8, "big"))


def expected(body: bytes) -> bytes:
    return len(body).to_bytes(8, "big") + body


def convert(
    rig: Rig, how: Convert = with_length, record: CopyRecord | None = None, destination: ObjectStore | None = None,
    options: CopyOptions | None = None,
) -> Copied:  # fmt: skip
    return copy_converted(
        rig.source,
        KEY,
        destination or rig.destination,
        KEY,
        how,
        options or CopyOptions(workers=4),
        rig.around(),
        record,
    )


@pytest.fixture(autouse=True)
def small_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 8 MiB also for what might become large."""
    from imgmove.engine.transfer import stream_copy

    monkeypatch.setattr(stream_copy, "stream_part_bytes", lambda *_words: 8 * MIB)


def puts(rig: Rig) -> list[int]:
    return [call.number for call in rig.server.calls if call.method == "PUT"]


def test_every_byte_arrives_and_the_header_is_sent_last(rig: Rig) -> None:
    body = rig.fill(SIZE)
    copied = convert(rig)
    assert rig.copied_body() == expected(body)
    assert copied.info.crc64 == crc64(expected(body))
    assert sorted(puts(rig)) == list(range(1, PARTS + 1))
    assert puts(rig)[-1] == 1
    compared = copied.comparison
    assert (compared.parts_compared, compared.parts_total) == (PARTS, PARTS)
    assert (compared.before_completion, compared.whole) == (True, "ours = destination")
    assert rig.moved[-1] == (SIZE, SIZE)


@pytest.mark.parametrize("size_bytes", [0, 1, MIB - 8, MIB - 7, 9 * MIB - 8, 9 * MIB - 7])
def test_results_that_end_at_the_edges_of_parts(rig: Rig, size_bytes: int) -> None:
    body = rig.fill(size_bytes)
    convert(rig)
    assert rig.copied_body() == expected(body)


def stopped_at(rig: Rig, part: int) -> bytes:
    """A conversion that was refused at one part."""
    body = rig.fill(SIZE)
    rig.server.script = lambda call: refusal("AccessDenied") if (call.method, call.number) == ("PUT", part) else None
    with pytest.raises(ImgmoveError):
        convert(rig, options=CopyOptions(workers=1))
    rig.server.script = lambda _call: None
    rig.server.calls.clear()
    return body


@pytest.mark.parametrize("with_journal", [True, False])
@pytest.mark.parametrize("has_crc", [True, False])
def test_resuming_reads_again_and_sends_no_part_twice(rig: Rig, with_journal: bool, has_crc: bool) -> None:
    """Without the journal, and with lists that carry no CRC-64, a part is known by its ETag, an MD5."""
    body = stopped_at(rig, 4)
    if not has_crc:
        strip_crcs(rig)
    convert(rig, record=rig.record if with_journal else None)
    assert sorted(puts(rig)) == [1, 4]
    assert rig.copied_body() == expected(body)


def test_parts_of_something_else_are_replaced(rig: Rig) -> None:
    stopped_at(rig, 4)
    body = rig.fill(SIZE, seed=2)
    convert(rig)
    assert sorted(puts(rig)) == [1, 2, 3, 4]
    assert rig.copied_body() == expected(body)


def test_the_upload_of_a_plain_copy_may_be_taken_up(rig: Rig) -> None:
    """Its parts are other ones; those that the result does not have are dropped."""
    body = rig.fill(SIZE)
    upload_id = rig.destination.begin(KEY)
    rig.destination._put_part(
        KEY, {"uploadId": upload_id, "partNumber": "99"}, sign(rig, upload_id), b"rest"
    )  # fmt: skip
    convert(rig)
    assert rig.copied_body() == expected(body)
    assert list(rig.destination.uploads(KEY)) == []


def sign(rig: Rig, upload_id: str) -> SignedRequest:
    return rig.destination.sign_put_part(KEY, upload_id, 99, 4, 60.0)


def spoil(method: str, number: int, times: int = 1) -> Script:
    def script(call: Call) -> Behaviour | None:
        return Behaviour(flip=5) if (call.method, call.number) == (method, number) and call.count <= times else None

    return script


def test_a_part_spoilt_on_the_way_in_is_sent_again(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = spoil("PUT", 3)
    convert(rig)
    assert rig.copied_body() == expected(body)
    assert sorted(puts(rig)) == [1, 2, 3, 3, 4]


def test_bytes_spoilt_on_the_way_out_are_read_again_and_only_the_wrong_part_is_sent_again(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = spoil("GET", 12 * MIB)
    copied = convert(rig)
    assert rig.copied_body() == expected(body)
    assert sorted(puts(rig)) == [1, 2, 3, 3, 4]
    assert copied.comparison.before_completion
    assert rig.destination.calls.count("finish") == 1


def test_a_source_that_never_reads_as_its_store_says_ends_with_7_and_nothing_is_completed(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.server.script = spoil("GET", 12 * MIB, times=100)
    with pytest.raises(ImgmoveError) as caught:
        convert(rig)
    assert (caught.value.kind, caught.value.exit_code) == (Kind.CORRUPT, 7)
    assert "finish" not in rig.destination.calls


def test_a_part_that_always_arrives_spoilt(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.server.script = spoil("PUT", 3, times=100)
    with pytest.raises(ImgmoveError) as caught:
        convert(rig)
    assert caught.value.code == "ChecksumMismatch"
    assert puts(rig).count(3) == 4


def test_what_passes_is_tried_again_on_both_legs(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = lambda call: refusal("SlowDown", 503) if call.count <= 2 else None
    convert(rig)
    assert rig.copied_body() == expected(body)


def test_a_source_that_changes_midway(rig: Rig) -> None:
    rig.fill(SIZE)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("GET", 20 * MIB):
            rig.source.put(KEY, bytes(SIZE))

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        convert(rig)
    assert (caught.value.code, caught.value.exit_code) == ("SourceChanged", 4)


def test_a_wish_to_stop(rig: Rig) -> None:
    body = rig.fill(SIZE)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("PUT", 3):
            rig.stop.set()

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        convert(rig)
    assert caught.value.kind is Kind.INTERRUPTED
    rig.stop.clear()
    held = set(puts(rig))
    rig.server.calls.clear()
    convert(rig, record=rig.record)
    assert held.isdisjoint(puts(rig))
    assert rig.copied_body() == expected(body)


def test_lost_answers_to_beginning_and_completion(rig: Rig) -> None:
    body = rig.fill(SIZE)
    lost = ImgmoveError(Kind.UNAVAILABLE, "no answer", code="NoAnswer", maybe_applied=True)
    rig.destination.lost_answers = {"begin": [lost], "finish": [lost]}
    convert(rig)
    assert rig.copied_body() == expected(body)
    assert rig.destination.calls.count("finish") == 1


def test_an_upload_that_somebody_aborts(rig: Rig) -> None:
    rig.fill(SIZE)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("PUT", 3):
            rig.destination._uploads.clear()

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        convert(rig)
    assert "somebody aborted it" in caught.value.message


def test_the_bandwidth_is_for_both_legs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.fill(SIZE)
    submit, rates = rig.executor.submit, {}

    def spy(call: object, task: object, *words: object) -> object:
        rates[getattr(call, "__name__", "")] = task.bytes_per_second  # type: ignore[attr-defined]  # a PartTask
        return submit(call, task, *words)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(rig.executor, "submit", spy)
    convert(rig, options=CopyOptions(workers=2, bandwidth=parse_bandwidth("4GiB")))
    assert rates == {"fetch_part": 1 << 30, "send_part": 4 << 30}  # four ranges ahead; the header alone at the end


@pytest.mark.parametrize("limits", [StoreLimits(1 << 20, 5 << 30, 10_000, 48 << 40, 5 << 30)])
@pytest.mark.parametrize("largest_bytes", [1, 100 << 30, 500 << 30, 40 << 40])
def test_parts_are_large_enough_for_the_largest_result(limits: StoreLimits, largest_bytes: int) -> None:
    size = stream_part_bytes(largest_bytes, limits)
    assert first_part_bytes(limits) + size * (limits.max_parts - 1) >= largest_bytes
    assert limits.min_part_bytes <= size <= limits.max_part_bytes


# ------------------------------------------------------------------------------------------------------ real images


def disk(path: Path) -> None:
    chance = random.Random(3)
    with path.open("wb") as file:
        file.truncate(64 * MIB)
        for _ in range(300):
            file.seek(chance.randrange(63 * MIB))
            file.write(chance.randbytes(60_000))


def archive(tmp_path: Path) -> bytes:
    disk(tmp_path / "disk.raw")
    subprocess.run(["tar", "-czSf", "disk.raw.tar.gz", "disk.raw"], cwd=tmp_path, check=True)
    return (tmp_path / "disk.raw.tar.gz").read_bytes()


UNPACKED = conversion(DiskFormat.RAW_TAR_GZ, DiskFormat.QCOW2)


@needs_qemu_img
@needs_tar
@pytest.mark.parametrize("to_file", [True, False])
def test_an_archive_becomes_qcow2_over_an_interruption(rig: Rig, tmp_path: Path, to_file: bool) -> None:
    rig.source.put(KEY, archive(tmp_path))
    (tmp_path / "there").mkdir()
    destination = LocalStore(tmp_path / "there") if to_file else rig.destination
    rig.server.script = lambda call: refusal("AccessDenied") if call.number in {8 * MIB, 3} else None
    with pytest.raises(ImgmoveError):
        convert(rig, UNPACKED, destination=destination)
    rig.server.script = lambda _call: None
    convert(rig, UNPACKED, destination=destination)
    image = tmp_path / "disk.qcow2"
    image.write_bytes((tmp_path / "there" / KEY).read_bytes() if to_file else rig.copied_body())
    subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", image], check=True)
    subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", tmp_path / "disk.raw", image], check=True)


@needs_tar
def test_an_archive_spoilt_on_the_way_is_read_once_more(rig: Rig, tmp_path: Path) -> None:
    rig.source.put(KEY, archive(tmp_path))
    rig.server.script = spoil("GET", 4 * MIB)
    convert(rig, UNPACKED)
    assert any("once more" in note for note in rig.notes)


@needs_tar
def test_an_archive_that_is_damaged_ends_with_7_and_nothing_is_completed(rig: Rig, tmp_path: Path) -> None:
    body = bytearray(archive(tmp_path))
    body[5 * MIB] ^= 1
    rig.source.put(KEY, bytes(body))
    with pytest.raises(ImgmoveError) as caught:
        convert(rig, UNPACKED)
    assert (caught.value.kind, caught.value.exit_code) == (Kind.CORRUPT, 7)
    assert "finish" not in rig.destination.calls
