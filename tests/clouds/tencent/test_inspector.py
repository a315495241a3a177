"""An account looked at beforehand: who we are, where services are asked, what they hold, how far the clock is off."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgmove.clouds.tencent import cloud
from imgmove.clouds.tencent.service_roles import EXPORT_POLICY
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import AccountInspector, Endpoint, Identity, Inspectable, Quota
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings
from tests.clouds.tencent.conftest import KEYS, Clock
from tests.clouds.tencent.scripted import Reply, ScriptedServer, html, ok, refuse

DATE = "Thu, 28 May 2026 20:26:40 GMT"  # the clock's own time


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


@pytest.fixture
def inspector(settings: Settings) -> AccountInspector:
    assert isinstance(cloud, Inspectable)
    return cloud.inspector(settings)


def caller(server: ScriptedServer, **fields: Any) -> None:
    """STS, and a CAM that tells the APPID."""
    found = {
        "Arn": "qcs::cam:100:uin/200",
        "AccountId": "100",
        "UserId": "200",
        "PrincipalId": "200",
        "Type": "CAMUser",
    }
    server.on("GetCallerIdentity", ok(**(found | fields)))
    server.on("GetUserAppId", ok(Uin="200", OwnerUin="100", AppId=1250000000))


# ---------------------------------------------------------------------------------------------------- who we are


def test_who_we_are(inspector: AccountInspector, server: ScriptedServer) -> None:
    caller(server)
    assert inspector.identity() == Identity(
        "100", "qcs::cam:100:uin/200", "user", key_id="AKID…0001",
        source="the environment (TENCENTCLOUD_SECRET_ID)", app_id="1250000000", request_id="R-1",
    )  # fmt: skip
    (asked,) = (asked for asked in server.asked if asked.action == "GetCallerIdentity")
    assert asked.headers["x-tc-version"] == "2018-08-13"
    assert asked.headers["x-tc-region"]


@pytest.mark.parametrize(("fields", "kind"), [
    ({"UserId": "100", "Arn": "qcs::cam:100:uin/100"}, "account"),
    ({"Type": "CAMRole", "Arn": "qcs::sts:100:assumed-role/461", "UserId": "461:session"}, "role"),
    ({"Type": "", "Arn": "qcs::sts:100:assumed-role/461", "UserId": "461:session"}, "role"),
    ({"Type": "CAMUser", "Arn": "qcs::sts:100:federated-user/100", "UserId": "100:x"}, "federated user"),
    ({"Type": "Machine"}, "Machine"),
])  # fmt: skip
def test_kinds_of_callers(
    inspector: AccountInspector, server: ScriptedServer, fields: dict[str, str], kind: str
) -> None:
    caller(server, **fields)
    assert inspector.identity().kind == kind


def test_a_temporary_key_and_its_end(settings: Settings, server: ScriptedServer) -> None:
    caller(server)
    found = cloud.inspector(replace(settings, environment={**KEYS, "TENCENTCLOUD_TOKEN": "t"})).identity()
    assert (found.is_temporary, found.expires_at) == (True, None)


def test_where_keys_are_found_and_when_they_end(settings: Settings, server: ScriptedServer, tmp_path: Path) -> None:
    caller(server)
    path = tmp_path / ".tccli" / "work.credential"
    path.parent.mkdir()
    content = {
        "secretId": "AKIDabcdefgh9xYz",
        "secretKey": "s",
        "token": "t",
        "type": "sso",
        "expiresAt": 1_780_003_600,
    }
    path.write_text(json.dumps(content))
    bare = replace(settings, environment={"TCCLI_PROFILE": "work"})
    found = cloud.inspector(bare).identity()
    assert (found.key_id, found.is_temporary, found.expires_at) == ("AKID…9xYz", True, 1_780_003_600)
    assert found.source == f"tccli profile 'work' ({path})"
    path.write_text(json.dumps({**content, "role-arn": "qcs::cam::uin/100:roleName/mover", "role-session-name": "x"}))
    credentials = {"TmpSecretId": "AKIDtemporary", "TmpSecretKey": "s", "Token": "t"}
    server.on("AssumeRole", ok(Credentials=credentials, ExpiredTime=1_780_007_200))
    found = cloud.inspector(bare).identity()
    assert (found.key_id, found.expires_at) == ("AKID…rary", 1_780_007_200)
    assert found.source == f"tccli profile 'work' ({path}), for the role qcs::cam::uin/100:roleName/mover"


def test_the_app_id_from_where_it_may_be_asked(inspector: AccountInspector, server: ScriptedServer) -> None:
    caller(server)
    server.on("GetUserAppId", refuse("AuthFailure.UnauthorizedOperation"))
    server.on("DescribeAccountQuota", ok(AppId=1250000007))
    assert inspector.identity().app_id == "1250000007"
    for closed in (refuse("InvalidAction"), html(), ok(), ok(AppId=None)):
        server.on("GetUserAppId", closed)
        server.on("DescribeAccountQuota", closed)
        assert inspector.identity().app_id == ""


@pytest.mark.parametrize(
    "code", ["AuthFailure.SecretIdNotFound", "AuthFailure.SignatureFailure", "AuthFailure.TokenFailure",
             "AuthFailure.SignatureExpire", "AuthFailure.AccessKeyIllegal", "InvalidParameter.AccessKeyNotSupport"],
)  # fmt: skip
def test_wrong_credentials_are_denied(inspector: AccountInspector, server: ScriptedServer, code: str) -> None:
    server.on("GetCallerIdentity", refuse(code))
    error = fails(inspector.identity)
    assert (error.kind, error.code, error.request_id) == (Kind.DENIED, code, "R-ERR")
    assert error.hint


@pytest.mark.parametrize(("code", "kind"), [
    ("UnauthorizedOperation", Kind.UNSUPPORTED), ("AuthFailure.UnauthorizedOperation", Kind.UNSUPPORTED),
    ("UnauthorizedOperation.PermissionDenied", Kind.UNSUPPORTED),
    ("UnauthorizedOperation.InvalidToken", Kind.DENIED), ("UnauthorizedOperation.MFAExpired", Kind.DENIED),
])  # fmt: skip
def test_a_key_that_may_not_ask_is_no_refused_key(
    inspector: AccountInspector, server: ScriptedServer, code: str, kind: Kind
) -> None:
    server.on("GetCallerIdentity", refuse(code))
    assert fails(inspector.identity).kind is kind


def test_a_service_that_cannot_tell_is_no_verdict(inspector: AccountInspector, server: ScriptedServer) -> None:
    for reply, kind in ((refuse("InvalidAction"), Kind.UNSUPPORTED), (html(), Kind.UNAVAILABLE),
                        (ok(Arn="x"), Kind.UNAVAILABLE)):  # fmt: skip
        server.on("GetCallerIdentity", reply)
        assert fails(inspector.identity).kind is kind


def test_without_keys_there_is_no_inspector(settings: Settings) -> None:
    assert fails(lambda: cloud.inspector(replace(settings, environment={}))).kind is Kind.DENIED


def test_in_a_rehearsal_nothing_real_is_asked(settings: Settings, server: ScriptedServer) -> None:
    """An emulation of CVM and COS alone: STS and CAM have real hosts, which are none of its keys' business."""
    few = replace(settings, endpoints=dict.fromkeys(("CVM", "COS"), server.url))
    inspector = cloud.inspector(few)
    error = fails(inspector.identity)
    assert (error.kind, error.code) == (Kind.UNSUPPORTED, "NoEndpoint")
    assert error.hint == "set IMGMOVE_ENDPOINT_URL_TENCENT_STS"
    (role,) = inspector.service_roles("tencent", {})
    assert fails(lambda: inspector.role_state(role)).kind is Kind.DENIED
    assert server.asked == []


