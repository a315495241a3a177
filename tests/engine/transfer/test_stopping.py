"""Ctrl-C, and parts that hang: what is in flight is let go, and what came across is kept."""

from __future__ import annotations

import threading
import time

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.transfer.surroundings import CopyOptions
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import KIB, Behaviour, Call

SIZE = 40 * KIB


def test_a_stopped_copy_is_resumed_without_sending_anything_twice(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.options = CopyOptions(workers=2, part_bytes=4 * KIB)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("PUT", 5):
            rig.stop.set()

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.hint) == (Kind.INTERRUPTED, "come back")
    assert "of 10 parts are there" in caught.value.message
    assert rig.record is not None
    held = {part.number for part in rig.destination.parts(KEY, rig.record.upload_id)}
    assert {int(number) for number in rig.record.crcs} == held, "parts that ended in the grace are noted, too"
    rig.stop.clear()
    copied = rig.copy(rig.record)
    assert copied.parts_sent == 10 - len(held)
    assert rig.copied_body() == body
    assert all(call.count == 1 for call in rig.server.calls if call.method == "PUT" and call.number in held)


def test_parts_that_hang_are_let_go_at_once(rig: Rig) -> None:
    """Without that, Ctrl-C would wait for a silent connection's timeout."""
    rig.fill(SIZE)
    release = threading.Event()
    hanging = Behaviour(wait_for=release)
    rig.server.script = lambda call: hanging if call.method == "PUT" else None

    def stop_when_it_hangs() -> None:
        hanging.waited.wait(10)
        rig.stop.set()

    threading.Thread(target=stop_when_it_hangs).start()
    started = time.monotonic()
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    release.set()
    assert caught.value.kind is Kind.INTERRUPTED
    assert time.monotonic() - started < 5


def test_a_stop_before_the_end_completes_nothing(rig: Rig) -> None:
    rig.fill(4 * KIB)

    def script(call: Call) -> None:
        if call.method == "PUT":
            rig.stop.set()

    rig.server.script = script
    with pytest.raises(ImgmoveError):
        rig.copy()
    assert "finish" not in rig.destination.calls


def test_the_deadline_of_the_user_ends_a_copy_that_can_be_resumed(rig: Rig) -> None:
    body = rig.fill(SIZE)
    rig.deadline = 100.0
    rig.options = CopyOptions(workers=1, part_bytes=4 * KIB)

    def script(call: Call) -> None:
        if (call.method, call.number) == ("PUT", 5):
            rig.clock.advance(200)

    rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        rig.copy()
    assert (caught.value.kind, caught.value.exit_code) == (Kind.TIMEOUT, 6)
    rig.deadline = None
    assert rig.copy(rig.record).parts_sent < 10
    assert rig.copied_body() == body
