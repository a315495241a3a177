"""Requests of clients that the tests don't install, replayed byte for byte at the moment they were made.

Each was recorded from the client unchanged, with the keys and buckets of the tests' world.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Key
from tests.sandbox.stores import worlds
from tests.sandbox.stores.wire import Answer, send


@dataclass(frozen=True)
class Recording:
    """A request as a client sent it, and what it gets."""

    client: str
    service: str
    made_at: int
    """Unix seconds."""
    head: str
    status: int
    contains: str = ""
    body: bytes | None = None


RECORDINGS = (
    Recording(
        "ali-oss 6.23.0, listV2: a blank parameter is signed with its equals sign",
        "oss",
        1795240898,
        """\
GET /?list-type=2&delimiter=%2F&prefix= HTTP/1.1
x-oss-date: 20261121T060138Z
x-oss-content-sha256: UNSIGNED-PAYLOAD
user-agent: aliyun-sdk-nodejs/6.23.0 Node.js 20.20.2 on Linux 64-bit
authorization: OSS4-HMAC-SHA256 Credential=LTAItest/20261121/cn-hangzhou/oss/aliyun_v4_request,\
Signature=1c4318050115c8ceeb01bbc16c180abfa24facd2f04c1d29529fc4114f7d2952
Host: house.oss-cn-hangzhou.aliyuncs.com
""",
        200,
        "<ListBucketResult>",
    ),
    Recording(
        "alibabacloud-oss-v2 1.4.1 for Python, version 1: its token has a header of its own",
        "oss",
        1795240981,
        """\
GET /house/?encoding-type=url&max-keys=1 HTTP/1.1
Host: 127.0.0.1:39998
Accept-Encoding: identity
User-Agent: alibabacloud-python-sdk-v2/1.4.1 (Linux/6.18.44-fc-v595/x86_64;3.11.7)
Content-Type: application/octet-stream
Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==
Date: Sat, 21 Nov 2026 06:03:01 GMT
security-token: recorded-token
Authorization: OSS STS.recorded:y/cVufdSIWHF1VWcGOkW2SN66WQ=
""",
        200,
        "<ListBucketResult>",
    ),
    Recording(
        "alibabacloud-oss-v2 1.4.1 for Python, delete_bucket_overwrite_config: not the bucket's own deletion",
        "oss",
        1795240981,
        """\
DELETE /house/?overwriteConfig= HTTP/1.1
Host: 127.0.0.1:39998
Content-Type: application/xml
Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==
Date: Sat, 21 Nov 2026 06:03:01 GMT
Authorization: OSS LTAItest:30xES4qLIAoaazDPoAW1V/qFa0Y=
Content-Length: 0
""",
        501,
        "<Code>NotImplemented</Code>",
    ),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The tests' world, with the temporary key that was recorded, and a clock that may be turned."""
    with Sandbox(seed=worlds.fill) as running:
        principal = f"federated/{worlds.ALIBABA}"
        with running.world.lock:
            running.world.accounts.add_key(
                Key("alibaba", "STS.recorded", worlds.SECRET, worlds.ALIBABA, principal, "recorded-token", 1e12)
            )
        yield running


def replay(sandbox: Sandbox, recording: Recording) -> Answer:
    """Sends a recorded request at its own time."""
    sandbox.clock.skew_seconds = recording.made_at - time.time()
    line, *fields = recording.head.splitlines()
    method, target, _ = line.split(" ")
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
        changed = Recording(
            recording.client,
            recording.service,
            recording.made_at,
            recording.head.replace("GET /", "HEAD /", 1).replace("DELETE /", "PUT /", 1),
            403,
        )
        assert replay(sandbox, changed).status == 403, recording.client