# --------------------------------------------------------------------------------------------------------- clock


def test_how_far_the_clock_is_off(inspector: AccountInspector, server: ScriptedServer, clock: Clock) -> None:
    assert inspector.clock_skew_seconds() is None
    clock.time -= 1200
    caller(server)
    refused = refuse("AuthFailure.SignatureExpire")
    server.on("GetCallerIdentity", Reply(200, refused.body, {**refused.headers, "Date": DATE}))
    assert fails(inspector.identity).kind is Kind.DENIED
    assert inspector.clock_skew_seconds() == 1200


# ----------------------------------------------------------------------------------------------------- endpoints


def hosts(settings: Settings, provider: str = "tencent", region: str = "ap-guangzhou") -> list[tuple[str, str, str]]:
    found: list[Endpoint] = list(cloud.inspector(settings).endpoints(provider, region))
    return [(item.service, item.host, item.reach) for item in found]


@pytest.mark.parametrize(("options", "middle", "reach"), [
    ({}, "", "public"), ({"site": "international"}, "intl.", "international"), ({"network": "internal"}, "internal.", "internal"),
])  # fmt: skip
def test_the_vendors_own_endpoints(settings: Settings, options: dict[str, str], middle: str, reach: str) -> None:
    assert hosts(replace(settings, endpoints={}, options=options)) == [
        ("CVM", f"cvm.{middle}tencentcloudapi.com", reach),
        ("COS", "cos.ap-guangzhou.myqcloud.com", "public"),
        ("TENCENT_STS", f"sts.{middle}tencentcloudapi.com", reach),
        ("CAM", f"cam.{middle}tencentcloudapi.com", reach),
    ]


