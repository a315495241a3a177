"""HTTP as the sandbox speaks it: raw paths, streamed bodies, files sent, keep-alive."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from fastcrc import crc64

from imgmove.sandbox.http import FileSlice, Request, Response
from imgmove.sandbox.receiving import MEMORY_LIMIT_BYTES
from imgmove.sandbox.server import PortError, Server
from tests.sandbox.echo import Echo, wait_for

LARGE = os.urandom(MEMORY_LIMIT_BYTES * 3 + 12345)


def talk(echo: Echo, sent: bytes, until: bytes = b"") -> bytes:
    """Sends raw bytes and gives what comes back, to the end or until `until` has come."""
    with socket.create_connection(("127.0.0.1", echo.port), timeout=20) as connection:
        connection.sendall(sent)
        received = b""
        while not (until and until in received):
            chunk = connection.recv(1 << 16)
            if not chunk:
                break
            received += chunk
        return received


def test_path_and_query_arrive_as_sent(echo: Echo) -> None:
    echo.ask("GET", "/a%2Fb%20c/%E4%BD%A0+d?x=1%2B1&uploads&y=&z=a%20b+c")
    (request,) = echo.wire.handled
    assert request.raw_path == "/a%2Fb%20c/%E4%BD%A0+d"
    assert request.raw_query == "x=1%2B1&uploads&y=&z=a%20b+c"
    assert request.query() == [("x", "1+1"), ("uploads", ""), ("y", ""), ("z", "a b c")]


def test_absolute_form_and_dots_are_left_alone(echo: Echo) -> None:
    talk(echo, b"GET http://bucket.example/a/../b//c?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    (request,) = echo.wire.handled
    assert (request.raw_path, request.raw_query) == ("/a/../b//c", "q")


def test_headers_keep_their_values_and_ignore_case(echo: Echo) -> None:
    echo.ask("GET", "/x", headers={"x-cos-meta-a": "  b  c"})
    assert echo.wire.handled[0].headers["X-COS-Meta-A"] == "b  c"


@pytest.mark.parametrize("size", [0, 1, MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES + 1, len(LARGE)])
def test_a_body_is_hashed_whole(echo: Echo, size: int) -> None:
    content = LARGE[:size]
    _, _, headers = echo.ask("PUT", "/thing", content)
    body = echo.wire.handled[0].body
    assert body.size_bytes == size
    assert headers["X-Md5"] == hashlib.md5(content).hexdigest()
    assert headers["X-Crc"] == str(crc64.xz(content))
    assert (body.path is not None) == (size > MEMORY_LIMIT_BYTES)
    assert echo.wire.files["/thing"].read_bytes() == content


def test_sha256_of_a_large_body_is_there_while_its_file_is(echo: Echo) -> None:
    seen = []
    keep = echo.wire._keep

    def look_first(request: Request) -> Path:
        seen.append(request.body.sha256_hex)
        return keep(request)

    echo.wire._keep = look_first  # type: ignore[method-assign]  # to look at the body before the wire takes it
    echo.ask("PUT", "/thing", LARGE)
    assert seen == [hashlib.sha256(LARGE).hexdigest()]
    assert echo.wire.handled[0].body.sha256_hex == seen[0], "known from then on"


def test_a_large_body_that_nobody_kept_is_removed(echo: Echo) -> None:
    status, answered, _ = echo.ask("POST", "/thing", LARGE)
    assert (status, answered) == (200, LARGE)
    assert echo.wire.handled[0].body.path is not None
    wait_for(lambda: list(echo.incoming.iterdir()) == [])


def test_a_chunked_body(echo: Echo) -> None:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(LARGE), 100_000):
            yield LARGE[start : start + 100_000]

    connection = echo.connect()
    connection.request("PUT", "/thing", chunks(), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().getheader("X-Crc") == str(crc64.xz(LARGE))
    connection.close()


def test_a_compressed_body_is_kept_as_sent(echo: Echo) -> None:
    echo.ask("PUT", "/thing", b"not gzip at all", {"Content-Encoding": "gzip"})
    assert echo.wire.files["/thing"].read_bytes() == b"not gzip at all"


def test_expect_100_continue(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=20) as connection:
        connection.sendall(b"PUT /thing HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert echo.wire.handled == []
        connection.sendall(b"hello")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK\r\n")
    assert echo.wire.files["/thing"].read_bytes() == b"hello"


def test_a_client_that_leaves_midway_changes_nothing(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=20) as connection:
        connection.sendall(b"PUT /thing HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + LARGE[:2_000_000])
    wait_for(lambda: [entry.status for entry in echo.entries()] == [0])
    assert echo.wire.handled == []
    wait_for(lambda: list(echo.incoming.iterdir()) == [])


@pytest.mark.parametrize("size", [0, 10, len(LARGE)])
def test_a_file_is_sent_with_its_length(echo: Echo, size: int) -> None:
    echo.ask("PUT", "/thing", LARGE[:size])
    status, content, headers = echo.ask("GET", "/thing")
    assert (status, content) == (200, LARGE[:size])
    assert headers["Content-Length"] == str(size)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 99), (1_000_000, 2_999_999), (0, len(LARGE) - 1)])
def test_a_slice_of_a_file(echo: Echo, first: int, last: int) -> None:
    echo.ask("PUT", "/thing", LARGE)
    status, content, _ = echo.ask("GET", "/thing", headers={"Range": f"bytes={first}-{last}"})
    assert (status, content) == (206, LARGE[first : last + 1])


def test_head_has_the_length_and_no_body(echo: Echo) -> None:
    echo.ask("PUT", "/thing", LARGE)
    status, content, headers = echo.ask("HEAD", "/thing")
    assert (status, content, headers["Content-Length"]) == (200, b"", str(len(LARGE)))


def test_a_head_answer_may_state_a_length_of_its_own(echo: Echo) -> None:
    echo.wire.on_get = lambda _: Response(200, [("Content-Length", "12345")])
    assert echo.ask("HEAD", "/thing")[2]["Content-Length"] == "12345"


def test_connections_are_kept(echo: Echo) -> None:
    connection = echo.connect()
    for body in (b"a", LARGE, b"b"):
        connection.request("PUT", "/thing", body)
        assert connection.getresponse().read() == b""
        sock = connection.sock
        connection.request("GET", "/thing")
        assert connection.getresponse().read() == body
        assert connection.sock is sock
    connection.close()


def test_a_small_answer_is_one_write(echo: Echo) -> None:
    echo.ask("PUT", "/thing", b"x" * 1000)
    with socket.create_connection(("127.0.0.1", echo.port), timeout=20) as connection:
        for _ in range(20):
            connection.sendall(b"GET /thing HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = connection.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\n" + b"x" * 1000)


def test_long_addresses_are_taken(echo: Echo) -> None:
    assert echo.ask("POST", "/?" + "q=" + "x" * 50_000)[0] == 200


def test_many_requests_at_once(echo: Echo) -> None:
    for number in range(8):
        echo.ask("PUT", f"/thing{number}", bytes([number]) * 2_000_000)
    found: dict[int, bytes] = {}

    def get(number: int) -> None:
        found[number] = echo.ask("GET", f"/thing{number}")[1]

    threads = [threading.Thread(target=get, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == bytes([number]) * 2_000_000 for number in range(8))


def test_the_date_is_the_sandboxs(echo: Echo) -> None:
    echo.clock.skew_seconds = -86400
    sent = parsedate_to_datetime(echo.ask("GET", "/thing")[2]["Date"]).timestamp()
    assert abs(sent - echo.clock.wall()) < 5


def test_a_read_whose_file_was_replaced_meanwhile_is_done_again(echo: Echo) -> None:
    echo.ask("PUT", "/thing", b"new")
    answers = [Path("/nonexistent/old"), echo.wire.files["/thing"]]
    echo.wire.on_get = lambda _: Response(200, [], FileSlice(answers.pop(0), 0, 3))
    assert echo.ask("GET", "/thing")[1] == b"new"


def test_a_mistake_in_a_wire_is_answered_in_its_shape_and_logged(echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Request) -> Response:
        raise KeyError("a bug")

    echo.wire.on_get = fail
    status, content, _ = echo.ask("GET", "/thing?signature=secret")
    assert (status, content[:14]) == (500, b"InternalError:")
    assert "a bug" in caplog.text
    assert "secret" not in caplog.text
    echo.wire.on_get = None
    assert echo.ask("GET", "/thing")[0] == 404, "and the service goes on"


def test_a_malformed_request_is_refused_without_a_word(echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    answer = talk(echo, b"GET /\xff?signature=secret HTTP/1.1\r\nHost: h\r\n\r\n")
    assert answer.split(b"\r\n")[0].endswith(b"400 Bad Request")
    assert caplog.text == ""


def test_changes_are_made_durable_before_the_answer(echo: Echo) -> None:
    echo.ask("PUT", "/thing", b"x")
    assert echo.persisted == [1]


def test_the_log_has_no_query(echo: Echo) -> None:
    echo.ask("PUT", "/thing?signature=secret", b"x")
    echo.ask("GET", "/other")
    entries = echo.entries()
    assert [(e.seq, e.service, e.action, e.method, e.path, e.status) for e in entries] == [
        (1, "cos", "PutThing", "PUT", "/thing", 200),
        (2, "cos", "GetThing", "GET", "/other", 404),
    ]
    assert echo.log.list("cos", "GetThing") == entries[1:]
    assert echo.log.list("oss") == []


def test_a_taken_port_is_named_and_nothing_stays_open(echo: Echo) -> None:
    async def nobody(_: object) -> object:
        raise AssertionError

    server = Server({"cvm": nobody, "ecm": nobody}, first_port=echo.port - 1)  # type: ignore[dict-item]  # never called
    with pytest.raises(PortError, match=f"port {echo.port} for ecm can't be had"):
        server.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", echo.port - 1), timeout=5)


def test_stopping_does_not_wait_for_idle_connections(echo: Echo) -> None:
    connection = echo.connect()
    connection.request("GET", "/thing")
    connection.getresponse().read()
    server = Server({"x": lambda http: None})  # type: ignore[dict-item,return-value]  # never called
    server.start()
    idle = http.client.HTTPConnection("127.0.0.1", server.ports["x"])
    idle.connect()
    started = time.monotonic()
    server.stop()
    server.stop()
    assert time.monotonic() - started < 2
    idle.close()
    connection.close()


# Bodies that are too large


def test_an_announced_body_that_is_too_large_is_not_waited_for(echo: Echo) -> None:
    head = b"PUT /big HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999999\r\nExpect: 100-continue\r\n\r\n"
    answer = talk(echo, head, until=b"too large")
    assert answer.startswith(b"HTTP/1.1 413 "), "and not told to continue"
    assert b"\r\nConnection: close\r\n" in answer
    assert echo.wire.handled == []
    assert echo.entries()[0].status == 413


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(echo: Echo) -> None:
    echo.wire.max_body_bytes = 2 << 20
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    head = b"PUT /big HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert talk(echo, head + chunk * 3, until=b"too large").startswith(b"HTTP/1.1 413 ")
    assert echo.wire.handled == []
    assert list(echo.incoming.iterdir()) == []
    assert echo.ask("PUT", "/fits", b"x" * (2 << 20))[0] == 200


def test_it_is_no_proxy(echo: Echo) -> None:
    assert talk(echo, b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", until=b"\r\n\r\n").startswith(b"HTTP/1.1 405 ")
    assert echo.wire.handled == []
