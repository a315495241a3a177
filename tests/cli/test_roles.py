"""`imgmove roles`: the exact documents, creating after asking, waiting until the grant has spread."""

import json
import signal
import threading

import pytest

from imgmove.engine.clock import SystemClock
from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Role
from tests.cli.conftest import Cli
from tests.cli.processes import imgmove
from tests.cli.test_bad_input import assert_clear
from tests.cli.test_migrate import CVM, TO_ECS

ROLES = {"tencent": ["CVM_QcsRole"], "alibaba": ["AliyunECSImageExportDefaultRole", "AliyunECSImageImportDefaultRole"]}
ACCOUNTS = {"tencent": "100000000001", "alibaba": "1000000000000001"}


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in no time."""
    waits: list[float] = []

    def sleep(_clock: SystemClock, seconds: float, _stop: threading.Event) -> None:
        waits.append(seconds)

    monkeypatch.setattr(SystemClock, "sleep", sleep)
    return waits


def without(sandbox: Sandbox, provider: str) -> None:
    sandbox.sow({"role": [{"provider": provider, "name": name, "absent": True} for name in ROLES[provider]]})


def role(sandbox: Sandbox, provider: str, name: str) -> Role | None:
    with sandbox.world.lock:
        return sandbox.world.accounts.role(provider, ACCOUNTS[provider], name)


@pytest.mark.parametrize("provider", ROLES)
def test_show(cli: Cli, sandbox: Sandbox, provider: str) -> None:
    done = cli("roles", "show", "--provider", provider)
    assert (done.code, done.err) == (0, "")
    for name in ROLES[provider]:
        assert f"role {name}: ready" in done.out
    assert "sts:AssumeRole" in done.out
    assert "PutObject" in done.out
    without(sandbox, provider)
    missing = cli("roles", "show", "--provider", provider)
    assert missing.code == 0
    assert f"$ imgmove roles create --provider {provider}" in missing.out
    assert "by hand: " in missing.out


def test_show_as_json(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.sow(
        {"role": [{"provider": "alibaba", "name": ROLES["alibaba"][0], "policies": [], "actions": ["oss:GetObject"]}]}
    )
    document = cli("roles", "show", "--provider", "ecs", "-o", "json").json
    assert document["error"] is None
    export, import_ = document["roles"]
    assert (export["operation"], export["state"], import_["state"]) == ("export", "incomplete", "ready")
    assert "oss:PutObject" in export["missing_actions"]
    assert export["trust_policy"]["Statement"][0]["Principal"] == {"Service": ["ecs.aliyuncs.com"]}
    assert export["policy"]["Statement"][0]["Effect"] == "Allow"


def test_where_we_may_not_look_it_is_said(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("ram:* refuse code=NoPermission status=403 times=forever")
    done = cli("roles", "show", "--provider", "alibaba", "-o", "json")
    assert done.code == 0
    assert {item["state"] for item in done.json["roles"]} == {"unknown"}
    assert done.json["roles"][0]["error"]["code"] == "NoPermission"


@pytest.mark.parametrize("provider", ROLES)
def test_create_and_wait_until_it_has_spread(cli: Cli, sandbox: Sandbox, slept: list[float], provider: str) -> None:
    without(sandbox, provider)
    done = cli("roles", "create", "--provider", provider, "--yes", "-o", "json")
    assert done.code == 0, done
    assert {item["state"] for item in done.json["roles"]} == {"ready"}
    assert all(item["done"] for item in done.json["roles"])
    assert sum(slept) >= 60
    assert "waiting until the grant has spread" in done.err
    for name in ROLES[provider]:
        assert role(sandbox, provider, name)
    assert cli("doctor", CVM, *TO_ECS, "--name", "moved").code == 0


def test_creating_again_does_nothing_and_asks_nothing(cli: Cli, sandbox: Sandbox, slept: list[float]) -> None:
    before = role(sandbox, "tencent", "CVM_QcsRole")
    done = cli("roles", "create", "--provider", "tencent", "-o", "json")
    assert (done.code, done.json["roles"][0]["done"], slept) == (0, [], [])
    assert role(sandbox, "tencent", "CVM_QcsRole") == before
    assert [entry for entry in sandbox.requests("cam") if entry.action.startswith(("Create", "Attach", "Update"))] == []


def test_what_is_there_is_kept(cli: Cli, sandbox: Sandbox, slept: list[float]) -> None:
    sandbox.sow({"role": [{"provider": "alibaba", "name": ROLES["alibaba"][1], "policies": ["AliyunOSSReadOnlyAccess"],
                           "trusts": ["fc.aliyuncs.com"]}]})  # fmt: skip
    assert cli("roles", "create", "--provider", "alibaba", "--yes", "-o", "json").json["roles"][1]["state"] == "ready"
    made = role(sandbox, "alibaba", ROLES["alibaba"][1])
    assert made is not None
    assert "AliyunOSSReadOnlyAccess" in made.policies
    assert {"fc.aliyuncs.com", "ecs.aliyuncs.com"} <= set(made.trusted_services)


def test_without_waiting(cli: Cli, sandbox: Sandbox, slept: list[float]) -> None:
    without(sandbox, "alibaba")
    assert cli("roles", "create", "--provider", "alibaba", "--yes", "--no-wait").code == 0
    assert slept == []


def test_without_a_terminal_nobody_can_be_asked(cli: Cli, sandbox: Sandbox) -> None:
    without(sandbox, "alibaba")
    assert_clear(cli("roles", "create", "--provider", "alibaba"), 2, "--yes")
    assert role(sandbox, "alibaba", ROLES["alibaba"][0]) is None


def test_who_may_not_create_is_told_so(cli: Cli, sandbox: Sandbox) -> None:
    without(sandbox, "alibaba")
    sandbox.faults.add("ram:CreateRole refuse code=NoPermission status=403 times=forever")
    done = cli("roles", "create", "--provider", "alibaba", "--yes", "-o", "json")
    assert done.code == 3
    assert (done.json["roles"], done.json["error"]["code"]) == ([], "NoPermission")


def test_what_is_half_made_is_not_passed_over(cli: Cli, sandbox: Sandbox) -> None:
    without(sandbox, "alibaba")
    sandbox.faults.add("ram:AttachPolicyToRole refuse code=NoPermission status=403 after=1 times=forever")
    done = cli("roles", "create", "--provider", "alibaba", "--yes", "-q")
    assert_clear(done, 3, "imgmove roles show --provider alibaba")
    shown = cli("roles", "show", "--provider", "alibaba", "-o", "json").json["roles"]
    assert [item["state"] for item in shown] == ["ready", "incomplete"]
    sandbox.faults.clear()
    again = cli("roles", "create", "--provider", "alibaba", "--yes", "--no-wait", "-o", "json")
    assert [item["state"] for item in again.json["roles"]] == ["ready", "ready"]


def test_interrupted_while_the_grant_spreads(cli: Cli, sandbox: Sandbox) -> None:
    without(sandbox, "alibaba")
    with imgmove("roles", "create", "--provider", "alibaba", "--yes", "-o", "json") as process:
        assert process.stderr is not None
        assert any("waiting until the grant has spread" in line for line in iter(process.stderr.readline, ""))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "what was created stays" in err
    error = json.loads(out)["error"]
    assert (error["code"], error["exit_code"]) == ("Interrupted", 130)
    assert "imgmove roles show --provider alibaba" in error["hint"]
    assert all(role(sandbox, "alibaba", name) for name in ROLES["alibaba"])


def test_a_service_without_roles_and_a_name_that_is_none(cli: Cli) -> None:
    done = cli("roles", "show", "--provider", "ecm")
    assert (done.code, done.out) == (0, "no service role is needed here\n")
    assert_clear(cli("roles", "show", "--provider", "aws"), 2, "aws")


def test_a_role_under_another_name(cli: Cli, sandbox: Sandbox, slept: list[float]) -> None:
    words = ("--provider", "tencent", "--export-role", "Exporter", "-o", "json")
    assert cli("roles", "show", *words).json["roles"][0]["state"] == "missing"
    assert cli("roles", "create", *words, "--yes").json["roles"][0]["name"] == "Exporter"
    assert role(sandbox, "tencent", "Exporter")
    assert cli("doctor", CVM, *TO_ECS, "--name", "moved", "--export-role", "Exporter").code == 0