def test_endpoints_of_finance_regions_and_ecm(settings: Settings) -> None:
    bare = replace(settings, endpoints={})
    assert hosts(bare, region="ap-shanghai-fsi")[0] == ("CVM", "cvm.ap-shanghai-fsi.tencentcloudapi.com", "public")
    for region in ("", "ap-hangzhou-ecm"):
        assert hosts(bare, "ecm", region)[:2] == [
            ("ECM", "ecm.tencentcloudapi.com", "public"), ("COS", "service.cos.myqcloud.com", "public"),
        ]  # fmt: skip


@pytest.mark.parametrize(("url", "host", "reach"), [
    ("https://cos.accelerate.myqcloud.com", "cos.accelerate.myqcloud.com", "accelerated"),
    ("https://cos-internal.ap-guangzhou.tencentcos.cn", "cos-internal.ap-guangzhou.tencentcos.cn", "internal"),
    ("https://cos.ap-guangzhou.tencentcos.cn", "cos.ap-guangzhou.tencentcos.cn", "public"),
    ("https://cos.example.com:8443", "cos.example.com:8443", "custom"),
    ("http://127.0.0.1:9005", "127.0.0.1:9005", "loopback"),
    ("http://[::1]:9005", "[::1]:9005", "loopback"),
])  # fmt: skip
def test_endpoints_of_ones_own(settings: Settings, url: str, host: str, reach: str) -> None:
    assert ("COS", host, reach) in hosts(replace(settings, endpoints={"COS": url}))


def test_the_way_is_told_before_it_is_gone(settings: Settings, server: ScriptedServer) -> None:
    assert {reach for _, _, reach in hosts(settings)} == {"loopback"}
    assert server.asked == []
    wrong = replace(settings, endpoints={}, options={"site": "moon"})
    assert fails(lambda: hosts(wrong)).kind is Kind.USAGE


# --------------------------------------------------------------------------------------------------------- quota


def test_the_quota_and_what_is_used_of_it(inspector: AccountInspector, server: ScriptedServer) -> None:
    server.on("DescribeImageQuota", ok(ImageNumQuota=10))
    pages = [ok(TotalCount=3, ImageSet=[{"ImageId": name} for name in names]) for names in (("a", "b"), ("c",))]
    server.on("DescribeImages", *pages)
    assert inspector.image_quota("tencent", "ap-guangzhou") == Quota(10, 3)
    assert server.asked[-1].headers["x-tc-region"] == "ap-guangzhou"
    server.on("DescribeImageQuota", ok())
    server.on("DescribeImages", ok(TotalCount=0, ImageSet=None))
    assert inspector.image_quota("tencent", "ap-guangzhou") == Quota(None, 0)


def test_no_quota_where_there_is_no_call(inspector: AccountInspector, server: ScriptedServer) -> None:
    assert inspector.image_quota("ecm", "") is None
    assert server.asked == []
    server.on("DescribeImageQuota", refuse("InvalidAction"))
    assert inspector.image_quota("tencent", "ap-guangzhou") is None
    server.on("DescribeImageQuota", refuse("AuthFailure.UnauthorizedOperation"))
    assert fails(lambda: inspector.image_quota("tencent", "ap-guangzhou")).kind is Kind.DENIED


# ------------------------------------------------------------------------------------------------- service roles


def test_the_roles_that_operations_need(inspector: AccountInspector, server: ScriptedServer) -> None:
    (role,) = inspector.service_roles("tencent", {})
    assert (role.provider, role.operation, role.name) == ("tencent", Operation.EXPORT, "CVM_QcsRole")
    assert (role.policy_name, role.policy_is_system, role.is_confirmed) == (EXPORT_POLICY, False, False)
    statement = json.loads(role.policy)["statement"][0]
    assert statement == {"effect": "allow", "action": list(role.needed_actions), "resource": ["*"]}
    assert json.loads(role.policy)["version"] == json.loads(role.trust_policy)["version"] == "2.0"
    (named,) = inspector.service_roles("tencent", {Operation.EXPORT: "mover", Operation.IMPORT: "x"})
    assert named.name == "mover"
    assert list(inspector.service_roles("ecm", {})) == []
    assert server.asked == []
