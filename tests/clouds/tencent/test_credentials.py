"""Whose key is taken: the order of the places, what each holds, and what goes wrong with them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgmove.clouds.keys import AccessKey, RenewedKey
from imgmove.clouds.tencent import cloud, credentials, metadata, profiles
from imgmove.clouds.tencent.credentials import find
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings
from tests.clouds.tencent.conftest import Clock
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, ok, refuse

ROLE = "qcs::cam::uin/1:roleName/r"


@pytest.fixture(autouse=True)
def no_system_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(profiles, "SYSTEM_CREDENTIALS", tmp_path / "etc-credentials")


@pytest.fixture
def bare(settings: Settings) -> Settings:
    """Without keys in the environment."""
    return replace(settings, environment={})


def with_variables(settings: Settings, **variables: str) -> Settings:
    return replace(settings, environment={f"TENCENTCLOUD_{name}": value for name, value in variables.items()})


def tccli(settings: Settings, profile: str = "default", configure: Mapping[str, Any] | None = None, **credential: Any,
          ) -> Path:  # fmt: skip
    folder = settings.home / ".tccli"
    folder.mkdir(exist_ok=True)
    if configure is not None:
        (folder / f"{profile}.configure").write_text(json.dumps(configure))
    path = folder / f"{profile}.credential"
    path.write_text(json.dumps(credential))
    return path


def ini(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def key_of(settings: Settings) -> AccessKey:
    return find(settings, Transport(settings)).current()


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def test_nothing_secret_is_shown() -> None:
    assert "s3cret" not in repr(AccessKey("id", "s3cret", "s3cret-token"))


@pytest.mark.parametrize("variable", ["TOKEN", "SECURITY_TOKEN"])
def test_variables_come_first_and_with_their_token(settings: Settings, variable: str) -> None:
    tccli(settings, secretId="file", secretKey="file")
    found = key_of(with_variables(settings, SECRET_ID=" id ", SECRET_KEY="key", **{variable: "tok"}))
    assert (found.id, found.secret, found.token) == ("id", "key", "tok")


def test_one_variable_alone_is_not_mixed_with_a_file(settings: Settings) -> None:
    tccli(settings, secretId="file", secretKey="file")
    error = fails(lambda: key_of(with_variables(settings, SECRET_ID="id")))
    assert (error.kind, error.exit_code) == (Kind.DENIED, 3)
    assert "TENCENTCLOUD_SECRET_KEY" in error.hint


def test_the_tccli_profile(bare: Settings) -> None:
    tccli(bare, secretId="id", secretKey="key", token="tok")
    tccli(bare, "other", secretId="id2", secretKey="key2")
    ini(bare.home / ".tencentcloud" / "credentials", "[default]\nsecret_id = x\nsecret_key = y\n")
    assert key_of(bare) == AccessKey("id", "key", "tok")
    assert key_of(replace(bare, environment={"TCCLI_PROFILE": "other"})) == AccessKey("id2", "key2")


def test_a_named_profile_comes_before_the_variables(settings: Settings) -> None:
    tccli(settings, "other", secretId="id2", secretKey="key2")
    assert key_of(replace(settings, vendor_profile="other")).id == "id2"
    error = fails(lambda: key_of(replace(settings, vendor_profile="absent")))
    assert (error.kind, error.exit_code) == (Kind.USAGE, 2)
    assert "other" in error.hint
    assert fails(lambda: key_of(replace(settings, vendor_profile="../x"))).kind is Kind.USAGE


def test_a_renewed_file_is_read_again(bare: Settings) -> None:
    path = tccli(bare, secretId="id", secretKey="key", token="old")
    source = find(bare, Transport(bare))
    assert source.current().token == "old"
    path.write_text(json.dumps({"secretId": "id", "secretKey": "key", "token": "new"}))
    os.utime(path, ns=(1, 1))
    assert source.current().token == "new"
    path.write_text("half writ")
    os.utime(path, ns=(2, 2))
    assert source.current().token == "new"


@pytest.mark.parametrize(("kind", "login"), [("oauth", "tccli auth login"), ("sso", "tccli sso login")])
def test_a_login_that_has_run_out(bare: Settings, clock: Clock, kind: str, login: str) -> None:
    tccli(bare, secretId="id", secretKey="key", token="t", type=kind, expiresAt=clock.time + 100)
    source = find(bare, Transport(bare))
    assert source.current().id == "id"
    clock.time += 100
    error = fails(source.current)
    assert (error.kind, login in error.hint) == (Kind.DENIED, True)


def test_the_sdks_files(bare: Settings) -> None:
    ini(profiles.SYSTEM_CREDENTIALS, "[default]\nsecret_id = sys\nsecret_key = y%z\n")
    assert key_of(bare) == AccessKey("sys", "y%z")
    ini(bare.home / ".tencentcloud" / "credentials", '[default]\nsecret_id = "home"\nsecret_key="y"\ntoken=t\n')
    assert key_of(bare) == AccessKey("home", "y", "t")
    assert key_of(bare).source == str(bare.home / ".tencentcloud" / "credentials")
    tccli(bare)
    assert key_of(bare).id == "home", "an empty tccli profile is none"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".tccli/default.credential", "{"),
        (".tccli/default.credential", "[]"),
        (".tccli/default.credential", b"\xff\xfe\x00"),
        (".tencentcloud/credentials", "secret_id = x\n"),
    ],
)
def test_files_that_cannot_be_used_are_named(bare: Settings, path: str, text: str | bytes) -> None:
    file = bare.home / path
    file.parent.mkdir()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    error = fails(lambda: key_of(bare))
    assert (error.kind, error.exit_code) == (Kind.USAGE, 2)
    assert str(file) in error.message


def test_a_directory_in_place_of_a_file(bare: Settings) -> None:
    (bare.home / ".tccli" / "default.credential").mkdir(parents=True)
    assert fails(lambda: key_of(bare)).kind is Kind.USAGE


def test_nothing_anywhere_names_every_place(bare: Settings) -> None:
    error = fails(lambda: key_of(bare))
    assert (error.kind, error.exit_code) == (Kind.DENIED, 3)
    for place in ("TENCENTCLOUD_SECRET_ID", ".tccli/default.credential", ".tencentcloud/credentials", "TKE_"):
        assert place in error.hint
    assert "instance" not in error.hint, "an emulator is in use: the metadata service was not asked"


# ------------------------------------------------------------------------------------------------------- roles


def role_key(number: int, expires_at: float) -> Reply:
    return ok(
        Credentials={"Token": f"tok{number}", "TmpSecretId": f"tmp{number}", "TmpSecretKey": "k"},
        ExpiredTime=int(expires_at),
    )


def test_roles_are_assumed_and_renewed(settings: Settings, server: ScriptedServer, clock: Clock) -> None:
    start = clock.time
    server.on("AssumeRole", role_key(1, start + 7200), role_key(2, start + 14_400))
    source = find(
        with_variables(settings, SECRET_ID="id", SECRET_KEY="key", TOKEN="tok", ROLE_ARN=ROLE), Transport(settings)
    )
    assert server.asked == [], "not before it is used"
    assert source.current() == AccessKey("tmp1", "k", "tok1", start + 7200)
    clock.time += 6000
    assert source.current().id == "tmp1"
    clock.time += 1000
    assert source.current().id == "tmp2"
    assert server.calls("AssumeRole")[0] == {
        "RoleArn": ROLE, "RoleSessionName": "imgmove", "DurationSeconds": 7200,
    }  # fmt: skip
    assert server.asked[0].headers["x-tc-token"] == "tok"
    assert server.asked[0].headers["x-tc-version"] == "2018-08-13"


def test_the_role_of_a_tccli_profile(bare: Settings, server: ScriptedServer) -> None:
    server.on("AssumeRole", role_key(1, 2e9))
    path = tccli(bare)
    profile = {"secretId": "id", "secretKey": "key", "role-arn": ROLE, "role-session-name": "me"}
    path.write_text(json.dumps(profile))
    assert key_of(bare).id == "tmp1"
    assert server.calls("AssumeRole")[0]["RoleSessionName"] == "me"


def test_the_role_of_the_sdks_file(bare: Settings, server: ScriptedServer) -> None:
    server.on("AssumeRole", role_key(1, 2e9))
    ini(bare.home / ".tencentcloud" / "credentials", f"[default]\nsecret_id=a\nsecret_key=b\nrole_arn={ROLE}\n")
    assert key_of(bare).id == "tmp1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refuse("AuthFailure.UnauthorizedOperation"), Kind.DENIED),
        (refuse("ResourceNotFound.RoleNotFound"), Kind.NOT_FOUND),
        (ok(), Kind.UNAVAILABLE),
        (ok(Credentials={"Token": "t"}), Kind.UNAVAILABLE),
    ],
)
def test_roles_that_are_not_given(settings: Settings, server: ScriptedServer, reply: Reply, kind: Kind) -> None:
    server.on("AssumeRole", reply)
    wanted = with_variables(settings, SECRET_ID="id", SECRET_KEY="key", ROLE_ARN=ROLE)
    assert fails(lambda: key_of(wanted)).kind is kind


def test_identity_tokens_of_tke(bare: Settings, server: ScriptedServer, tmp_path: Path) -> None:
    server.on("AssumeRoleWithWebIdentity", role_key(1, 2e9))
    file = tmp_path / "token"
    file.write_text("jwt\n")
    variables = {"TKE_REGION": "ap-beijing", "TKE_PROVIDER_ID": "p", "TKE_ROLE_ARN": ROLE,
                 "TKE_WEB_IDENTITY_TOKEN_FILE": str(file)}  # fmt: skip
    key = key_of(replace(bare, environment=variables))
    assert (key.id, key.source) == ("tmp1", f"OIDC, for the role {ROLE}")
    (asked,) = server.asked
    assert asked.parameters["WebIdentityToken"] == "jwt"
    assert (asked.headers["authorization"], asked.headers["x-tc-region"]) == ("SKIP", "ap-beijing")
    file.unlink()
    assert fails(lambda: key_of(replace(bare, environment=variables))).kind is Kind.DENIED


# ---------------------------------------------------------------------------------------- the instance's own role


@pytest.fixture
def metadata_server(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setattr(metadata, "_URL", f"{server.url}/latest/")
    return server


def instance(asked: Asked) -> Reply:
    if asked.path == "/latest/":
        return Reply(200, b"my-role\n")
    body = {"TmpSecretId": "tmp", "TmpSecretKey": "k", "Token": "t", "ExpiredTime": 2_000_000_000, "Code": "Success"}
    return Reply(200, json.dumps(body).encode())


def test_the_role_of_the_instance_comes_last(bare: Settings, metadata_server: ScriptedServer) -> None:
    metadata_server.otherwise = instance
    on_the_cloud = replace(bare, endpoints={})
    key = key_of(on_the_cloud)
    assert (key, key.source) == (AccessKey("tmp", "k", "t", 2_000_000_000.0), "the CVM instance's role")
    assert [asked.path for asked in metadata_server.asked] == ["/latest/", "/latest/my-role"]


@pytest.mark.parametrize("reply", [Reply(404), Reply(200, b"<html>a portal</html>"), Reply(200, b"{}")])
def test_where_there_is_no_role(bare: Settings, metadata_server: ScriptedServer, reply: Reply) -> None:
    metadata_server.otherwise = lambda asked: reply
    error = fails(lambda: key_of(replace(bare, endpoints={})))
    assert (error.kind, "the CVM instance's role" in error.hint) == (Kind.DENIED, True)


@pytest.mark.parametrize("profile", [{"type": "cvm-role"}, {"use-cvm-role": True}])
def test_a_profile_may_ask_for_it(bare: Settings, metadata_server: ScriptedServer, profile: dict[str, Any]) -> None:
    metadata_server.otherwise = instance
    tccli(bare, **profile)
    assert key_of(bare).id == "tmp"


def test_metadata_is_never_asked_through_a_proxy(settings: Settings) -> None:
    proxied = replace(settings, environment={"http_proxy": "http://proxy:1", "https_proxy": "http://proxy:1"})
    transport = credentials.transport_for(proxied)
    assert transport.proxy_for("http://metadata.tencentyun.com/latest/") == ""
    assert transport.proxy_for("https://cvm.tencentcloudapi.com/") == "http://proxy:1"


# ----------------------------------------------------------------------------------------------------- regions


def test_the_region_of_the_tccli_profile(bare: Settings) -> None:
    assert cloud.default_region(bare) == ""
    tccli(bare, configure={"_sys_param": {"region": "ap-nanjing", "output": "json"}})
    assert cloud.default_region(bare) == "ap-nanjing"
    tccli(bare, "old", configure={"region": "ap-beijing"})
    assert cloud.default_region(replace(bare, vendor_profile="old")) == "ap-beijing"
    tccli(bare, "odd", configure={"_sys_param": None, "region": 7})
    assert cloud.default_region(replace(bare, vendor_profile="odd")) == ""


def test_keys_are_renewed_before_they_run_out(clock: Clock) -> None:
    fetched: list[float] = []

    def fetch() -> AccessKey:
        fetched.append(clock.time)
        return AccessKey("id", "key", expires_at=clock.time + 1000)

    source = RenewedKey(fetch, clock)
    for _ in range(10):
        assert source.current().expires_at is not None
        clock.time += 100
    assert len(fetched) == 2
