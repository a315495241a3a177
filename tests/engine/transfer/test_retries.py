"""What a store or the network does to a part, and to the questions around it, and what becomes of the copy."""

from __future__ import annotations

import threading

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.transfer.surroundings import CopyOptions
from imgmove.testing.memory_store import Answer
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import KIB, Behaviour, Call, Script, refusal

SIZE = 24 * KIB
BUSY = ImgmoveError(Kind.UNAVAILABLE, "busy", code="InternalError")
LOST = ImgmoveError(Kind.UNAVAILABLE, "no answer", code="NoAnswer", maybe_applied=True)


def first(times: int, what: Behaviour, method: str = "PUT") -> Script:
    """The first `times` tries of every part go wrong."""
    return lambda call: what if call.method == method and call.count <= times else None


def foreign(body: bytes = b"<html>Please log in</html>", status: int = 200, **headers: str) -> Behaviour:
    return Behaviour(Answer(status, {"Content-Type": "text/html", **headers}, body))


MENDED = {
    "throttled": refusal("SlowDown", 503),
    "server error": refusal("InternalError", 500),
    "bad gateway with a page": foreign(status=502),
    "a page instead of an answer": foreign(),
    "an empty answer": foreign(b""),
    "dropped before": Behaviour(drop_before=True),
    "dropped after": Behaviour(drop_after=True),
    "refused before the body was read": Behaviour(refusal("SlowDown", 503).instead, before_the_body=True),
    "token expired": refusal("ExpiredToken"),
}


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("what", MENDED.values(), ids=MENDED)
def test_what_passes_is_tried_again(rig: Rig, what: Behaviour, method: str) -> None:
    body = rig.fill(SIZE)
    rig.server.script = first(2, what, method)
    copied = rig.copy()
    assert rig.copied_body() == body
    assert copied.comparison.before_completion
    assert rig.clock.slept, "no try without a wait in between"


READS = {
    "cut halfway": Behaviour(cut_at=1000),
    "cut before the first byte": Behaviour(cut_at=0),
    "too short": Behaviour(short=7),
    "too long": Behaviour(extra=b"more"),
    "whole object for a range": Behaviour(Answer(200, {}, bytes(SIZE))),
    "another range": Behaviour(headers={"Content-Range": f"bytes 1-{4 * KIB}/{SIZE}"}),
    "no range named": Behaviour(status=200),
}


@pytest.mark.parametrize("what", READS.values(), ids=READS)
def test_bytes_that_are_not_those_asked_for_are_not_passed_on(rig: Rig, what: Behaviour) -> None:
    body = rig.fill(SIZE)
    rig.server.script = first(1, what, "GET")
    rig.copy()
    assert rig.copied_body() == body


