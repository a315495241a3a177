"""Looks beforehand where only a part may be looked at, or nothing: that never blocks, and what is refused is told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.emulators.conftest import ACCOUNT_SERVICES, EVERY, Cli, Clouds, Done
from tests.emulators.looking import (
    COS_BUCKET,
    CVM_IMAGE,
    ECS_IMAGE,
    OSS_BUCKET,
    TO_CVM,
    TO_ECS,
    WAYS,
    check_only_looked,
    doctor,
    findings,
    ready,
    texts,
)
from tests.emulators.test_migrate import DISK, packed
from tests.emulators.wire import LOGIN_PAGE, Say

TENCENT_CODES: Final = ("UnauthorizedOperation", "AuthFailure.UnauthorizedOperation", "UnauthorizedOperation.CamNoAuth")
ALIBABA_CODES: Final = ("NoPermission", "Forbidden.RAM", "Forbidden")
STATES: Final = ("closed", "policies closed", "absent", "no connection", "no such call", "page", "welcome", "trouble")
#: What may be found where something may not be looked at; none of it blocks.
OPEN: Final = {"identity-unknown", "role-unknown", "not-looked-at", "bucket-not-surveyed"}


def _shut(clouds: Clouds, state: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """STS, CAM and RAM in that state."""
    tencent, alibaba = TENCENT_CODES[code], ALIBABA_CODES[code]
    for name in ACCOUNT_SERVICES:
        service: Any = clouds.service(name)
        word = tencent if name in {"CAM", "TENCENT_STS"} else alibaba
        variable = f"IMGMOVE_ENDPOINT_URL_{name}"
        if state == "closed":
            service.ways["closed"] = {"*": word}
        elif state == "policies closed":
            service.ways["closed"] = dict.fromkeys(
                ("ListAttachedRolePolicies", "ListPoliciesForRole", "GetUserAppId"), word)  # fmt: skip
        elif state == "absent":
            monkeypatch.delenv(variable)
        elif state == "no connection":
            monkeypatch.setenv(variable, "http://127.0.0.1:1")
        elif state == "no such call":
            service.ways["only"] = ()
        else:
            answers = {"page": Say(404, LOGIN_PAGE), "welcome": Say(200, LOGIN_PAGE), "trouble": Say(503)}
            service.answer = lambda _ask, answer=answers[state]: answer


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("state", "code"), [*((state, 0) for state in STATES), ("closed", 1), ("closed", 2)])
def test_doctor(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, way: str, state: str, code: int) -> None:
    ready(clouds)
    _shut(clouds, state, code, monkeypatch)
    done = doctor(cli, clouds, WAYS[way])
    found = findings(done)
    assert done.code == 0, done
    assert "block" not in found.values()
    assert found, "what was not looked at is said"
    assert set(found) <= OPEN


# ------------------------------------------------------------------------------------------- the commands themselves


def export_of_cvm(cli: Cli, clouds: Clouds) -> Done:
    return cli(
        "export", CVM_IMAGE, "--provider", "tencent", "--region", "ap-guangzhou", "--bucket", COS_BUCKET, "-o", "json"
    )


def export_of_ecs(cli: Cli, clouds: Clouds) -> Done:
    return cli(
        "export", ECS_IMAGE, "--provider", "alibaba", "--region", "cn-hangzhou", "--bucket", OSS_BUCKET, "-o", "json"
    )


def import_to_cvm(cli: Cli, clouds: Clouds) -> Done:
    clouds.cos.write(f"{COS_BUCKET}/disk.raw", DISK)
    return cli("import", f"cos://{COS_BUCKET}/disk.raw", "--provider", "tencent", "--region", "ap-guangzhou",
               "--name", "web2", "--os-type", "Debian", "--os-version", "12", "--arch", "x86_64", "-o", "json")  # fmt: skip


def import_to_ecs(cli: Cli, clouds: Clouds) -> Done:
    clouds.oss.write(f"{OSS_BUCKET}/disk.raw", DISK)
    return cli("import", f"oss://{OSS_BUCKET}/disk.raw", "--provider", "alibaba", "--region", "cn-hangzhou",
               "--name", "web2", "--os-type", "Debian", "-o", "json")  # fmt: skip


def migration_to_ecs(cli: Cli, clouds: Clouds) -> Done:
    clouds.cvm.script = [("EXPORTING", {}), ("NORMAL", {"system": DISK})]
    return cli("migrate", *TO_ECS.words, "--format", "raw", "--part-size", "1MiB", "-o", "json")


def migration_to_cvm(cli: Cli, clouds: Clouds) -> Done:
    clouds.ecs.script = [({"TaskStatus": "Processing"}, {}), ({"TaskStatus": "Finished"}, {"system": packed("w.raw")})]
    return cli("migrate", *TO_CVM.words, "--part-size", "1MiB", "-o", "json")


COMMANDS: Final[tuple[Callable[[Cli, Clouds], Done], ...]] = (
    export_of_cvm, export_of_ecs, import_to_cvm, import_to_ecs, migration_to_ecs, migration_to_cvm,
)  # fmt: skip


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize(("command", "state"), [
    *((command, state) for command in COMMANDS[4:] for state in ("there", *STATES)),
    *((command, state) for command in COMMANDS[:4] for state in ("there", "closed", "absent", "no connection")),
])  # fmt: skip
def test_what_may_not_be_looked_at_blocks_nothing(
    cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, command: Callable[[Cli, Clouds], Done], state: str
) -> None:
    ready(clouds)
    if state != "there":
        _shut(clouds, state, 0, monkeypatch)
    done = command(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize("command", COMMANDS)
def test_buckets_whose_settings_are_closed_block_nothing(
    cli: Cli, clouds: Clouds, command: Callable[[Cli, Clouds], Done]
) -> None:
    calls = (
        "GET acl",
        "GET encryption",
        "GET versioning",
        "GET lifecycle",
        "GET bucketInfo",
        "HEAD bucket",
        "GET service",
    )
    ready(clouds, {"COS": {"closed calls": calls}, "OSS": {"closed calls": calls}})
    done = command(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_key_with_rights_on_objects_alone_is_enough(
    cli: Cli, clouds: Clouds, command: Callable[[Cli, Clouds], Done]
) -> None:
    """Not even where the bucket is may be asked: it is where the service needs it."""
    closed = {
        "closed": 1,
        "closed list": 1,
        "closed calls": ("GET objects", "GET acl", "GET encryption", "GET lifecycle"),
    }
    ready(clouds, {"COS": closed, "OSS": closed})
    done = command(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize("way", WAYS)
def test_a_closed_bucket_whose_objects_are_open_is_a_warning(cli: Cli, clouds: Clouds, way: str) -> None:
    closed = {"closed": 1, "closed list": 1}
    ready(clouds, {"COS": closed, "OSS": closed})
    done = doctor(cli, clouds, WAYS[way])
    assert (done.code, findings(done)) == (0, {"bucket-denied": "warn"}), done
    for store in (clouds.cos, clouds.oss):
        store.ways["closed calls"] = ("GET object", "PUT part")
    done = doctor(cli, clouds, WAYS[way])
    assert done.code == 3
    assert findings(done) == {
        "bucket-denied": "block", "bucket-not-readable": "block", "bucket-not-writable": "block",
    }  # fmt: skip


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize("command", [item for item in COMMANDS if item is not import_to_cvm])
def test_a_role_that_is_missing_stops_before_anything_is_done(
    cli: Cli, clouds: Clouds, command: Callable[[Cli, Clouds], Done]
) -> None:
    ready(clouds)
    clouds.cam.roles.clear()
    clouds.ram.roles.clear()
    done = command(cli, clouds)
    assert (done.code, done.json["state"]) == (3, "failed"), done
    assert "roles create" in done.error["hint"]
    check_only_looked(clouds)
    assert command(lambda *words: cli(*words[:-2], "--force", *words[-2:]), clouds).code == 0


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize(("way", "service", "code"), [
    *(("to ECS", "TENCENT_STS", code) for code in (
        "AuthFailure.SecretIdNotFound", "AuthFailure.SignatureFailure", "AuthFailure.TokenFailure",
        "AuthFailure.SignatureExpire", "AuthFailure.InvalidSecretId", "AuthFailure.AccessKeyIllegal")),
    *(("to CVM", "ALIBABA_STS", code) for code in (
        "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch",
        "InvalidSecurityToken.Malformed", "Forbidden.AccessKeyDisabled")),
])  # fmt: skip
def test_a_key_that_is_refused(cli: Cli, clouds: Clouds, way: str, service: str, code: str) -> None:
    """A refused key blocks; beside a clock that is far off it is the clock that does."""
    ready(clouds, {service: {"closed": {"*": code}}})
    done = doctor(cli, clouds, WAYS[way])
    assert (done.code, findings(done)) == (3, {"credentials-refused": "block"}), done
    far: Any = clouds.service(service)
    far.date = lambda: far.now() + 1300
    done = doctor(cli, clouds, WAYS[way])
    assert done.code == 3
    assert "credentials-refused" not in findings(done)
    assert findings(done)["clock-skew"] == "block"
    assert "behind" in texts(done, "clock-skew")


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize(
    ("seconds", "severity"), [(0, None), (30, None), (-100, "warn"), (400, "warn"), (-1000, "block")]
)
def test_clocks(cli: Cli, clouds: Clouds, seconds: int, severity: str | None) -> None:
    ready(clouds)
    for name in EVERY:
        clouds.service(name).date = lambda: clouds.now() + seconds
    done = doctor(cli, clouds, TO_ECS)
    assert findings(done) == ({"clock-skew": severity} if severity else {}), done


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 32 Foo 2026 99:99:99 GMT", "0"])
def test_dates_that_are_none(cli: Cli, clouds: Clouds, date: str) -> None:
    ready(clouds)
    for name in EVERY:
        clouds.service(name).date = lambda: date
    assert findings(doctor(cli, clouds, TO_CVM)) == {}


@pytest.mark.usefixtures("account_services")
@pytest.mark.parametrize(("way", "closed", "expected"), [
    ("to ECS", {"COS": {"GET object": "AccessDenied"}}, {"bucket-not-readable": "block"}),
    ("to ECS", {"COS": {"HEAD object": "AccessDenied"}}, {"bucket-not-readable": "block"}),
    ("to ECS", {"OSS": {"PUT part": "AccessDenied"}}, {"bucket-not-writable": "block"}),
    ("to ECS", {"OSS": {"PUT part": "PublicEndpointForbidden", "GET objects": "PublicEndpointForbidden"}},
     {"endpoint-forbidden": "block"}),
    ("to CVM", {"OSS": {"GET object": "AccessDenied"}}, {"bucket-not-readable": "block"}),
    ("to CVM", {"OSS": {"GET object": "PublicEndpointForbidden", "GET objects": "PublicEndpointForbidden"}},
     {"endpoint-forbidden": "block"}),
    ("to CVM", {"COS": {"PUT part": "AccessDenied"}}, {"bucket-not-writable": "block"}),
    *((way, {store: {call: "AccessDenied"}}, {"bucket-not-surveyed": "info"})
      for way, store in (("to ECS", "COS"), ("to CVM", "COS"), ("to CVM", "OSS"))
      for call in ("GET acl", "GET encryption", "GET versioning", "GET lifecycle")
      if store == "COS" or call == "GET lifecycle"),
    *((way, {store: {call: "AccessDenied"}}, {}) for way in WAYS for store, call in (
        ("COS", "GET location"), ("COS", "HEAD bucket"), ("COS", "GET objects"), ("COS", "GET service"),
        ("OSS", "GET location"), ("OSS", "GET objects"), ("OSS", "GET service"), ("OSS", "GET bucketInfo"))),
])  # fmt: skip
def test_rights_on_buckets(
    cli: Cli, clouds: Clouds, way: str, closed: dict[str, dict[str, str]], expected: dict[str, str]
) -> None:
    ready(clouds, {store: {"closed calls": calls} for store, calls in closed.items()})
    done = doctor(cli, clouds, WAYS[way])
    assert findings(done) == expected, done
    assert (done.code == 0) == ("block" not in expected.values())


@pytest.mark.parametrize("way", WAYS)
def test_credentials_that_are_missing(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    ready(clouds)
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "TENCENTCLOUD_SECRET_ID"):
        monkeypatch.delenv(name)
    done = doctor(cli, clouds, WAYS[way])
    assert (done.code, findings(done)["credentials-missing"]) == (3, "block"), done
