"""What each fault does to an exchange on the wire."""

from __future__ import annotations

import http.client
import os
import time

import pytest

from imgmove.sandbox.http import Request, Response
from tests.sandbox.echo import Echo, wait_for

SMALL = b"0123456789"
LARGE = os.urandom(3_000_001)
BROKEN = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


def differing(a: bytes, b: bytes) -> list[int]:
    """Where two byte strings of one length differ."""
    assert len(a) == len(b)
    return [at for at, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]


def test_refuse_answers_in_the_vendors_shape_and_does_nothing(echo: Echo) -> None:
    echo.faults.add("cos:PutThing refuse code=Nope message='not today' status=418")
    assert echo.ask("PUT", "/thing", SMALL)[:2] == (418, b"Nope: not today")
    assert echo.wire.handled == []
    assert echo.ask("PUT", "/thing", SMALL)[0] == 200, "once only"


def test_refuse_without_status_takes_the_vendors(echo: Echo) -> None:
    echo.faults.add("cos:* refuse code=Nope")
    assert echo.ask("GET", "/thing")[0] == 400


def test_throttle(echo: Echo) -> None:
    echo.faults.add("cos:GetThing throttle times=2")
    assert [echo.ask("GET", "/thing")[0] for _ in range(3)] == [429, 429, 404]
    assert [entry.fault for entry in echo.entries()] == ["throttle", "throttle", ""]


def test_html(echo: Echo) -> None:
    echo.faults.add("cos:* html")
    status, content, headers = echo.ask("PUT", "/thing", SMALL)
    assert (status, headers["Content-Type"]) == (502, "text/html")
    assert b"<html>" in content
    assert echo.wire.handled == []


def test_empty(echo: Echo) -> None:
    echo.faults.add("cos:* empty")
    assert echo.ask("POST", "/thing", SMALL)[:2] == (200, b"")
    assert echo.wire.handled == []


def test_delay_waits_and_goes_on(echo: Echo) -> None:
    echo.faults.add("cos:PutThing delay seconds=0.05")
    started = time.monotonic()
    assert echo.ask("PUT", "/thing", SMALL)[0] == 200
    assert time.monotonic() - started >= 0.05
    assert echo.wire.files["/thing"].read_bytes() == SMALL


@pytest.mark.parametrize("body", [SMALL, LARGE])
def test_drop_before_does_nothing(echo: Echo, body: bytes) -> None:
    echo.faults.add("cos:PutThing drop-before")
    with pytest.raises(BROKEN):
        echo.ask("PUT", "/thing", body)
    assert echo.wire.handled == []
    assert [(entry.status, entry.fault) for entry in echo.entries()] == [(0, "drop-before")]
    wait_for(lambda: list(echo.incoming.iterdir()) == [])


def test_drop_after_has_acted(echo: Echo) -> None:
    echo.faults.add("cos:PutThing drop-after")
    with pytest.raises(BROKEN):
        echo.ask("PUT", "/thing", SMALL)
    assert echo.wire.files["/thing"].read_bytes() == SMALL
    assert echo.persisted == [1], "and made it durable"
    assert [(entry.status, entry.fault) for entry in echo.entries()] == [(0, "drop-after")]


@pytest.mark.parametrize("body", [SMALL, LARGE])
def test_cut_body_of_an_answer_ends_halfway(echo: Echo, body: bytes) -> None:
    echo.ask("PUT", "/thing", body)
    echo.faults.add("cos:GetThing cut-body")
    with pytest.raises(http.client.IncompleteRead) as caught:
        echo.ask("GET", "/thing")
    assert caught.value.partial == body[: len(body) // 2]
    assert echo.ask("GET", "/thing")[1] == body


@pytest.mark.parametrize("body", [SMALL, LARGE])
def test_corrupt_body_of_an_answer_flips_one_byte(echo: Echo, body: bytes) -> None:
    echo.ask("PUT", "/thing", body)
    echo.faults.add("cos:GetThing corrupt-body")
    assert differing(echo.ask("GET", "/thing")[1], body) == [len(body) // 2]
    assert echo.ask("GET", "/thing")[1] == body, "what is stored is sound"


def test_corrupt_body_of_a_slice_stays_within_it(echo: Echo) -> None:
    echo.ask("PUT", "/thing", LARGE)
    echo.faults.add("cos:GetThing corrupt-body")
    content = echo.ask("GET", "/thing", headers={"Range": "bytes=1000000-1999999"})[1]
    assert differing(content, LARGE[1_000_000:2_000_000]) == [500_000]


@pytest.mark.parametrize("body", [b"x", SMALL, LARGE])
def test_corrupt_body_of_a_put_is_what_gets_stored(echo: Echo, body: bytes) -> None:
    echo.faults.add("cos:PutThing corrupt-body")
    assert echo.ask("PUT", "/thing", body)[0] == 200
    assert differing(echo.wire.files["/thing"].read_bytes(), body) == [len(body) // 2]


@pytest.mark.parametrize("body", [SMALL, LARGE])
def test_cut_body_of_a_put_stores_nothing(echo: Echo, body: bytes) -> None:
    echo.faults.add("cos:PutThing cut-body")
    with pytest.raises(BROKEN):
        echo.ask("PUT", "/thing", body)
    assert echo.wire.handled == []
    assert [(entry.status, entry.fault) for entry in echo.entries()] == [(0, "cut-body")]


def test_spoiling_an_empty_answer_to_a_call(echo: Echo) -> None:
    echo.faults.add("cos:CallThing corrupt-body")
    assert echo.ask("POST", "/thing")[:2] == (200, b"")


def test_lose_upload_by_the_id_in_the_query(echo: Echo) -> None:
    echo.faults.add("cos:PutThing lose-upload")
    assert echo.ask("PUT", "/thing?partNumber=1&uploadId=u%2F1", SMALL)[0] == 200
    assert echo.lost_uploads == ["u/1"]


def test_lose_upload_by_the_id_just_made(echo: Echo) -> None:
    def begin(_: Request) -> Response:
        return Response(200, [], b"<R><UploadId>u-2</UploadId></R>")

    echo.wire.on_get = begin
    echo.faults.add("cos:GetThing lose-upload")
    assert echo.ask("GET", "/thing?uploads")[0] == 200
    assert echo.lost_uploads == ["u-2"]


def test_a_fault_holds_for_its_service_only(echo: Echo) -> None:
    echo.faults.add("oss:* throttle times=forever")
    assert echo.ask("GET", "/thing")[0] == 404
