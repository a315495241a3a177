"""`imgmove roles show|create` at the second emulation: what is there is kept, and nothing is made twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.emulators import cam, documents, ram
from tests.emulators.conftest import Cli, Clouds, Done
from tests.emulators.looking import READINGS, check_only_looked, contents, granted, ready
from tests.emulators.wire import CUT

pytestmark = pytest.mark.usefixtures("account_services")

PROVIDERS: Final = ("tencent", "alibaba")
CHANGES: Final = (
    "CreateRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "CreatePolicy",
    "AttachRolePolicy",
    "AttachPolicyToRole",
)
ROLES: Final = {"tencent": (cam.ROLE_OF_CVM,), "alibaba": (ram.EXPORT_ROLE, ram.IMPORT_ROLE)}
SERVICES: Final = {"tencent": "CAM", "alibaba": "RAM"}
TRUSTED: Final = {"tencent": "cvm.qcloud.com", "alibaba": "ecs.aliyuncs.com"}
OTHERS: Final = {"tencent": "cls.cloud.tencent.com", "alibaba": "fc.aliyuncs.com"}
UNRELATED: Final = {"tencent": "QcloudCVMReadOnlyAccess", "alibaba": "AliyunECSReadOnlyAccess"}


def show(cli: Cli, provider: str) -> list[dict[str, Any]]:
    done = cli("roles", "show", "--provider", provider, "-o", "json")
    assert done.code == 0, done
    found: list[dict[str, Any]] = done.json["roles"]
    return found


def create(cli: Cli, provider: str, *words: str) -> Done:
    return cli("roles", "create", "--provider", provider, "--yes", *words, "-o", "json")


def words(cli: Cli, provider: str) -> set[str]:
    return {role["state"] for role in show(cli, provider)}


def service(clouds: Clouds, provider: str) -> Any:
    return clouds.service(SERVICES[provider])


def changes(clouds: Clouds, provider: str) -> list[str]:
    return [ask.what for ask in service(clouds, provider).asked if ask.what in CHANGES]


def trusted(role: dict[str, Any]) -> set[str]:
    document = role["trust"]
    return documents.services(document if isinstance(document, str) else json.dumps(document))


def gone(clouds: Clouds, provider: str) -> None:
    service(clouds, provider).roles.clear()


def trust_elsewhere(clouds: Clouds, provider: str) -> None:
    clouds.cam.role(trusts=cam.trust(OTHERS["tencent"]))
    for name in ROLES["alibaba"]:
        clouds.ram.role(name, trusts=ram.trust(OTHERS["alibaba"]))


def no_rights(clouds: Clouds, provider: str) -> None:
    for name in ROLES[provider]:
        service(clouds, provider).role(name, UNRELATED[provider])


def bare(clouds: Clouds, provider: str) -> None:
    for name in ROLES[provider]:
        service(clouds, provider).role(name)
        service(clouds, provider).roles[name]["attached"] = []


def both_wrong(clouds: Clouds, provider: str) -> None:
    trust = {"tencent": cam.trust, "alibaba": ram.trust}[provider](OTHERS[provider])
    for name in ROLES[provider]:
        service(clouds, provider).role(name, UNRELATED[provider], trusts=trust)


STATES: Final[dict[Callable[[Clouds, str], None], str]] = {
    gone: "missing", trust_elsewhere: "incomplete", no_rights: "incomplete", bare: "incomplete", both_wrong: "incomplete",
}  # fmt: skip
#: Lists of no policy at all, in each form.
EMPTY: Final = ("absent", "null", "bare", "null inside")


@pytest.mark.parametrize("row", range(len(READINGS)))
@pytest.mark.parametrize("provider", PROVIDERS)
def test_roles_as_they_should_be_are_ready_in_any_reading(cli: Cli, clouds: Clouds, provider: str, row: int) -> None:
    ready(clouds, READINGS[row])
    before = contents(clouds)
    assert words(cli, provider) == {"ready"}
    check_only_looked(clouds)
    done = create(cli, provider)
    assert done.code == 0, done
    assert contents(clouds) == before
    assert changes(clouds, provider) == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("row", [1, 2, 3])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_missing_is_made_once_and_nothing_taken(
    cli: Cli, clouds: Clouds, provider: str, row: int, state: Callable[[Clouds, str], None]
) -> None:
    ready(clouds, {**READINGS[row], "RAM": {**READINGS[row].get("RAM", {}), "empty lists": EMPTY[row - 1]}})
    state(clouds, provider)
    before = granted(clouds)
    assert words(cli, provider) == {STATES[state]}
    assert granted(clouds) == before
    done = create(cli, provider)
    assert (done.code, {role["state"] for role in done.json["roles"]}) == (0, {"ready"}), done
    assert all(role["done"] for role in done.json["roles"])
    made = changes(clouds, provider)
    check_nothing_is_taken(clouds, provider, before)
    assert made.count("CreateRole") <= len(ROLES[provider])
    assert create(cli, provider).code == 0
    assert changes(clouds, provider) == made, "the second time there is nothing left to do"


def check_nothing_is_taken(clouds: Clouds, provider: str, before: Any) -> None:
    """Every policy as it was, every grant still there, and everybody who was trusted is."""
    roles = before[PROVIDERS.index(provider)]
    policies = before[2 + PROVIDERS.index(provider)]
    now = service(clouds, provider)
    assert {key: now.policies[key] for key in policies} == policies
    for name, (trust, attached) in roles.items():
        assert trusted({"trust": trust}) <= trusted(now.roles[name])
        assert set(attached) <= set(now.roles[name]["attached"])
    for name in ROLES[provider]:
        assert TRUSTED[provider] in trusted(now.roles[name])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_role_that_does_not_show_at_once(cli: Cli, clouds: Clouds, provider: str) -> None:
    ready(clouds, {"CAM": {"lag": 2}, "RAM": {"lag": 2}})
    gone(clouds, provider)
    done = create(cli, provider)
    assert (done.code, {role["state"] for role in done.json["roles"]}) == (0, {"ready"}), done
    assert changes(clouds, provider).count("CreateRole") == len(ROLES[provider])


@pytest.mark.parametrize("call", ["GetRole", "policies", "all"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_nobody_may_see_is_kept(cli: Cli, clouds: Clouds, provider: str, call: str) -> None:
    """Roles that are there but may not be looked at: creating them again changes nothing about them."""
    looks = {"GetRole": ("GetRole",), "policies": ("ListAttachedRolePolicies", "ListPoliciesForRole")}
    closed = looks.get(call, (*looks["GetRole"], *looks["policies"]))
    ready(clouds)
    service(clouds, provider).ways["closed"] = dict.fromkeys(
        closed, "NoPermission" if provider == "alibaba" else "UnauthorizedOperation")  # fmt: skip
    before = granted(clouds)
    assert words(cli, provider) == {"unknown"}
    done = create(cli, provider)
    assert done.code == 0, done
    check_nothing_is_taken(clouds, provider, before)
    assert list(service(clouds, provider).roles) == list(ROLES[provider])


@pytest.mark.parametrize(("provider", "code"), [
    ("tencent", "UnauthorizedOperation"), ("tencent", "AuthFailure.UnauthorizedOperation"),
    ("alibaba", "NoPermission"), ("alibaba", "Forbidden.RAM"),
])  # fmt: skip
def test_what_may_not_be_made_says_so(cli: Cli, clouds: Clouds, provider: str, code: str) -> None:
    ready(clouds, {"RAM": {"detail": 1}})
    gone(clouds, provider)
    service(clouds, provider).ways["closed"] = {"CreateRole": code}
    done = create(cli, provider)
    assert (done.code, done.error["code"]) == (3, code), done
    assert service(clouds, provider).roles == {}


@pytest.mark.parametrize("how", CUT)
@pytest.mark.parametrize("call", ["CreateRole", "CreatePolicy", "attach"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_that_is_lost(cli: Cli, clouds: Clouds, provider: str, call: str, how: str) -> None:
    """The command ends with what happened; run again it finds what was made, and makes the rest."""
    attach = {"tencent": "AttachRolePolicy", "alibaba": "AttachPolicyToRole"}[provider]
    ready(clouds)
    gone(clouds, provider)
    service(clouds, provider).spoil(attach if call == "attach" else call, how)
    done = create(cli, provider)
    assert done.code in {0, 1}, done
    done = create(cli, provider)
    assert (done.code, {role["state"] for role in done.json["roles"]}) == (0, {"ready"}), done
    assert list(service(clouds, provider).roles) == list(ROLES[provider])
    attached = [policy for role in service(clouds, provider).roles.values() for policy in role["attached"]]
    assert len(attached) == len(set(attached))


def test_a_denial_in_the_trust_is_left_to_the_operator(cli: Cli, clouds: Clouds) -> None:
    ready(clouds)
    denied = ram.trust("ecs.aliyuncs.com")
    denied["Statement"].append({**denied["Statement"][0], "Effect": "Deny"})
    clouds.ram.role(ram.EXPORT_ROLE, trusts=denied)
    before = granted(clouds)
    done = create(cli, "alibaba")
    assert done.code == 4, done
    assert granted(clouds) == before


def test_ecm_needs_no_roles(cli: Cli, clouds: Clouds) -> None:
    ready(clouds)
    assert show(cli, "ecm") == []
    assert create(cli, "ecm").json["roles"] == []
    assert clouds.cam.asked == []
