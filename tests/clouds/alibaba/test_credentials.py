"""Where keys come from: the vendor's places, in its order, one atomic triple each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgmove.clouds.alibaba import cloud, credentials, metadata
from imgmove.clouds.keys import AccessKey, KeySource
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings
from tests.clouds.alibaba.conftest import Clock
from tests.clouds.alibaba.scripted import Asked, Reply, ScriptedServer, ok, refuse

ENVIRONMENT = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret"}
STS_ANSWER = {
    "Credentials": {
        "AccessKeyId": "STS.id", "AccessKeySecret": "sts-secret", "SecurityToken": "sts-token",
        "Expiration": "2026-06-01T00:00:00Z",
    }
}  # fmt: skip
EXPIRES_AT = 1780272000.0


@pytest.fixture
def bare(settings: Settings) -> Settings:
    """Settings without anything in the environment."""
    return replace(settings, environment={})


def find(settings: Settings) -> KeySource:
    return credentials.find(settings, Transport(settings))


def triple(settings: Settings) -> tuple[str, str, str]:
    key = find(settings).current()
    return key.id, key.secret, key.token


def failure(settings: Settings) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        find(settings).current()
    return caught.value


def write_config(settings: Settings, *profiles: Mapping[str, Any], current: str = "default") -> Path:
    path = settings.home / ".aliyun" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": current, "profiles": list(profiles)}))
    return path


def write_ini(settings: Settings, text: str) -> Path:
    path = settings.home / ".alibabacloud" / "credentials.ini"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


AK = {
    "name": "default",
    "mode": "AK",
    "access_key_id": "cli-id",
    "access_key_secret": "cli-secret",
    "region_id": "cn-x",
}
INI = "[default]\ntype = access_key\naccess_key_id = ini-id # mine\naccess_key_secret = ini-secret\n"


def test_the_order_of_places(bare: Settings) -> None:
    write_ini(bare, INI)
    assert triple(bare) == ("ini-id", "ini-secret", "")
    write_config(bare, AK)
    assert triple(bare) == ("cli-id", "cli-secret", "")
    assert triple(replace(bare, environment=ENVIRONMENT)) == ("env-id", "env-secret", "")
    with_token = {**ENVIRONMENT, "ALIBABA_CLOUD_SECURITY_TOKEN": "env-token"}
    assert triple(replace(bare, environment=with_token)) == ("env-id", "env-secret", "env-token")
    off = {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}
    assert triple(replace(bare, environment=off)) == ("ini-id", "ini-secret", "")


def test_sources_are_never_mixed(bare: Settings) -> None:
    write_config(bare, AK)
    environment = {"ALIBABA_CLOUD_SECURITY_TOKEN": "stray-token"}
    assert triple(replace(bare, environment=environment)) == ("cli-id", "cli-secret", "")
    half = failure(replace(bare, environment={"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id"}))
    assert half.kind is Kind.DENIED
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in half.message


def test_nothing_anywhere_names_every_place(bare: Settings) -> None:
    error = failure(bare)
    assert error.kind is Kind.DENIED
    for place in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "config.json", "credentials.ini", "CREDENTIALS_URI", "OIDC"):
        assert place in error.hint
    assert "instance" not in error.hint  # an endpoint on this machine: no cloud instance is asked


def test_a_named_profile_comes_before_the_environment(bare: Settings) -> None:
    write_config(bare, AK, {**AK, "name": "work", "access_key_id": "work-id"})
    write_ini(bare, INI.replace("default", "old"))
    named = replace(bare, environment=ENVIRONMENT, vendor_profile="work")
    assert triple(named) == ("work-id", "cli-secret", "")
    assert triple(replace(named, vendor_profile="old")) == ("ini-id", "ini-secret", "")
    error = failure(replace(named, vendor_profile="missing"))
    assert error.kind is Kind.USAGE
    assert "default, work" in error.hint


def test_the_environment_chooses_the_profile(bare: Settings) -> None:
    write_config(bare, AK, {**AK, "name": "work", "access_key_id": "work-id"})
    for variable in ("ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"):
        assert triple(replace(bare, environment={variable: "work"}))[0] == "work-id"
    write_config(bare, AK, {**AK, "name": "work", "access_key_id": "work-id"}, current="work")
    assert triple(bare)[0] == "work-id"


def test_regions_come_from_the_profile(bare: Settings) -> None:
    assert cloud.default_region(bare) == ""
    write_config(bare, AK, {**AK, "name": "work", "region_id": "cn-y"})
    assert cloud.default_region(bare) == "cn-x"
    assert cloud.default_region(replace(bare, vendor_profile="work")) == "cn-y"
    assert cloud.default_region(replace(bare, environment={"ALIBABA_CLOUD_PROFILE": "work"})) == "cn-y"


@pytest.mark.parametrize(
    ("content", "words"),
    [("{not json", "not JSON"), ("[]", "no list"), ('{"profiles": 3}', "no list"), (b"\xff\xfe", "UTF-8")],
)
def test_unusable_files_are_named(bare: Settings, content: str | bytes, words: str) -> None:
    path = write_config(bare, AK)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = failure(bare)
    assert error.kind is Kind.USAGE
    assert str(path) in error.message
    assert words in error.message


def test_an_empty_default_profile_is_none(bare: Settings) -> None:
    write_config(bare, {"name": "default", "mode": "AK", "access_key_id": "", "access_key_secret": ""})
    assert failure(bare).kind is Kind.DENIED
    write_ini(bare, INI)
    assert triple(bare)[0] == "ini-id"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"mode": "AK", "access_key_id": "x"}, "access_key_secret"),
        ({"mode": "StsToken", "access_key_id": "x", "access_key_secret": "y"}, "sts_token"),
        ({"mode": "RamRoleArn", "access_key_id": "x", "access_key_secret": "y"}, "ram_role_arn"),
        ({"mode": "RsaKeyPair"}, "RsaKeyPair"),
        ({"mode": "ChainableRamRoleArn", "ram_role_arn": "r"}, "source_profile"),
        ({"mode": "ChainableRamRoleArn", "ram_role_arn": "r", "source_profile": "default"}, "leads back"),
        ({"mode": "ChainableRamRoleArn", "ram_role_arn": "r", "source_profile": "gone"}, "gone"),
        ({"mode": "CredentialsURI"}, "credentials_uri"),
        (
            {"mode": "RamRoleArn", "access_key_id": "x", "access_key_secret": "y", "ram_role_arn": "r",
             "expired_seconds": "soon"}, "expired_seconds",
        ),
    ],
)  # fmt: skip
def test_incomplete_profiles_are_usage_errors(bare: Settings, profile: dict[str, Any], words: str) -> None:
    write_config(bare, {"name": "default", **profile})
    error = failure(bare)
    assert error.kind is Kind.USAGE
    assert words in error.message


def test_sts_tokens_and_their_renewal_in_the_file(bare: Settings) -> None:
    profile = {"name": "default", "mode": "StsToken", "access_key_id": "a", "access_key_secret": "b", "sts_token": "t1"}
    path = write_config(bare, profile)
    source = find(bare)
    assert source.current() == AccessKey("a", "b", "t1")
    write_config(bare, {**profile, "sts_token": "t2"})
    os.utime(path, ns=(1, 1))
    assert source.current().token == "t2"
    path.write_text("{half")
    os.utime(path, ns=(2, 2))
    assert source.current().token == "t2"


ROLE = {
    "name": "default",
    "mode": "RamRoleArn",
    "access_key_id": "a",
    "access_key_secret": "b",
    "ram_role_arn": "acs:r",
}


def test_roles_are_assumed_and_renewed_before_they_run_out(
    bare: Settings, server: ScriptedServer, clock: Clock
) -> None:
    write_config(bare, {**ROLE, "expired_seconds": 900, "external_id": "x1", "ram_session_name": "me"})
    server.on("AssumeRole", ok(**STS_ANSWER))
    source = find(bare)
    assert server.asked == []
    assert source.current() == AccessKey("STS.id", "sts-secret", "sts-token", EXPIRES_AT)
    source.current()
    assert len(server.asked) == 1
    asked = server.asked[0]
    assert asked.query == {
        "RoleArn": "acs:r", "RoleSessionName": "me", "DurationSeconds": "900", "ExternalId": "x1",
    }  # fmt: skip
    assert asked.headers["x-acs-version"] == "2015-04-01"
    assert "Credential=a," in asked.headers["authorization"]
    clock.time = EXPIRES_AT - 299
    source.current()
    assert len(server.asked) == 2


def test_roles_in_chains(bare: Settings, server: ScriptedServer) -> None:
    chained = {"name": "top", "mode": "ChainableRamRoleArn", "source_profile": "default", "ram_role_arn": "acs:top"}
    write_config(bare, chained, ROLE, current="top")
    server.on("AssumeRole", ok(**STS_ANSWER))
    find(bare).current()
    assert [asked.query["RoleArn"] for asked in server.asked] == ["acs:r", "acs:top"]
    assert server.asked[1].headers["x-acs-security-token"] == "sts-token"


def test_roles_that_may_not_be_assumed(bare: Settings, server: ScriptedServer) -> None:
    write_config(bare, ROLE)
    server.on("AssumeRole", refuse("NoPermission", "You are not authorized", 403))
    error = failure(bare)
    assert (error.kind, error.code) == (Kind.DENIED, "NoPermission")
    server.on("AssumeRole", ok(Credentials=None))
    assert failure(bare).kind is Kind.UNAVAILABLE


def test_roles_of_the_ini_file(bare: Settings, server: ScriptedServer) -> None:
    write_ini(bare, INI.replace("access_key\n", "ram_role_arn\nrole_arn = acs:ini\nrole_session_name = s\n", 1))
    server.on("AssumeRole", ok(**STS_ANSWER))
    assert find(bare).current().id == "STS.id"
    assert server.asked[0].query["RoleArn"] == "acs:ini"
    write_ini(bare, "[default]\ntype = strange\n")
    assert failure(bare).kind is Kind.USAGE
    write_ini(bare, "no section")
    assert failure(bare).kind is Kind.USAGE


def test_oidc(bare: Settings, server: ScriptedServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("oidc-token-text")
    environment = {
        "ALIBABA_CLOUD_ROLE_ARN": "acs:r", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:p",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token),
    }  # fmt: skip
    server.on("AssumeRoleWithOIDC", ok(**STS_ANSWER))
    assert find(replace(bare, environment=environment)).current().id == "STS.id"
    asked = server.asked[0]
    assert "authorization" not in asked.headers
    assert "OIDCToken" not in asked.query
    assert asked.body == b"OIDCToken=oidc-token-text"
    token.unlink()
    assert failure(replace(bare, environment=environment)).kind is Kind.USAGE


def test_a_credentials_uri(bare: Settings, server: ScriptedServer) -> None:
    body = {"Code": "Success", **STS_ANSWER["Credentials"]}
    server.otherwise = lambda asked: Reply(200, json.dumps(body).encode())
    uri = f"{server.url}/keys?x=1"
    assert find(replace(bare, environment={"ALIBABA_CLOUD_CREDENTIALS_URI": uri})).current().token == "sts-token"
    write_config(bare, {"name": "default", "mode": "CredentialsURI", "credentials_uri": uri})
    assert find(bare).current().id == "STS.id"
    server.otherwise = lambda asked: Reply(200, json.dumps({**body, "Code": "Failed"}).encode())
    error = failure(bare)
    assert error.kind is Kind.DENIED
    assert "sts-secret" not in repr(error)


def test_the_role_of_an_instance(bare: Settings, server: ScriptedServer) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.method == "PUT":
            return Reply(200, b"session-token")
        if asked.headers.get("x-aliyun-ecs-metadata-token") != "session-token":
            return Reply(403)
        if asked.path.endswith("/security-credentials/"):
            return Reply(200, b"my-role")
        return Reply(200, json.dumps({"Code": "Success", **STS_ANSWER["Credentials"]}).encode())

    server.otherwise = answer
    role = metadata.InstanceRole(Transport(bare), address=server.url)
    assert role.fetch() == AccessKey("STS.id", "sts-secret", "sts-token", EXPIRES_AT)
    assert server.asked[-1].path == "/latest/meta-data/ram/security-credentials/my-role"
    server.otherwise = lambda asked: Reply(404)
    with pytest.raises(ImgmoveError) as caught:
        role.fetch()
    assert caught.value.kind is Kind.DENIED


def test_commands_of_a_profile_are_left_to_the_vendors_library(bare: Settings) -> None:
    answer = {"mode": "AK", "access_key_id": "ext-id", "access_key_secret": "ext-secret"}
    command = f"echo '{json.dumps(answer)}'"
    write_config(bare, {"name": "default", "mode": "External", "process_command": command})
    assert triple(bare) == ("ext-id", "ext-secret", "")
    write_config(bare, {"name": "default", "mode": "External", "process_command": "false"})
    assert failure(bare).kind is Kind.DENIED


def test_keys_show_no_secret() -> None:
    shown = repr(AccessKey("id", "secret-1", "token-1"))
    assert "secret-1" not in shown
    assert "token-1" not in shown


def test_keys_say_where_they_are_from(bare: Settings) -> None:
    ini = write_ini(bare, INI)
    assert find(bare).current().source == f"section 'default' of {ini}"
    config = write_config(bare, AK, {**AK, "name": "work"})
    assert find(bare).current().source == f"profile 'default' of {config}"
    assert find(replace(bare, vendor_profile="work")).current().source == f"profile 'work' of {config}"
    named = replace(bare, environment=ENVIRONMENT)
    assert find(named).current().source == "the environment (ALIBABA_CLOUD_ACCESS_KEY_ID)"


def test_long_ids_are_shortened_to_their_ends() -> None:
    assert AccessKey("LTAI5tExampleExampleXc2f", "s").short_id == "LTAI…Xc2f"
    assert AccessKey("short", "s").short_id == "short"
