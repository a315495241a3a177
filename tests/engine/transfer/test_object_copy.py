"""Copying an object between two stores that do what they should, and when an earlier run did half of it."""

from __future__ import annotations

import threading

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import PartInfo
from imgmove.engine.transfer.crc64 import crc64
from imgmove.engine.transfer.record import CopyRecord
from imgmove.engine.transfer.surroundings import CopyOptions
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import KIB, Behaviour, Call, refusal


@pytest.mark.parametrize("size_bytes", [1, KIB, 4 * KIB, 4 * KIB + 1, 40 * KIB - 1, 200 * KIB])
def test_every_byte_arrives_and_everything_is_compared(rig: Rig, size_bytes: int) -> None:
    body = rig.fill(size_bytes)
    copied = rig.copy()
    assert rig.copied_body() == body
    assert copied.info.crc64 == crc64(body)
    assert copied.sent_bytes == size_bytes
    compared = copied.comparison
    assert compared.parts_compared == compared.parts_total == copied.parts_sent == -(-size_bytes // (4 * KIB))
    assert compared.before_completion
    assert compared.whole == "source = destination"
    assert rig.moved[-1] == (size_bytes, size_bytes)


def test_an_empty_object_is_an_empty_object(rig: Rig) -> None:
    rig.fill(0)
    copied = rig.copy()
    assert (copied.info.size_bytes, rig.copied_body()) == (0, b"")
    assert copied.comparison.whole


def test_what_is_there_already_is_left_alone(rig: Rig) -> None:
    rig.fill(9 * KIB)
    rig.copy()
    rig.destination.calls.clear()
    again = rig.copy()
    assert (again.sent_bytes, again.comparison.already_there) == (0, True)
    assert rig.destination.calls == ["head"]


def test_another_object_at_the_destination_is_replaced(rig: Rig) -> None:
    body = rig.fill(9 * KIB)
    rig.destination.put(KEY, bytes(9 * KIB))
    rig.copy()
    assert rig.copied_body() == body


def test_no_source(rig: Rig) -> None:
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.exit_code) == (Kind.NOT_FOUND, 4)


def test_the_requests_of_a_copy_are_no_more_than_it_needs(rig: Rig) -> None:
    rig.fill(8 * KIB)
    rig.copy()
    assert sorted(rig.source.calls) == ["GET 0", "GET 4096", "head"]
    assert sorted(rig.destination.calls) == ["PUT 1", "PUT 2", "begin", "finish", "head", "uploads"]


def test_connections_are_used_again(rig: Rig) -> None:
    rig.fill(80 * KIB)
    rig.options = CopyOptions(workers=2, part_bytes=4 * KIB)
    rig.copy()
    assert len(rig.server.calls) == 40
    assert len({call.connection for call in rig.server.calls}) <= 6, "two parts that move, and one that is answered"


def test_the_workers_are_as_many_as_asked_for(rig: Rig) -> None:
    rig.fill(80 * KIB)
    rig.options = CopyOptions(workers=3, part_bytes=4 * KIB)
    most, now, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(3, timeout=10)

    def script(call: Call) -> Behaviour | None:
        nonlocal most, now
        if call.method != "PUT":
            return None
        with lock:
            now += 1
            most = max(most, now)
        if call.number <= 3:
            meet.wait()  # all three are here at once
        with lock:
            now -= 1
        return None

    rig.server.script = script
    rig.copy()
    assert most == 3


# ------------------------------------------------------------------------------------------------------- taking up


def interrupted(rig: Rig, size_bytes: int, at_part: int) -> bytes:
    """A copy that was refused at one part, with all others across."""
    body = rig.fill(size_bytes)
    rig.server.script = lambda call: refusal("AccessDenied") if (call.method, call.number) == ("PUT", at_part) else None
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    with pytest.raises(ImgmoveError):
        rig.copy()
    rig.server.script = lambda _call: None
    rig.destination.calls.clear()
    rig.source.calls.clear()
    return body


def test_resuming_with_the_journal_sends_the_last_part_and_nothing_else(rig: Rig) -> None:
    body = interrupted(rig, 40 * KIB, 10)
    copied = rig.copy(rig.record)
    assert rig.source.calls == ["head", f"GET {36 * KIB}"]
    assert rig.destination.calls == ["head", "parts", "PUT 10", "finish"]
    assert (copied.parts_sent, rig.copied_body()) == (1, body)
    assert copied.comparison.before_completion


def test_resuming_without_the_journal_sends_the_last_part_and_nothing_else(rig: Rig) -> None:
    body = interrupted(rig, 40 * KIB, 10)
    copied = rig.copy(None)
    assert rig.source.calls == ["head", f"GET {36 * KIB}"]
    assert rig.destination.calls == ["head", "uploads", "parts", "PUT 10", "finish"]
    assert (copied.parts_sent, rig.copied_body()) == (1, body)
    assert copied.comparison.whole == "source = destination"
    assert any("found an unfinished upload" in note for note in rig.notes)


