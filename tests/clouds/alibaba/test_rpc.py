"""The RPC client: what goes over the wire, and what strange answers become."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from imgmove.clouds.alibaba import answers, metadata, rpc
from imgmove.clouds.alibaba.ecs import Ecs
from imgmove.clouds.keys import AccessKey, FixedKey
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings
from tests.clouds.alibaba.scripted import Reply, ScriptedServer, ok, refuse

KEY = FixedKey(AccessKey("AK", "very-secret-indeed", "TOK"))


@pytest.fixture
def client(settings: Settings) -> rpc.Rpc:
    return rpc.ecs("cn-hangzhou", settings, KEY, Transport(settings))


def refusal(client: rpc.Rpc, *, changes: bool = False) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        client.call("ExportImage", {"RegionId": "cn-hangzhou"}, changes=changes)
    return caught.value


def test_calls_look_like_the_official_clients(client: rpc.Rpc, server: ScriptedServer) -> None:
    server.on("ImportImage", ok(TaskId="t-1"))
    parameters = {
        "RegionId": "cn-hangzhou", "Description": "a b/~*+中", "DryRun": True, "Nothing": None,
        "Tag": [{"Key": "k", "Value": "v"}], "Features": {"NvmeSupport": "supported"},
    }  # fmt: skip
    assert client.call("ImportImage", parameters) == {"RequestId": "R-1", "TaskId": "t-1"}
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/", b"")
    assert asked.query == {
        "RegionId": "cn-hangzhou", "Description": "a b/~*+中", "DryRun": "True", "Tag.1.Key": "k", "Tag.1.Value": "v",
        "Features.NvmeSupport": "supported",
    }  # fmt: skip
    headers = asked.headers
    assert headers["x-acs-version"] == "2014-05-26"
    assert headers["x-acs-security-token"] == "TOK"
    assert headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=AK,SignedHeaders=accept;host;user-agent;")
    assert headers["user-agent"].endswith("imgmove/test")
    assert headers["host"] == server.url.removeprefix("http://")
    assert "very-secret-indeed" not in str(server.asked)


def test_endpoints_are_the_official_ones() -> None:
    plain, internal = Settings(), Settings(options={"network": "internal"})
    for settings, region, host in (
        (plain, "cn-hangzhou", "ecs-cn-hangzhou.aliyuncs.com"),
        (plain, "cn-beijing", "ecs.cn-beijing.aliyuncs.com"),
        (plain, "cn-hangzhou-finance", "ecs.aliyuncs.com"),
        (internal, "cn-hangzhou", "ecs-vpc.cn-hangzhou.aliyuncs.com"),
        (internal, "cn-beijing", "ecs-vpc.cn-beijing.aliyuncs.com"),
    ):
        assert rpc.ecs(region, settings, KEY, Transport(settings)).endpoint == host


def test_refusals_keep_code_message_and_request_id(client: rpc.Rpc, server: ScriptedServer) -> None:
    server.on("ExportImage", refuse("ImageIsExporting", "The specified Image is exporting.", 403))
    error = refusal(client, changes=True)
    assert (error.kind, error.code, error.request_id) == (Kind.CONFLICT, "ImageIsExporting", "R-ERR")
    assert error.message == "The specified Image is exporting."
    assert not error.maybe_applied
    assert "running" not in error.message
    assert error.hint


def test_a_missing_right_names_its_action(client: rpc.Rpc, server: ScriptedServer) -> None:
    detail = {"AuthAction": "ecs:ExportImage", "NoPermissionType": "ImplicitDeny"}
    server.on("ExportImage", refuse("Forbidden.RAM", status=403, AccessDeniedDetail=detail))
    error = refusal(client)
    assert error.kind is Kind.DENIED
    assert "ecs:ExportImage" in error.hint


@pytest.mark.parametrize(
    ("reply", "kind", "code", "doubt"),
    [
        (refuse("InternalError", status=500), Kind.UNAVAILABLE, "InternalError", True),
        (refuse("InternalError", status=403), Kind.UNAVAILABLE, "InternalError", True),
        (refuse("SomethingNew", status=503), Kind.UNAVAILABLE, "SomethingNew", True),
        (refuse("LastTokenProcessing", status=403), Kind.UNAVAILABLE, "LastTokenProcessing", True),
        (refuse("Throttling.User"), Kind.THROTTLED, "Throttling.User", False),
        (refuse("Some.Throttling.Thing", status=503), Kind.THROTTLED, "Some.Throttling.Thing", False),
        (refuse("Weird.Thing"), Kind.INVALID, "Weird.Thing", False),
        (refuse("WeeklyQuotaExceed.ExportImage", status=403), Kind.QUOTA, "WeeklyQuotaExceed.ExportImage", False),
        (refuse("InvalidFoo.NotFound", status=404), Kind.NOT_FOUND, "InvalidFoo.NotFound", False),
        (Reply(502, b"<html><h1>Bad Gateway</h1></html>"), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(200, b""), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(500, b""), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(200, b"<html>login</html>"), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(200, b"[1]"), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(404, b'{"oops": 1}'), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), Kind.UNAVAILABLE, "NotTheService", False),
        (Reply(hang_up=True), Kind.UNAVAILABLE, "NoAnswer", True),
        (Reply(200, b'{"Reque', length=900), Kind.UNAVAILABLE, "NoAnswer", True),
        (
            Reply(403, b"<Error><Code>Forbidden.RAM</Code><Message>m</Message></Error>"),
            Kind.DENIED,
            "Forbidden.RAM",
            False,
        ),
    ],
)
def test_strange_answers(
    client: rpc.Rpc, server: ScriptedServer, reply: Reply, kind: Kind, code: str, doubt: bool
) -> None:
    server.on("ExportImage", reply)
    error = refusal(client, changes=True)
    assert (error.kind, error.code, error.maybe_applied) == (kind, code, doubt)
    assert error.hint
    assert "TOK" not in f"{error} {error.hint} {error!r}"
    assert len(server.asked) == 1
    assert not refusal(client, changes=False).maybe_applied


def test_html_is_called_html_with_its_status(client: rpc.Rpc, server: ScriptedServer) -> None:
    server.on("ExportImage", Reply(502, b"<html>"))
    assert "an HTML page, HTTP 502" in refusal(client).message


def test_the_vendors_wish_to_wait_is_kept(client: rpc.Rpc, server: ScriptedServer) -> None:
    server.on("ExportImage", refuse("Throttling.User", headers={"x-acs-retry-after": "1500"}))
    assert refusal(client).retry_after_seconds == 1.5


def test_nobody_there(settings: Settings) -> None:
    nowhere = replace(settings, endpoints={"ECS": "http://127.0.0.1:1"})
    client = rpc.ecs("cn-hangzhou", nowhere, KEY, Transport(nowhere))
    error = refusal(client, changes=True)
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, False)


def test_a_slow_answer_is_in_doubt(settings: Settings, server: ScriptedServer) -> None:
    import threading

    released = threading.Event()

    def slow(_asked: object) -> Reply:
        released.wait(2)
        return ok()

    server.on("ExportImage", slow)
    hasty = replace(settings, read_timeout_seconds=0.05)
    client = rpc.ecs("cn-hangzhou", hasty, KEY, Transport(hasty))
    try:
        assert refusal(client, changes=True).maybe_applied
    finally:
        released.set()


def test_unknown_regions_are_answered_with_near_ones(settings: Settings, server: ScriptedServer) -> None:
    client = rpc.ecs("cn-hangzou", settings, KEY, Transport(settings))
    server.on("ExportImage", refuse("InvalidRegionId.NotFound"))
    assert "did you mean cn-hangzhou?" in refusal(client).hint
    unresolved = replace(settings, endpoints={"ECS": "https://ecs.cn-hangzou.invalid"})
    error = refusal(rpc.ecs("cn-hangzou", unresolved, KEY, Transport(unresolved)), changes=True)
    assert (error.kind, error.maybe_applied) == (Kind.NOT_FOUND, False)
    assert "did you mean cn-hangzhou?" in error.hint
    known = refusal(rpc.ecs("cn-hangzhou", unresolved, KEY, Transport(unresolved)))
    assert (known.kind, known.code) == (Kind.UNAVAILABLE, "NameResolution")


PROXY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({"HTTPS_PROXY": PROXY}, "https://ecs.aliyuncs.com/", PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, "https://ecs.aliyuncs.com/", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://ecs.aliyuncs.com/", ""),
        ({"ALL_PROXY": PROXY}, "https://ecs.aliyuncs.com/", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "example.com, .aliyuncs.com"}, "https://ecs.aliyuncs.com/", ""),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "*"}, "https://ecs.aliyuncs.com/", ""),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3/", ""),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "notaliyuncs.com"}, "https://ecs.aliyuncs.com/", PROXY),
        ({"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, "http://127.0.0.1:80/", ""),
        ({"HTTP_PROXY": PROXY}, "http://localhost:80/", ""),
        ({"HTTP_PROXY": PROXY}, "http://[::1]:80/", ""),
        ({"HTTP_PROXY": PROXY}, "http://100.100.100.200/latest", ""),
    ],
)
def test_proxies(environment: dict[str, str], url: str, expected: str) -> None:
    assert Transport(Settings(environment=environment), metadata.DIRECT_HOSTS).proxy_for(url) == expected


def test_a_proxy_in_the_process_is_not_used_for_loopback(
    settings: Settings, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("DEBUG", "sdk")
    server.on("DescribeImages", ok(TotalCount=0, Images={"Image": []}))
    proxied = replace(settings, environment={**settings.environment, "HTTP_PROXY": "http://127.0.0.1:1"})
    assert list(Ecs("cn-hangzhou", proxied).images()) == []


def test_the_sdks_leave_no_handlers_and_print_nothing() -> None:
    code = (
        "import logging, threading, imgmove.clouds.alibaba.rpc, imgmove.clouds.alibaba.signing\n"
        "loggers = [logging.getLogger(n) for n in list(logging.root.manager.loggerDict)]\n"
        "print([h for l in loggers for h in l.handlers if type(h) is logging.StreamHandler])\n"
        "print(threading.active_count())\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "DEBUG": "sdk"},
    )  # fmt: skip
    assert run.stdout == "[]\n1\n"
    assert run.stderr == ""
    assert logging.getLogger("darabonba-core").level >= logging.WARNING


def test_naming_the_cloud_loads_no_sdk() -> None:
    code = (
        "import sys, imgmove.clouds.alibaba as a\n"
        "a.cloud.error_table(); a.cloud.check_bucket_name('oss', 'bkt')\n"
        "print([m for m in ('oss2', 'requests', 'Tea', 'darabonba', 'urllib3') if m in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".encode("utf-16"),
        b"<a>",
        b"",
    ],
)
def test_xml_that_could_expand_is_none(body: bytes) -> None:
    assert answers.xml_root(body) is None


def test_xml_after_blanks() -> None:
    root = answers.xml_root(b" \n \n<?xml version='1.0'?><Error xmlns='urn:x'><Code>A</Code></Error>\n")
    assert root is not None
    assert (root.tag, answers.xml_text(root, "Code")) == ("Error", "A")
