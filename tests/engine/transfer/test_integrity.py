"""Wrong bytes: found on either leg and mended before anything is finished, or said with exit code 7."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.transfer.surroundings import CopyOptions
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import KIB, Behaviour, Call, Script, refusal

SIZE = 24 * KIB


def spoil(method: str, numbers: set[int], times: int = 1) -> Script:
    """Flip a byte of the first `times` transfers of these parts (offsets, for GET)."""

    def script(call: Call) -> Behaviour | None:
        hit = call.method == method and call.number in numbers and call.count <= times
        return Behaviour(flip=100) if hit else None

    return script


def test_a_byte_spoilt_on_the_way_in_is_sent_again(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = spoil("PUT", {2})
    copied = rig.copy()
    assert rig.copied_body() == body
    assert copied.parts_sent == 7
    assert any("another CRC-64 than it was sent with" in note for note in rig.notes)


def test_a_part_sent_again_takes_its_bytes_back(rig: Rig) -> None:
    """Its bytes are shown while it moves; where it arrived spoilt they were none."""
    rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    shown = threading.Event()
    spoilt = Behaviour(flip=100, wait_for=shown)
    rig.server.script = lambda call: spoilt if (call.method, call.number, call.count) == ("PUT", 2, 1) else None
    rig.on_moved = lambda done, _total: shown.set() if done == 8 * KIB else None
    rig.copy()
    done = [done for done, _total in rig.moved]
    there = done.index(8 * KIB)
    assert 4 * KIB in done[there + 1 :]
    assert done[-1] == max(done) == SIZE


def test_a_part_that_always_arrives_spoilt_ends_with_7_and_nothing_is_completed(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.server.script = spoil("PUT", {2}, times=1000)
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.exit_code) == (Kind.CORRUPT, 7)
    assert "finish" not in rig.destination.calls
    assert rig.destination.head(KEY) is None
    assert sum(call.number == 2 and call.method == "PUT" for call in rig.server.calls) == 4


def test_a_byte_spoilt_on_the_way_out_is_found_before_completion_and_replaced(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = spoil("GET", {8 * KIB})
    copied = rig.copy()
    assert rig.copied_body() == body
    assert copied.comparison.before_completion
    assert copied.parts_sent == 7
    assert rig.destination.calls.count("finish") == 1
    assert sum(call.method == "GET" for call in rig.server.calls) == 6 + 6 + 1


def test_several_spoilt_parts_are_all_found(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = spoil("GET", {0, 8 * KIB, 20 * KIB})
    assert rig.copy().parts_sent == 9
    assert rig.copied_body() == body


def test_bytes_spoilt_while_looking_for_spoilt_bytes(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = spoil("GET", {8 * KIB}, times=2)
    rig.copy()
    assert rig.copied_body() == body


def test_a_source_that_never_reads_as_its_store_says_ends_with_7_and_nothing_is_completed(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.server.script = spoil("GET", {8 * KIB}, times=1000)
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.exit_code) == (Kind.CORRUPT, 7)
    assert "finish" not in rig.destination.calls


def test_parts_spoilt_before_an_interruption_are_found_after_it(rig: Rig) -> None:
    """With the journal's CRCs; what was read was compared with nothing when the first run ended."""
    body = rig.fill(SIZE)
    spoilt = spoil("GET", {0})
    rig.server.script = lambda call: refusal("AccessDenied") if call.number == 6 else spoilt(call)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    with pytest.raises(ImgmoveError):
        rig.copy()
    rig.server.script = lambda _call: None
    copied = rig.copy(rig.record)
    assert rig.copied_body() == body
    assert copied.parts_sent == 2
    assert copied.comparison.before_completion


def test_a_destination_that_differs_after_completion_is_removed(rig: Rig) -> None:
    rig.fill(SIZE)
    swap_part_at_completion(rig)
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert caught.value.exit_code == 7
    assert rig.destination.head(KEY) is None


def test_a_wrong_object_that_cannot_be_removed_is_said_so(rig: Rig) -> None:
    rig.fill(SIZE)
    swap_part_at_completion(rig)
    rig.destination.failures["delete"] = [ImgmoveError(Kind.DENIED, "no deleting", code="AccessDenied")]
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert caught.value.exit_code == 7
    assert "could not be removed" in caught.value.message


def swap_part_at_completion(rig: Rig) -> None:
    """Another writer replaces a part behind our back, just before the end."""
    finish = rig.destination.finish

    def swapped(*words: object) -> object:
        upload = rig.destination._uploads[str(words[1])]
        info, body = upload.parts[2]
        upload.parts[2] = (info, bytes(len(body)))
        return finish(*words)  # type: ignore[arg-type]  # as they came

    rig.destination.finish = swapped  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("forget", ["source", "destination", "both"])
def test_the_result_says_what_was_not_compared(rig: Rig, forget: str) -> None:
    rig.fill(SIZE)
    if forget != "destination":
        info, body = rig.source._objects[KEY]
        rig.source._objects[KEY] = (type(info)(info.key, info.size_bytes, info.etag, 0.0), body)
    if forget != "source":
        rig.destination.has_crc = False
        store = rig.destination._store
        rig.destination._store = lambda *words: type(info := store(*words))(  # type: ignore[method-assign]
            info.key, info.size_bytes, info.etag, 0.0
        )
        head = rig.destination.head
        rig.destination.head = lambda key: (found := head(key)) and replace(found, crc64=None)  # type: ignore[method-assign]
    lines = rig.copy().comparison.describe()
    missing = [line for line in lines if "not compared" in line or "0 of 6" in line]
    assert len(missing) == {"source": 1, "destination": 2, "both": 3}[forget]
    assert "size: source = destination" in lines


def test_a_completion_that_tells_no_crc_is_looked_at(rig: Rig) -> None:
    """COS begins its answer before it has joined the parts: the header cannot be there."""
    rig.fill(SIZE)
    finish = rig.destination.finish
    rig.destination.finish = lambda *words: replace(finish(*words), crc64=None)  # type: ignore[method-assign]
    assert rig.copy().comparison.whole == "source = destination"


def test_without_our_own_crc_the_stores_are_compared_all_the_same(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.options = CopyOptions(part_bytes=4 * KIB, compute_crc=False)
    comparison = rig.copy().comparison
    assert (comparison.parts_compared, comparison.before_completion) == (0, False)
    assert comparison.whole == "source = destination"
