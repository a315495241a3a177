"""Calls of API 3.0 against answers written by hand: what is sent, and every way in which no answer comes."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest

from imgmove.clouds.keys import AccessKey, FixedKey
from imgmove.clouds.tencent import sdk
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, html, ok, refuse


def api_of(settings: Settings, region: str = "ap-guangzhou", token: str = "") -> Api:
    key = FixedKey(AccessKey("AKID-0001", "very-secret-indeed", token))
    return Api(sdk.CVM, region, settings, key, Transport(settings))


@pytest.fixture
def api(settings: Settings) -> Api:
    return api_of(settings)


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def test_what_a_call_carries(api: Api, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok(TotalCount=0, ImageSet=[]))
    api.call("DescribeImages", {"Limit": 1, "Offset": None})
    asked = server.asked[0]
    assert asked.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=AKID-0001/")
    assert asked.headers["host"] == server.url.removeprefix("http://")
    assert asked.headers["x-tc-version"] == "2017-03-12"
    assert asked.headers["x-tc-region"] == "ap-guangzhou"
    assert asked.headers["x-tc-language"] == "en-US"
    assert asked.headers["x-tc-requestclient"].endswith("imgmove-test")
    assert "x-tc-token" not in asked.headers
    assert asked.parameters == {"Limit": 1}
    assert "very-secret-indeed" not in str(asked)


def test_tokens_travel_and_regions_may_be_left_out(settings: Settings, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok())
    api_of(settings, region="", token="TOK").call("DescribeImages", {})
    assert server.asked[0].headers["x-tc-token"] == "TOK"
    assert "x-tc-region" not in server.asked[0].headers


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "text/html"])
def test_refusals_are_seen_whatever_the_content_type(api: Api, server: ScriptedServer, content_type: str) -> None:
    server.on("ExportImages", refuse("InvalidImageId.NotFound", "gone", content_type=content_type))
    error = fails(lambda: api.call("ExportImages", {}, changes=True))
    assert (error.kind, error.code, error.message) == (Kind.NOT_FOUND, "InvalidImageId.NotFound", "gone")
    assert (error.request_id, error.maybe_applied) == ("R-ERR", False)
    assert error.hint


NO_ANSWERS = {
    "html": html(),
    "html with 200": html(200),
    "empty": Reply(200),
    "no json": Reply(200, b"hello"),
    "a list": Reply(200, b"[1]"),
    "no response": Reply(200, b"{}"),
    "null": Reply(200, b'{"Response": null}'),
    "text": Reply(200, b'{"Response": "yes"}'),
    "error of another form": Reply(200, b'{"Response": {"Error": "bad"}}'),
    "error without code": Reply(200, b'{"Response": {"Error": {"Message": "bad"}}}'),
    "a good answer with 500": Reply(500, b'{"Response": {"RequestId": "R"}}'),
    "hung up": Reply(hang_up=True),
    "cut": Reply(200, b'{"Resp', length=1000),
}


@pytest.mark.parametrize("reply", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer(api: Api, server: ScriptedServer, reply: Reply) -> None:
    server.on("ImportImage", reply)
    error = fails(lambda: api.call("ImportImage", {}, changes=True))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, True)
    assert error.hint
    read = fails(lambda: api.call("ImportImage", {}))
    assert (read.kind, read.maybe_applied) == (Kind.UNAVAILABLE, False)
    assert len(server.asked) == 2, "nothing is sent twice"


def test_html_is_named(api: Api, server: ScriptedServer) -> None:
    server.on("ImportImage", html(502))
    error = fails(lambda: api.call("ImportImage", {}))
    assert "did not answer like CVM: an HTML page, HTTP 502" in error.message


def test_a_slow_answer_may_have_been_acted_on(settings: Settings, server: ScriptedServer) -> None:
    server.on("ImportImage", replace(ok(), delay_seconds=0.3))
    error = fails(lambda: api_of(replace(settings, read_timeout_seconds=0.05)).call("ImportImage", {}, changes=True))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, True)


def test_a_refused_connection_was_not_acted_on(settings: Settings) -> None:
    closed = replace(settings, endpoints={"CVM": "http://127.0.0.1:1"})
    error = fails(lambda: api_of(closed).call("ImportImage", {}, changes=True))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, False)


def test_redirects_are_not_followed(api: Api, server: ScriptedServer) -> None:
    server.on("ImportImage", Reply(302, b"", {"Location": f"{server.url}/elsewhere"}))
    error = fails(lambda: api.call("ImportImage", {}, changes=True))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, False)
    assert [asked.path for asked in server.asked] == ["/"]


def test_internal_errors_leave_it_open(api: Api, server: ScriptedServer) -> None:
    server.on("ImportImage", refuse("InternalError.Unknown"))
    error = fails(lambda: api.call("ImportImage", {}, changes=True))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, True)


def test_throttling_does_not(api: Api, server: ScriptedServer) -> None:
    server.on("ImportImage", refuse("RequestLimitExceeded.UinLimitExceeded", status=503), html(429))
    for _ in range(2):
        error = fails(lambda: api.call("ImportImage", {}, changes=True))
        assert (error.kind, error.maybe_applied) == (Kind.THROTTLED, False)


def test_a_deprecated_call_is_no_exception(api: Api, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok(DeprecatedWarning="soon", ImageSet=[]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert api.call("DescribeImages", {})["ImageSet"] == []


def test_proxies_are_not_used_for_loopback(settings: Settings, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok())
    proxied = {**settings.environment, "HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    api_of(replace(settings, environment=proxied)).call("DescribeImages", {})
    assert len(server.asked) == 1


def test_nothing_secret_is_logged(settings: Settings, server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    server.on("AssumeRole", ok(Credentials={"Token": "TOKEN-OF-THE-ROLE"}))
    with caplog.at_level(logging.DEBUG):
        api_of(settings, token="TOK-1").call("AssumeRole", {})
    for secret in ("very-secret-indeed", "TOK-1", "TOKEN-OF-THE-ROLE"):
        assert secret not in caplog.text


# ------------------------------------------------------------------------------------------------------- lists


def page(asked: Asked, total: int | None, *, size: int = 100) -> Reply:
    parameters = asked.parameters
    first, last = parameters["Offset"], min(parameters["Offset"] + min(size, parameters["Limit"]), 250)
    items = [{"ImageId": f"img-{number}"} for number in range(first, last)]
    return ok(ImageSet=items) if total is None else ok(ImageSet=items, TotalCount=total)


@pytest.mark.parametrize(("total", "size"), [(250, 100), (None, 100), (250, 20)])
def test_all_pages_are_read(api: Api, server: ScriptedServer, total: int | None, size: int) -> None:
    server.on("DescribeImages", lambda asked: page(asked, total, size=size))
    found = [item["ImageId"] for item in api.pages("DescribeImages", {}, "ImageSet", "ImageId")]
    assert found == [f"img-{number}" for number in range(250)]


def test_a_list_that_repeats_its_page_ends(api: Api, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok(ImageSet=[{"ImageId": "img-1"}], TotalCount=1000))
    assert len(list(api.pages("DescribeImages", {}, "ImageSet", "ImageId"))) == 1


def test_a_null_list_is_empty_and_a_missing_one_no_answer(api: Api, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok(ImageSet=None, TotalCount=0), ok(TotalCount=0))
    assert list(api.pages("DescribeImages", {}, "ImageSet", "ImageId")) == []
    error = fails(lambda: list(api.pages("DescribeImages", {}, "ImageSet", "ImageId")))
    assert (error.kind, error.code) == (Kind.UNAVAILABLE, "NotTheService")
    assert "no ImageSet" in error.message


def test_bodies_are_json(api: Api, server: ScriptedServer) -> None:
    server.on("CreateImage", ok())
    api.call("CreateImage", {"ImageName": "ü中"})
    assert json.loads(server.asked[0].body) == {"ImageName": "ü中"}


# --------------------------------------------------------------------------------------------------- endpoints


@pytest.mark.parametrize(
    ("options", "region", "host"),
    [
        ({}, "ap-guangzhou", "cvm.tencentcloudapi.com"),
        ({}, "ap-shanghai-fsi", "cvm.ap-shanghai-fsi.tencentcloudapi.com"),
        ({"site": "international"}, "ap-singapore", "cvm.intl.tencentcloudapi.com"),
        ({"network": "internal"}, "ap-guangzhou", "cvm.internal.tencentcloudapi.com"),
    ],
)
def test_endpoints(settings: Settings, options: dict[str, str], region: str, host: str) -> None:
    found = sdk.endpoint_of(sdk.CVM, region, replace(settings, endpoints={}, options=options))
    assert (found.scheme, found.host) == ("https", host)


def test_the_tccli_profile_may_name_an_endpoint(settings: Settings) -> None:
    folder = settings.home / ".tccli"
    folder.mkdir()
    written = {"cvm": {"endpoint": "cvm.intl.tencentcloudapi.com"}, "ecm": {"endpoint": "ecm.tencentcloudapi.com"}}
    (folder / "default.configure").write_text(json.dumps(written))
    plain = replace(settings, endpoints={})
    assert sdk.endpoint_of(sdk.CVM, "ap-singapore", plain).host == "cvm.intl.tencentcloudapi.com"
    assert sdk.endpoint_of(sdk.ECM, "", plain).host == "ecm.tencentcloudapi.com"
    mainland = replace(plain, options={"site": "mainland"})
    assert sdk.endpoint_of(sdk.CVM, "ap-singapore", mainland).host == "cvm.tencentcloudapi.com"


def test_a_wrong_site_is_a_usage_error(settings: Settings) -> None:
    wrong = replace(settings, endpoints={}, options={"site": "mars"})
    assert fails(lambda: sdk.endpoint_of(sdk.CVM, "ap-guangzhou", wrong)).kind is Kind.USAGE
