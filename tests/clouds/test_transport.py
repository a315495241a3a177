"""Connections: which proxy, how far a request got that failed, and how much of an answer is read."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imgmove.clouds import transport
from imgmove.clouds.transport import Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings
from tests.clouds.tencent.scripted import Reply, ScriptedServer

SETTINGS = Settings(connect_timeout_seconds=0.5, read_timeout_seconds=0.5)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    found = ScriptedServer()
    yield found
    found.close()


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://a.example.com", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.example.com", "http://p:1"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "https://a.example.com", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.example.com", ""),
        ({"ALL_PROXY": "http://p:1"}, "http://a.example.com", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:9", ""),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost:9", ""),
        ({"HTTP_PROXY": "http://p:1"}, "http://[::1]:9", ""),
        ({"HTTP_PROXY": "http://p:1"}, "http://metadata/x", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "https://a.example.com", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example.com, x"}, "https://a.example.com", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ample.com"}, "https://a.example.com", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, "https://a.example.com", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://11.1.2.3", "http://p:1"),
    ],
)
def test_which_proxy(environment: dict[str, str], url: str, proxy: str) -> None:
    transport = Transport(replace(SETTINGS, environment=environment), frozenset({"metadata"}))
    assert transport.proxy_for(url) == proxy


def test_requests_go_through_the_proxy(server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200, b"by the proxy")
    environment = {"HTTP_PROXY": server.url.replace("//", "//user:pass@")}
    answer = Transport(replace(SETTINGS, environment=environment)).send("GET", "http://far.example.com/x", {})
    assert answer.body == b"by the proxy"
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")


def test_requests_say_who_sends_them(server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200)
    transport = Transport(replace(SETTINGS, user_agent="imgmove/9"))
    transport.send("GET", server.url, {})
    transport.send("GET", server.url, {"user-agent": "the SDK"})
    assert [asked.headers["user-agent"] for asked in server.asked] == ["imgmove/9", "the SDK"]


def test_answers_are_whole_whatever_their_status(server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(503, b"busy", {"Retry-After": "7"})
    answer = Transport(SETTINGS).send("POST", server.url, {}, b"x")
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, b"busy", "7")
    assert len(server.asked) == 1


DATE = "Thu, 28 May 2026 20:26:40 GMT"
NOW = 1_780_000_000.0


def test_the_services_clock_is_known_after_any_answer(server: ScriptedServer) -> None:
    transport = Transport(replace(SETTINGS, now=lambda: NOW - 900))
    server.otherwise = lambda asked: Reply(403, b"too skewed", {"Date": DATE})
    transport.send("GET", server.url, {})
    assert transport.skew_seconds == 900
    server.otherwise = lambda asked: Reply(200, b"", {"Date": "Thu, 28 May 2026 20:11:30 -0000"})
    transport.send("GET", server.url, {})
    assert transport.skew_seconds == -10


def test_an_answer_that_is_too_long_or_cut_tells_the_time_too(server: ScriptedServer) -> None:
    for reply in (Reply(200, b"x" * 9, {"Date": DATE}), Reply(200, b"x", {"Date": DATE}, length=7)):
        transport = Transport(replace(SETTINGS, now=lambda: NOW))
        server.otherwise = lambda asked, reply=reply: reply  # type: ignore[misc]  # bound now
        fails(lambda transport=transport: transport.send("GET", server.url, {}, max_bytes=8))  # type: ignore[misc]
        assert transport.skew_seconds == 0


@pytest.mark.parametrize(
    "date", ["", "soon", "Thu, 99 May 2026 20:26:40 GMT", "Thu, 28 May 99999 20:26:40 GMT", "\x00", "1 1 1 1 1 1"]
)
def test_a_date_that_is_none_says_nothing(server: ScriptedServer, date: str) -> None:
    transport = Transport(replace(SETTINGS, now=lambda: NOW))
    server.otherwise = lambda asked: Reply(200, b"", {"Date": date})
    transport.send("GET", server.url, {})
    assert transport.skew_seconds is None


def test_too_long_an_answer_is_none(server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200, b"x" * 11)
    transport = Transport(SETTINGS)
    assert len(transport.send("GET", server.url, {}, max_bytes=11).body) == 11
    error = fails(lambda: transport.send("GET", server.url, {}, max_bytes=10, changes=True))
    assert (error.kind, error.code, error.maybe_applied) == (Kind.UNAVAILABLE, "AnswerTooLong", True)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/", "Connect"),
        ("http://no-such-host.invalid/", "NameResolution"),
        ("http://localhost.invalid:99999/", ""),
    ],
)
def test_what_was_not_sent_was_not_acted_on(url: str, code: str) -> None:
    error = fails(lambda: Transport(SETTINGS).send("POST", url, {}, b"x", changes=True))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, False)
    assert code in {"", error.code}


def test_a_service_without_tls_was_not_sent_anything(server: ScriptedServer) -> None:
    url = server.url.replace("http:", "https:")
    error = fails(lambda: Transport(SETTINGS).send("POST", url, {}, b"x", changes=True))
    assert (error.code, error.maybe_applied) == ("Tls", False)


@pytest.mark.parametrize("reply", [Reply(hang_up=True), Reply(200, b"abc", length=9), Reply(200, delay_seconds=0.2)])
def test_what_was_sent_may_have_been_acted_on(server: ScriptedServer, reply: Reply) -> None:
    server.otherwise = lambda asked: reply
    transport = Transport(replace(SETTINGS, read_timeout_seconds=0.05))
    for changes in (True, False):
        error = fails(lambda changes=changes: transport.send("POST", server.url, {}, b"x", changes=changes))  # type: ignore[misc]  # bound now
        assert (error.kind, error.code, error.maybe_applied) == (Kind.UNAVAILABLE, "NoAnswer", changes)
        assert server.url not in error.message


def test_a_longer_patience_for_reading(server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200, b"ok", delay_seconds=0.1)
    transport = Transport(replace(SETTINGS, read_timeout_seconds=0.02))
    assert transport.send("POST", server.url, {}, read_timeout_seconds=1.0).body == b"ok"


def test_a_proxy_that_is_none(tmp_path: Path) -> None:
    broken = Transport(replace(SETTINGS, environment={"HTTP_PROXY": "ftp://p:1"}))
    assert fails(lambda: broken.send("GET", "http://far.example.com/", {})).kind is Kind.USAGE


@pytest.mark.parametrize("name", ["gzip", "x-gzip", " GZIP "])
def test_what_a_gateway_has_packed_is_unpacked(name: str) -> None:
    answer = Answer(200, {"content-encoding": name}, gzip.compress(b"a document"))
    assert answer.unpacked().body == b"a document"


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"cut off", mtime=0)[:-3], b""])
def test_what_is_no_gzip_stays_as_it_is(body: bytes) -> None:
    answer = Answer(200, {"content-encoding": "gzip"}, body)
    assert answer.unpacked() == answer
    assert Answer(200, {}, gzip.compress(b"an object")).unpacked().body == gzip.compress(b"an object")


def test_what_would_unpack_to_more_than_is_read_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1000)
    bomb = Answer(200, {"content-encoding": "gzip"}, gzip.compress(bytes(100_000)))
    assert bomb.unpacked() is bomb


@pytest.mark.parametrize(
    ("answer", "looks"),
    [
        (Answer(302, {}, b"<html>"), "a redirect"),
        (Answer(200, {}, b" \n"), "an empty body"),
        (Answer(502, {}, b"<!DOCTYPE html><p>"), "an HTML page"),
        (Answer(200, {}, b"<Error/>"), "XML"),
        (Answer(200, {}, b"slow down"), "'slow down'"),
        (
            Answer(200, {}, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\xff"),
            "bytes that are no text (1f 8b 08 00 00 00 00 00 …)",
        ),
    ],
)
def test_what_an_answer_looks_like(answer: Answer, looks: str) -> None:
    assert answer.looks == looks


@pytest.mark.parametrize(("value", "length"), [("0", 0), (" 12 ", 12), ("", None), ("-1", None), ("many", None)])
def test_the_length_that_a_head_says(value: str, length: int | None) -> None:
    assert Answer(200, {"content-length": value} if value else {}).length == length
