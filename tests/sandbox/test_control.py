"""The control port."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from imgmove.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.clock.freeze()
        yield running


def ask(
    sandbox: Sandbox, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(sandbox.control_url.removeprefix("http://"), timeout=20)
    raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, path, raw, headers or {})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def refusal(sandbox: Sandbox, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
    status, content = ask(sandbox, method, path, body, headers)
    return status, content["error"]["code"], content["error"]["message"]


def test_health_and_environment(sandbox: Sandbox) -> None:
    assert ask(sandbox, "GET", "/health") == (200, {"status": "ok"})
    assert ask(sandbox, "GET", "/environment") == (200, sandbox.environment())


def test_the_clock(sandbox: Sandbox) -> None:
    before = ask(sandbox, "GET", "/clock")[1]
    assert before["frozen"]
    after = ask(sandbox, "POST", "/clock", {"advance": 30, "speed": 5, "skew": -600})[1]
    assert after["now"] == before["now"] + 30
    assert (after["speed"], after["skew_seconds"]) == (5, -600)
    assert after["wall"] < before["wall"]
    assert ask(sandbox, "POST", "/clock", {"freeze": False})[1]["frozen"] is False
    assert ask(sandbox, "POST", "/clock", {"freeze": True})[1]["frozen"] is True


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"advance": -1}, "InvalidParameter", "forward"),
        ({"advance": "1"}, "InvalidParameter", "advance must be a number, not '1'"),
        ({"advance": True}, "InvalidParameter", "advance must be a number, not True"),
        ({"speed": 0}, "InvalidParameter", "above 0"),
        ({"speed": 1e300}, "InvalidParameter", "above 0"),
        ({"skew": 1e300, "advance": 5}, "InvalidParameter", "shifted"),
        ({"freeze": 1.5}, "InvalidParameter", "freeze must be true or false"),
        ({"rewind": 1}, "UnknownParameter", "there is no parameter 'rewind'; allowed: advance, freeze, speed, skew"),
        (b"{", "InvalidJson", "the body must be a JSON object"),
        (b"[]", "InvalidJson", "the body must be a JSON object"),
        (b"x" * (2 << 20), "TooLarge", "larger than"),
    ],
)
def test_wrong_clocks(sandbox: Sandbox, body: Any, code: str, says: str) -> None:
    before = sandbox.clock.now()
    status, found, message = refusal(sandbox, "POST", "/clock", body)
    assert (status, found) == (400, code)
    assert says in message
    assert sandbox.clock.now() == before


def test_faults(sandbox: Sandbox) -> None:
    text = "cvm:ExportImages throttle times=2"
    assert ask(sandbox, "POST", "/faults", {"fault": text})[0] == 200
    ask(sandbox, "POST", "/faults", {"service": "oss", "action": "*", "effect": "delay", "seconds": 1, "times": None})
    listed = ask(sandbox, "GET", "/faults")[1]["faults"]
    assert [each["fault"] for each in listed] == [text, "oss:* delay seconds=1 times=forever"]
    assert listed[0] == {"fault": text, "matched": 0, "spent": False}
    assert sandbox.faults.match("cvm", "ExportImages")
    assert ask(sandbox, "DELETE", "/faults") == (200, {"faults": []})
    assert sandbox.faults.match("cvm", "ExportImages") is None


@pytest.mark.parametrize(
    "body", [{"fault": "cvm"}, {"service": "cvm"}, {"fault": "cvm:X throttle", "x": 1}, {"fault": 1}]
)
def test_wrong_faults(sandbox: Sandbox, body: Any) -> None:
    assert refusal(sandbox, "POST", "/faults", body)[:2] == (400, "InvalidFault")
    assert sandbox.faults.list() == []


def test_requests(sandbox: Sandbox) -> None:
    for service in ("cvm", "oss"):
        connection = http.client.HTTPConnection(sandbox.endpoint(service).removeprefix("http://"), timeout=20)
        connection.request("GET", "/a/b?Signature=secret")
        connection.getresponse().read()
        connection.close()
    everything = ask(sandbox, "GET", "/requests")[1]["requests"]
    assert [(entry["service"], entry["path"]) for entry in everything] == [("cvm", "/a/b"), ("oss", "/a/b")]
    assert ask(sandbox, "GET", "/requests?service=oss")[1]["requests"] == everything[1:]
    assert ask(sandbox, "DELETE", "/requests") == (200, {"requests": []})
    assert sandbox.requests() == []


def test_state_shows_what_there_is_and_no_secret(sandbox: Sandbox) -> None:
    status, state = ask(sandbox, "GET", "/state")
    assert status == 200
    assert "img-seed0001" in {image["id"] for image in state["tencent"]["images"]}
    assert "m-bp1seed0000000000001" in {image["id"] for image in state["alibaba"]["images"]}
    assert {bucket["name"] for bucket in state["alibaba"]["buckets"]} == {"imgmove-hz", "imgmove-sg"}
    assert "sandbox-tencent-secret" not in json.dumps(state)
    assert "sandbox-alibaba-secret" not in json.dumps(state)


def test_state_shows_objects_uploads_and_tasks(sandbox: Sandbox) -> None:
    with sandbox.world.lock:
        bucket = sandbox.world.objects.bucket("alibaba", "imgmove-hz")
        assert bucket is not None
        sandbox.world.objects.put(bucket, "k", b"123456789")
        upload = sandbox.world.objects.uploads.begin(bucket, "big")
    state = ask(sandbox, "GET", "/state")[1]["alibaba"]
    (shown,) = [each for each in state["buckets"] if each["name"] == "imgmove-hz"]
    assert shown["objects"][0]["crc64"] == "11051210869376104954"
    assert state["uploads"] == [{"id": upload.upload_id, "bucket": "imgmove-hz", "key": "big", "parts": 0}]


def test_settings(sandbox: Sandbox) -> None:
    before = ask(sandbox, "GET", "/settings")[1]
    after = ask(sandbox, "POST", "/settings", {"tencent": {"export_seconds": 5}, "alibaba": {"vmdk_invited": True}})[1]
    assert after["tencent"] == {**before["tencent"], "export_seconds": 5}
    assert sandbox.world.alibaba.settings.vmdk_invited


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"tencent": {"export_seconds": "long"}}, "Expected `float`, got `str`"),
        ({"tencent": {"patience": 1}}, "there is no setting 'patience'; allowed: export_seconds"),
        ({"tencent": 1}, "settings are given by name, not as 1"),
        ({"aws": {}}, "there is no provider 'aws'"),
    ],
)
def test_wrong_settings_change_nothing(sandbox: Sandbox, body: dict[str, Any], says: str) -> None:
    before = ask(sandbox, "GET", "/settings")[1]
    status, code, message = refusal(sandbox, "POST", "/settings", {"alibaba": {"vmdk_invited": True}, **body})
    assert (status, code) == (400, "InvalidSetting")
    assert says in message
    assert ask(sandbox, "GET", "/settings")[1] == before


def test_reset(sandbox: Sandbox) -> None:
    sandbox.faults.add("cvm:* throttle")
    with sandbox.world.lock:
        sandbox.world.tencent.state.images.clear()
    state = ask(sandbox, "POST", "/reset")[1]
    assert "img-seed0001" in {image["id"] for image in state["tencent"]["images"]}
    assert sandbox.faults.list() == []


def test_stop(sandbox: Sandbox) -> None:
    assert ask(sandbox, "POST", "/stop") == (200, {"status": "stopping"})
    assert sandbox.wait(20)


def test_unknown_paths_and_methods(sandbox: Sandbox) -> None:
    assert refusal(sandbox, "GET", "/nothing")[:2] == (404, "NotFound")
    assert refusal(sandbox, "DELETE", "/clock") == (405, "MethodNotAllowed", "/clock takes GET, POST")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "http://evil.example"}, "ForbiddenOrigin"),
        ({"Origin": "null"}, "ForbiddenOrigin"),
        ({"Host": "evil.example"}, "ForbiddenHost"),
        ({"Host": "evil.example:80"}, "ForbiddenHost"),
        ({"Host": "127.0.0.1.evil.example"}, "ForbiddenHost"),
    ],
)
def test_browsers_are_kept_out(sandbox: Sandbox, headers: dict[str, str], code: str) -> None:
    assert refusal(sandbox, "POST", "/reset", **headers)[:2] == (403, code)


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "127.0.0.1:9", "[::1]:9", "LOCALHOST"])
def test_loopback_names_are_welcome(sandbox: Sandbox, host: str) -> None:
    assert ask(sandbox, "GET", "/health", headers={"Host": host})[0] == 200
