"""Requests of clients that the tests don't install, replayed byte for byte at the moment they were made.

Each was recorded from the client unchanged, with the keys and buckets of the tests' world.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Key
from tests.sandbox.stores import worlds
from tests.sandbox.stores.recordings import RECORDINGS, Recording
from tests.sandbox.stores.wire import Answer, send


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The tests' world, with the temporary key that was recorded, and a clock that may be turned."""
    with Sandbox(seed=worlds.fill) as running:
        principal = f"federated/{worlds.ALIBABA}"
        with running.world.lock:
            running.world.accounts.add_key(
                Key("alibaba", "STS.recorded", worlds.SECRET, worlds.ALIBABA, principal, "recorded-token", 1e12)
            )
        for vendor, name in (("tencent", worlds.COS_BUCKET), ("alibaba", worlds.OSS_BUCKET)):
            bucket = running.world.objects.bucket(vendor, name)
            assert bucket is not None
            running.world.objects.put(bucket, "a b+c/ü.img", b"content")
        yield running


def replay(sandbox: Sandbox, recording: Recording) -> Answer:
    """Sends a recorded request at its own time."""
    sandbox.clock.skew_seconds = recording.made_at - time.time()
    line, *fields = recording.head.splitlines()
    method, target, _ = line.split(" ", 2)
    headers = dict(field.split(": ", 1) for field in fields)
    return send(sandbox.endpoint(recording.service), method, target, headers, recording.body)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.client)
def test_recorded_request(sandbox: Sandbox, recording: Recording) -> None:
    answer = replay(sandbox, recording)
    assert answer.status == recording.status, answer.body
    assert recording.contains in answer.body.decode()


def test_a_recorded_signature_covers_its_request(sandbox: Sandbox) -> None:
    """What is tolerated in clients is tolerated in nobody else's name."""
    for recording in RECORDINGS:
        method, _, rest = recording.head.partition(" ")
        changed = replace(recording, head=f"{'HEAD' if method == 'GET' else 'DELETE'} {rest}", body=None)
        if method != "DELETE":
            assert replay(sandbox, changed).status in (400, 403), recording.client