def test_an_answer_in_chunks_and_one_that_closes_are_fine(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.server.script = lambda call: Behaviour(chunked=call.number % (8 * KIB) == 0, close=call.number % (8 * KIB) != 0)
    copied = rig.copy()
    assert (rig.copied_body(), copied.parts_sent) == (body, 6)
    assert not rig.notes


def test_a_whole_small_object_answered_as_such_is_fine(rig: Rig) -> None:
    body = rig.fill(KIB)
    rig.server.script = lambda call: Behaviour(Answer(200, {}, body)) if call.method == "GET" else None
    rig.copy()
    assert rig.copied_body() == body


def test_a_store_that_closed_a_kept_connection_costs_no_try(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    rig.server.script = lambda _call: Behaviour(close=True)
    rig.copy()
    assert rig.copied_body() == body
    assert not rig.notes


def test_what_does_not_pass_ends_after_some_tries_with_the_stores_words(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.server.script = lambda call: refusal("SlowDown", 503) if call.method == "PUT" else None
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.code, caught.value.exit_code) == ("SlowDown", 5)
    assert max(call.count for call in rig.server.calls) == 10
    assert sum(rig.clock.slept) > 20


def test_a_store_that_cannot_be_reached_any_more(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.server.script = lambda call: Behaviour(drop_before=True) if call.method == "GET" else None
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.exit_code) == (Kind.UNAVAILABLE, 1)
    assert "source" in caught.value.message


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_silent_store_is_not_waited_for_for_ever(rig: Rig, method: str) -> None:
    """Before its answer (PUT), or in the middle of it (GET)."""
    body = rig.fill(4 * KIB)
    release = threading.Event()
    silent = Behaviour(wait_for=release) if method == "PUT" else Behaviour(cut_at=100, hold=release)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB, timeout_seconds=0.05)
    rig.server.script = lambda call: silent if call.method == method and call.count == 1 else None
    rig.copy()
    release.set()
    assert rig.copied_body() == body
    assert any("silent for too long" in note for note in rig.notes)


@pytest.mark.parametrize(
    ("method", "what", "code", "exit_code"),
    [
        ("PUT", refusal("AccessDenied"), "AccessDenied", 3),
        ("GET", refusal("AccessDenied"), "AccessDenied", 3),
        ("PUT", refusal("RequestTimeTooSkewed"), "RequestTimeTooSkewed", 3),
        ("PUT", refusal("NoQuota"), "NoQuota", 5),
        ("GET", refusal("NoSuchKey", 404), "NoSuchKey", 4),
        ("PUT", refusal("NoSuchUpload", 404), "NoSuchUpload", 4),
        ("GET", refusal("PreconditionFailed", 412), "SourceChanged", 4),
        ("GET", Behaviour(headers={"ETag": '"another"'}), "SourceChanged", 4),
        ("GET", Behaviour(headers={"Content-Range": f"bytes 0-{4 * KIB - 1}/999999"}), "SourceChanged", 4),
        ("GET", Behaviour(Answer(302, {"Location": "http://example.com/"})), "Http302", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_mended_is_tried_once(rig: Rig, method: str, what: Behaviour, code: str, exit_code: int) -> None:
    rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)
    rig.server.script = lambda call: what if call.method == method else None
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert sum(call.method == method for call in rig.server.calls) == 1
    assert "finish" not in rig.destination.calls


def test_a_source_that_changes_midway_is_no_mixture(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("PUT", 3):
            rig.source.put(KEY, bytes(SIZE))

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.exit_code) == (Kind.CONFLICT, 4)
    assert "changed during the copy" in caught.value.message
    assert rig.destination.head(KEY) is None


def test_a_source_that_vanishes_midway(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("PUT", 3):
            rig.source.delete(KEY)

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert "vanished" in caught.value.message
    assert "what was sent is kept" in caught.value.hint


def test_an_upload_that_somebody_aborts_can_be_begun_again(rig: Rig) -> None:
    body = rig.fill(SIZE)

    def script(call: Call) -> None:
        if (call.method, call.number, call.count) == ("PUT", 3, 1):
            rig.destination._uploads.clear()

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert "somebody aborted it" in caught.value.message
    rig.copy(rig.record)
    assert rig.copied_body() == body


def test_the_token_is_asked_for_anew_with_every_try(rig: Rig) -> None:
    rig.fill(4 * KIB)
    rig.server.script = first(2, refusal("ExpiredToken"))
    rig.copy()
    assert rig.source.signed == 3


def test_a_token_that_nobody_renews_ends_with_3(rig: Rig) -> None:
    rig.fill(4 * KIB)
    rig.server.script = lambda call: refusal("ExpiredToken") if call.method == "PUT" else None
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert caught.value.exit_code == 3
    assert sum(call.method == "PUT" for call in rig.server.calls) == 3


def test_credentials_that_cannot_be_had_for_a_moment(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.source.failures["sign_read"] = [BUSY, BUSY]
    rig.copy()
    assert rig.copied_body() == body


def test_the_store_says_how_long_to_wait(rig: Rig) -> None:
    rig.fill(4 * KIB)
    rig.server.script = first(1, refusal("SlowDown", 503, x_held_seconds="17"))
    rig.copy()
    assert 17 <= max(rig.clock.slept) < 18


# ---------------------------------------------------------------------------------------- questions around the parts


@pytest.mark.parametrize("call", ["head", "uploads", "begin", "finish"])
def test_questions_are_asked_again(rig: Rig, call: str) -> None:
    body = rig.fill(SIZE)
    rig.destination.failures[call] = [BUSY, BUSY, BUSY]
    rig.copy()
    assert rig.copied_body() == body


def test_questions_are_not_asked_for_ever(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.destination.failures["head"] = [BUSY] * 100
    with pytest.raises(ImgmoveError):
        rig.copy()
    assert rig.destination.calls.count("head") == 10


def test_a_lost_answer_to_the_beginning_leaves_no_second_upload(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.destination.lost_answers["begin"] = [LOST]
    rig.copy()
    assert rig.copied_body() == body
    assert list(rig.destination.uploads("")) == []


def test_a_lost_answer_to_the_completion_is_looked_into(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.destination.lost_answers["finish"] = [LOST]
    copied = rig.copy()
    assert rig.copied_body() == body
    assert copied.comparison.whole == "source = destination"
    assert rig.destination.calls.count("finish") == 1


def test_a_completion_that_did_not_take_effect_is_sent_again(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.destination.failures["finish"] = [LOST, LOST]
    rig.copy()
    assert rig.copied_body() == body
    assert rig.destination.calls.count("finish") == 3


def test_a_lost_completion_is_not_mistaken_for_an_older_object_of_the_same_size(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.destination.put(KEY, bytes(SIZE))
    rig.destination.failures["finish"] = [LOST]
    rig.copy()
    assert rig.copied_body() == body


def test_an_upload_aborted_at_the_very_end(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.destination.failures["finish"] = [ImgmoveError(Kind.NOT_FOUND, "gone", code="NoSuchUpload")]
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.code, caught.value.exit_code) == ("NoSuchUpload", 4)


def test_a_bucket_that_is_not_there(rig: Rig) -> None:
    rig.fill(SIZE)
    rig.destination.exists = False
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert caught.value.code == "NoSuchBucket"


def test_a_journal_that_cannot_be_written_is_no_fault_of_a_part(rig: Rig) -> None:
    rig.fill(SIZE)
    full = ImgmoveError(Kind.UNAVAILABLE, "the journal's disk is full", code="JournalFull")
    keep = rig._keep

    def failing(record: object, durable: bool) -> None:
        if not durable:
            raise full
        keep(record, durable)  # type: ignore[arg-type]  # as it came

    rig._keep = failing  # type: ignore[method-assign]
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert caught.value.code == "JournalFull"
    assert not rig.notes