def test_parts_are_taken_up_with_the_size_that_they_were_cut_in(rig: Rig) -> None:
    interrupted(rig, 40 * KIB, 10)
    rig.options = CopyOptions()  # another part size now
    assert rig.copy(None).parts_sent == 1


def test_a_part_size_that_was_asked_for_begins_anew(rig: Rig) -> None:
    body = interrupted(rig, 40 * KIB, 10)
    rig.options = CopyOptions(part_bytes=8 * KIB)
    assert rig.copy(None).parts_sent == 5
    assert rig.copied_body() == body


def test_a_journal_that_knows_an_upload_that_is_gone(rig: Rig) -> None:
    body = interrupted(rig, 12 * KIB, 3)
    assert rig.record is not None
    rig.destination.abort(KEY, rig.record.upload_id)
    assert rig.copy(rig.record).parts_sent == 3
    assert rig.copied_body() == body


def test_a_source_that_changed_since_is_copied_anew_and_the_old_upload_is_aborted(rig: Rig) -> None:
    interrupted(rig, 12 * KIB, 3)
    body = rig.fill(12 * KIB, seed=2)
    assert rig.copy(rig.record).parts_sent == 3
    assert rig.copied_body() == body
    assert list(rig.destination.uploads(KEY)) == []


def test_parts_of_something_else_are_found_and_everything_is_sent_anew(rig: Rig) -> None:
    """The journal is gone, and the unfinished upload is of another object of the same size."""
    interrupted(rig, 12 * KIB, 3)
    body = rig.fill(12 * KIB, seed=2)
    strip_crcs(rig)
    copied = rig.copy(None)
    assert rig.copied_body() == body
    assert copied.comparison.before_completion
    assert any("sending everything anew" in note for note in rig.notes)


def strip_crcs(rig: Rig) -> None:
    """Lists of parts carry no CRC-64 in COS and OSS."""
    listed = rig.destination.parts
    rig.destination.parts = lambda key, upload_id: (  # type: ignore[method-assign]
        PartInfo(part.number, part.size_bytes, part.etag) for part in listed(key, upload_id)
    )


def test_an_upload_begun_before_the_source_was_written_is_not_taken_up(rig: Rig) -> None:
    times = iter(range(100, 1000))
    rig.source._time = rig.destination._time = lambda: float(next(times))
    interrupted(rig, 12 * KIB, 3)
    body = rig.fill(12 * KIB, seed=2)
    assert rig.copy(None).parts_sent == 3
    assert rig.copied_body() == body


def test_without_a_crc_of_the_source_only_the_journal_is_believed(rig: Rig) -> None:
    body = interrupted(rig, 12 * KIB, 3)
    forget_crc(rig)
    assert rig.copy(None).parts_sent == 3
    assert rig.copied_body() == body


def forget_crc(rig: Rig) -> None:
    """The source's store gives no CRC-64, as for objects that a vendor's exporter wrote."""
    info, body = rig.source._objects[KEY]
    rig.source._objects[KEY] = (type(info)(info.key, info.size_bytes, info.etag, info.last_modified), body)


def test_without_a_crc_of_the_source_parts_that_nobody_noted_are_sent_again(rig: Rig) -> None:
    body = interrupted(rig, 16 * KIB, 4)
    forget_crc(rig)
    assert rig.record is not None
    del rig.record.crcs["2"]
    copied = rig.copy(rig.record)
    assert (copied.parts_sent, rig.copied_body()) == (2, body)
    assert copied.comparison.whole == "ours = destination"
    assert not copied.comparison.before_completion
    assert any("not compared" in line for line in copied.comparison.describe())


def test_all_pages_of_the_lists_count(rig: Rig) -> None:
    """Other people's uploads and a long list of parts do not hide ours (paging itself: the stores' contract suites)."""
    body = interrupted(rig, 400 * KIB, 100)
    for number in range(5):
        rig.destination.begin(f"{KEY}.{number}")
    assert rig.copy(None).parts_sent == 1
    assert rig.copied_body() == body


def test_the_record_is_durable_before_the_first_part_is_sent(rig: Rig) -> None:
    rig.fill(8 * KIB)
    seen: list[list[bool]] = []
    rig.server.script = lambda call: seen.append(list(rig.kept)) if call.method == "PUT" else None
    rig.copy()
    assert all(kept[:1] == [True] for kept in seen)
    assert rig.record is not None
    assert len(rig.record.crcs) == 2


def test_a_record_that_is_damaged_is_no_record() -> None:
    assert CopyRecord.from_json(None) == CopyRecord()
    assert not CopyRecord.from_json({"upload_id": "u", "later_field": 1}).belongs_to("e", 1)
