"""The account looked at beforehand: who we are, whose clock is off, where is asked, how many images there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imgmove.clouds.alibaba import cloud, endpoints
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import AccountInspector, Endpoint, Identity, Inspectable, Quota
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from tests.clouds.alibaba.harness import REGION, settings_for
from tests.clouds.alibaba.scripted import Reply, ScriptedServer, ok, refuse

CALLER = {
    "AccountId": "1968132000123456", "Arn": "acs:ram::1968132000123456:user/admin", "IdentityType": "RAMUser",
    "PrincipalId": "288774244375213456", "UserId": "288774244375213456",
}  # fmt: skip


@pytest.fixture
def inspector(settings: Settings) -> AccountInspector:
    return cloud.inspector(settings)


@pytest.fixture
def plain(settings: Settings) -> Settings:
    """Settings with a key and no endpoint."""
    return replace(settings, endpoints={})


def failure(inspector: AccountInspector) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        inspector.identity()
    return caught.value


def test_the_cloud_can_be_looked_at() -> None:
    assert isinstance(cloud, Inspectable)


def test_no_credentials_are_denied(settings: Settings) -> None:
    with pytest.raises(ImgmoveError) as caught:
        cloud.inspector(replace(settings, environment={}))
    assert caught.value.kind is Kind.DENIED


# ------------------------------------------------------------------------------------------------------ identity


def test_who_we_are(server: ScriptedServer, inspector: AccountInspector) -> None:
    server.on("GetCallerIdentity", ok(**CALLER))
    assert inspector.identity() == Identity(
        account_id="1968132000123456", principal="acs:ram::1968132000123456:user/admin", kind="user",
        key_id="AKID…0001", source="the environment (ALIBABA_CLOUD_ACCESS_KEY_ID)", request_id="R-1",
    )  # fmt: skip
    assert server.asked[0].headers["x-acs-version"] == "2015-04-01"
    assert server.asked[0].query == {}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Account", "account"), ("RAMUser", "user"), ("RamUser", "user"), ("AssumedRoleUser", "role"),
        ("Robot", "Robot"), ("", ""),
    ],
)  # fmt: skip
def test_kinds_of_callers(server: ScriptedServer, inspector: AccountInspector, word: str, kind: str) -> None:
    server.on("GetCallerIdentity", ok(**{**CALLER, "IdentityType": word}))
    assert inspector.identity().kind == kind


def test_temporary_keys(server: ScriptedServer, settings: Settings) -> None:
    server.on("GetCallerIdentity", ok(**CALLER))
    token = {**settings.environment, "ALIBABA_CLOUD_SECURITY_TOKEN": "token-of-the-environment"}
    found = cloud.inspector(replace(settings, environment=token)).identity()
    assert (found.is_temporary, found.expires_at) == (True, None)
    credentials = {"AccessKeyId": "STS.abcdefgh", "AccessKeySecret": "s", "SecurityToken": "t",
                   "Expiration": "2026-06-01T00:00:00Z"}  # fmt: skip
    server.otherwise = lambda asked: ok(Code="Success", **credentials)
    uri = {"ALIBABA_CLOUD_CREDENTIALS_URI": f"{server.url}/keys"}
    found = cloud.inspector(replace(settings, environment=uri)).identity()
    assert (found.is_temporary, found.expires_at, found.key_id) == (True, 1780272000.0, "STS.…efgh")
    assert found.source == "ALIBABA_CLOUD_CREDENTIALS_URI"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidAccessKeyId.NotFound", 404), ("InvalidAccessKeyId.Inactive", 403), ("SignatureDoesNotMatch", 400),
        ("InvalidSecurityToken.Expired", 400), ("InvalidTimeStamp.Expired", 400),
    ],
)  # fmt: skip
def test_keys_that_are_refused(server: ScriptedServer, inspector: AccountInspector, code: str, status: int) -> None:
    server.on("GetCallerIdentity", refuse(code, status=status))
    error = failure(inspector)
    assert (error.kind, error.code, error.request_id) == (Kind.DENIED, code, "R-ERR")
    assert error.hint


@pytest.mark.parametrize("code", ["NoPermission", "Forbidden.RAM", "Forbidden.Unauthorized", "Forbidden"])
def test_a_key_that_may_not_ask_is_no_refused_key(
    server: ScriptedServer, inspector: AccountInspector, code: str
) -> None:
    server.on("GetCallerIdentity", refuse(code, status=403))
    error = failure(inspector)
    assert (error.kind, error.code) == (Kind.UNSUPPORTED, code)
    assert "sts:GetCallerIdentity" in error.hint


def test_an_emulation_without_the_call_is_no_refusal_of_the_key(
    server: ScriptedServer, inspector: AccountInspector
) -> None:
    server.on("GetCallerIdentity", refuse("InvalidAction.NotFound", status=404))
    assert failure(inspector).kind is Kind.UNSUPPORTED
    server.on("GetCallerIdentity", ok())
    assert failure(inspector).kind is Kind.UNAVAILABLE
    server.on("GetCallerIdentity", Reply(200, b"<html>sign in</html>"))
    assert failure(inspector).code == "NotTheService"


def test_an_emulators_key_is_not_shown_to_the_vendor(server: ScriptedServer, settings: Settings) -> None:
    lonely = cloud.inspector(replace(settings, endpoints={"ECS": server.url}))
    error = failure(lonely)
    assert (error.kind, error.code) == (Kind.UNSUPPORTED, "NoEndpoint")
    assert "IMGMOVE_ENDPOINT_URL_ALIBABA_STS" in error.hint
    with pytest.raises(ImgmoveError) as caught:
        lonely.role_state(lonely.service_roles("alibaba", {})[0])
    assert (caught.value.kind, caught.value.code) == (Kind.DENIED, "NoEndpoint")
    assert server.asked == []


# --------------------------------------------------------------------------------------------------------- clock


def test_the_clock_is_known_after_a_refusal_too(server: ScriptedServer, inspector: AccountInspector) -> None:
    assert inspector.clock_skew_seconds() is None
    late = {"Date": "Thu, 28 May 2026 20:46:40 GMT"}
    server.on("GetCallerIdentity", refuse("InvalidTimeStamp.Expired", status=400, headers=late))
    failure(inspector)
    assert inspector.clock_skew_seconds() == pytest.approx(1200, abs=2)


# ----------------------------------------------------------------------------------------------------- endpoints


def hosts(settings: Settings, region: str = REGION) -> dict[str, tuple[str, str]]:
    found = cloud.inspector(settings).endpoints("alibaba", region)
    return {endpoint.service: (endpoint.host, endpoint.reach) for endpoint in found}


def test_public_endpoints(plain: Settings) -> None:
    assert hosts(plain, "ap-southeast-1") == {
        "ECS": ("ecs.ap-southeast-1.aliyuncs.com", "public"),
        "OSS": ("oss-ap-southeast-1.aliyuncs.com", "public"),
        "ALIBABA_STS": ("sts.aliyuncs.com", "public"),
        "RAM": ("ram.aliyuncs.com", "public"),
    }  # fmt: skip


def test_internal_endpoints(plain: Settings) -> None:
    assert hosts(replace(plain, options={"network": "internal"}, region=REGION), "") == {
        "ECS": ("ecs-vpc.cn-hangzhou.aliyuncs.com", "internal"),
        "OSS": ("oss-cn-hangzhou-internal.aliyuncs.com", "internal"),
        "ALIBABA_STS": ("sts-vpc.cn-hangzhou.aliyuncs.com", "internal"),
        "RAM": ("ram.vpc-proxy.aliyuncs.com", "internal"),
    }  # fmt: skip


def test_endpoints_of_ones_own(settings: Settings, server: ScriptedServer) -> None:
    host = server.url.removeprefix("http://")
    assert hosts(replace(settings, endpoints={**settings.endpoints, "RAM": "https://ram.example.com:8443"})) == {
        "ECS": (host, "loopback"), "OSS": (host, "loopback"), "ALIBABA_STS": (host, "loopback"),
        "RAM": ("ram.example.com:8443", "custom"),
    }  # fmt: skip
    cname = replace(settings, endpoints={}, options={"oss_cname": "images.example.com"})
    assert hosts(cname)["OSS"] == ("images.example.com", "custom")
    assert server.asked == []


def test_without_a_region_only_what_needs_none(plain: Settings) -> None:
    assert set(hosts(plain, "")) == {"ALIBABA_STS", "RAM"}


@pytest.mark.parametrize(
    ("region", "noted"),
    [("cn-hangzhou", True), ("cn-shanghai", True), ("cn-hongkong", False), ("ap-southeast-1", False)],
)
def test_the_name_that_newer_accounts_may_not_use_is_noted(plain: Settings, region: str, noted: bool) -> None:
    def note(settings: Settings) -> str:
        found = cloud.inspector(settings).endpoints("alibaba", region)
        return next(endpoint.note for endpoint in found if endpoint.service == "OSS")

    assert bool(note(plain)) is noted
    assert ("oss_cname" in note(plain)) is noted
    assert note(replace(plain, options={"network": "internal"})) == ""
    assert note(replace(plain, options={"oss_cname": "images.example.com"})) == ""


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("oss-accelerate.aliyuncs.com", "accelerated"), ("oss-accelerate-overseas.aliyuncs.com", "accelerated"),
        ("cn-hangzhou.oss.aliyuncs.com", "public"), ("localhost", "loopback"), ("::1", "loopback"),
        ("aliyuncs.com.example.org", "custom"), ("", "custom"),
    ],
)  # fmt: skip
def test_what_kind_of_name_a_host_is(host: str, reach: str) -> None:
    assert endpoints.reach(host) == reach


def test_other_providers_are_none_of_this_account(plain: Settings) -> None:
    inspector = cloud.inspector(plain)
    for call in (lambda: inspector.endpoints("tencent", REGION), lambda: inspector.image_quota("tencent", REGION),
                 lambda: inspector.service_roles("tencent", {})):  # fmt: skip
        with pytest.raises(ImgmoveError) as caught:
            call()
        assert caught.value.kind is Kind.USAGE


# --------------------------------------------------------------------------------------------------------- quota


def test_images_are_counted(server: ScriptedServer, inspector: AccountInspector) -> None:
    server.on("DescribeImages", ok(TotalCount=42, Images={"Image": [{"ImageId": "m-1"}]}))
    assert inspector.image_quota("alibaba", REGION) == Quota(limit=None, used=42)
    assert server.calls("DescribeImages") == [
        {"RegionId": REGION, "ImageOwnerAlias": "self", "Status": "ALL", "PageSize": "1"}
    ]
    server.on("DescribeImages", ok(Images={"Image": [{"ImageId": "m-1"}, {"ImageId": "m-2"}]}))
    assert inspector.image_quota("alibaba", REGION) == Quota(limit=None, used=2)


def test_images_that_nobody_may_count(server: ScriptedServer, inspector: AccountInspector) -> None:
    server.on("DescribeImages", refuse("Forbidden.RAM", status=403))
    with pytest.raises(ImgmoveError) as caught:
        inspector.image_quota("alibaba", REGION)
    assert caught.value.kind is Kind.DENIED


# ------------------------------------------------------------------------------------------------------- sandbox


def test_the_sandboxs_account(sandbox: Sandbox, tmp_path: Path) -> None:
    inspector = cloud.inspector(settings_for(sandbox, tmp_path))
    found = inspector.identity()
    assert (found.account_id, found.kind, found.is_temporary) == ("1000000000000001", "account", False)
    assert inspector.clock_skew_seconds() == pytest.approx(0, abs=30)
    quota = inspector.image_quota("alibaba", REGION)
    own = len(list(cloud.compute("alibaba", REGION, settings_for(sandbox, tmp_path)).images()))
    assert quota == Quota(None, own)
    assert all(endpoint.reach == "loopback" for endpoint in inspector.endpoints("alibaba", REGION))
    assert isinstance(inspector.endpoints("alibaba", REGION)[0], Endpoint)


def test_the_sandbox_tells_the_time_to_a_key_with_a_wrong_clock(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.clock.skew_seconds = 3600.0
    try:
        inspector = cloud.inspector(settings_for(sandbox, tmp_path))
        error = failure(inspector)
        assert error.kind is Kind.DENIED
        assert "clock" in error.hint
        assert inspector.clock_skew_seconds() == pytest.approx(3600, abs=30)
    finally:
        sandbox.clock.skew_seconds = 0.0
