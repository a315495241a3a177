"""The service role in CAM: how it is found, what is not told apart lightly, and creating what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from imgmove.clouds.tencent import cloud
from imgmove.clouds.tencent.service_roles import EXPORT_ACTIONS, EXPORT_POLICY, EXPORT_ROLE
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import AccountInspector, RoleState, ServiceRole
from imgmove.core.settings import Settings
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, html, ok, refuse
from tests.clouds.tencent.test_cam_policy import TRUST, allow, deny, of, policy

CVM_TRUST = {**TRUST, "principal": {"service": "cvm.qcloud.com"}}
OTHER_TRUST = {**TRUST, "principal": {"service": "scf.qcloud.com"}}
DENIED = "AuthFailure.UnauthorizedOperation"
READS = {"GetRole", "ListAttachedRolePolicies", "GetPolicy"}


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


@pytest.fixture
def inspector(settings: Settings) -> AccountInspector:
    return cloud.inspector(settings)


@pytest.fixture
def role(inspector: AccountInspector) -> ServiceRole:
    return inspector.service_roles("tencent", {})[0]


def has_role(server: ScriptedServer, trust: str = policy(CVM_TRUST), /, **policies: str | Reply) -> None:
    """CAM with the role, and its policies: names and documents, or the answer to GetPolicy."""
    server.on("GetRole", ok(RoleInfo={"RoleId": "461", "RoleName": EXPORT_ROLE, "PolicyDocument": trust}))
    attached = [{"PolicyId": number, "PolicyName": name, "PolicyType": "QCS" if name.startswith("Q") else "User"}
                for number, name in enumerate(policies)]  # fmt: skip
    server.on("ListAttachedRolePolicies", ok(List=attached, TotalNum=len(attached)))
    given = list(policies.values())

    def shown(asked: Asked) -> Reply:
        found = given[asked.parameters["PolicyId"]]
        return found if isinstance(found, Reply) else ok(PolicyDocument=found)

    server.on("GetPolicy", shown)


# -------------------------------------------------------------------------------------------------------- looking


def test_a_role_as_it_should_be(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    has_role(server, export=role.policy)
    assert inspector.role_state(role) == RoleState(True, True, ("export",), (), ("cvm.qcloud.com",))
    assert {asked.action for asked in server.asked} == READS
    assert {asked.headers["x-tc-version"] for asked in server.asked} == {"2019-01-16"}
    assert server.calls("GetRole") == [{"RoleName": EXPORT_ROLE}]
    assert server.calls("ListAttachedRolePolicies") == [{"RoleName": EXPORT_ROLE, "Page": 1, "Rp": 200}]


def test_documents_may_be_url_encoded(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    has_role(server, quote(role.trust_policy, safe=""), export=quote(role.policy))
    state = inspector.role_state(role)
    assert (state.trusts, state.missing_actions) == (True, ())


def test_a_role_that_is_not_there(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    server.on("GetRole", refuse("InvalidParameter.RoleNotExist"))
    assert inspector.role_state(role) == RoleState(exists=False)


@pytest.mark.parametrize(
    "code", [DENIED, "UnauthorizedOperation", "InvalidAction", "UnknownAction", "NoSuchVersion", "ActionOffline"]
)
def test_where_we_may_not_look(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer, code: str
) -> None:
    server.on("GetRole", refuse(code))
    error = fails(lambda: inspector.role_state(role))
    assert (error.kind, error.code) == (Kind.DENIED, code)


def test_a_cam_in_trouble_is_asked_again_by_others(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    for reply, kind in ((html(), Kind.UNAVAILABLE), (refuse("RequestLimitExceeded"), Kind.THROTTLED),
                        (ok(RoleInfo=None), Kind.UNAVAILABLE)):  # fmt: skip
        server.on("GetRole", reply)
        before = len(server.asked)
        assert fails(lambda: inspector.role_state(role)).kind is kind
        assert len(server.asked) == before + 1


@pytest.mark.parametrize(("trust", "trusts", "services"), [
    (policy(OTHER_TRUST), False, ("scf.qcloud.com",)),
    (policy(OTHER_TRUST, CVM_TRUST), True, ("scf.qcloud.com", "cvm.qcloud.com")),
    (policy({**TRUST, "principal": {"qcs": ["qcs::cam::uin/1:root"]}}), False, ()), ("", None, ()), ("?", None, ()),
])  # fmt: skip
def test_whom_it_trusts(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer, trust: str, trusts: bool | None,
    services: tuple[str, ...],
) -> None:  # fmt: skip
    has_role(server, trust, export=role.policy)
    state = inspector.role_state(role)
    assert (state.trusts, state.trusted_services) == (trusts, services)


def test_what_it_lacks(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    has_role(server)
    assert inspector.role_state(role).missing_actions == EXPORT_ACTIONS
    has_role(server, most=policy(allow("cos:*"), deny("cos:PutObject")), other=policy(allow("cvm:*")))
    state = inspector.role_state(role)
    assert (state.missing_actions, state.attached) == (("name/cos:PutObject",), ("most", "other"))


def test_on_which_buckets(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    has_role(server, one=policy(allow("cos:*", of("a-125"))))
    for buckets, missing in (
        ((), ()),
        (("a-125",), ()),
        (("b-125",), EXPORT_ACTIONS),
        (("a-125", "b-125"), EXPORT_ACTIONS),
    ):
        assert inspector.role_state(replace(role, buckets=buckets)).missing_actions == missing


@pytest.mark.parametrize(
    "closed", [refuse(DENIED), refuse("InvalidAction"), refuse("ResourceNotFound.PolicyIdNotFound"), ok()]
)
def test_presets_count_by_their_names_where_they_may_not_be_read(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer, closed: Reply
) -> None:
    for name in ("QcloudCOSFullAccess", "QcloudCOSDataFullControl"):
        has_role(server, **{name: closed})
        assert inspector.role_state(role).missing_actions == ()
    has_role(server, QcloudCOSDataWriteOnly=closed)
    assert inspector.role_state(role).missing_actions == ("name/cos:HeadBucket", "name/cos:GetBucket")


def test_what_nobody_shows_us_may_allow_anything(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    has_role(server, secret=refuse(DENIED))
    assert inspector.role_state(role).missing_actions is None
    has_role(server, secret=refuse(DENIED), open=policy(allow("*")))
    assert inspector.role_state(role).missing_actions == ()
    # a policy of one's own is none of the vendor's, whatever it is called
    attached = [{"PolicyId": 1, "PolicyName": "QcloudCOSFullAccess", "PolicyType": "User"}]
    server.on("ListAttachedRolePolicies", ok(List=attached, TotalNum=1))
    server.on("GetPolicy", refuse(DENIED))
    assert inspector.role_state(role).missing_actions is None


def test_a_list_of_policies_that_is_closed(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    has_role(server)
    for code in (DENIED, "InvalidAction", "InvalidParameter.RoleNotExist"):
        server.on("ListAttachedRolePolicies", refuse(code))
        state = inspector.role_state(role)
        assert (state.exists, state.trusts, state.attached, state.missing_actions) == (True, True, None, None)


def test_all_pages_of_policies(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    has_role(server, a=policy(allow("cvm:*")), b=role.policy)
    pages = [ok(List=[{"PolicyId": number, "PolicyName": name}], TotalNum=2) for number, name in enumerate("ab")]
    server.on("ListAttachedRolePolicies", *pages)
    assert inspector.role_state(role).attached == ("a", "b")
    assert [call["Page"] for call in server.calls("ListAttachedRolePolicies")] == [1, 2]
    server.on("ListAttachedRolePolicies", ok(List=[], TotalNum=9))
    assert inspector.role_state(role).attached == ()


# ------------------------------------------------------------------------------------------------------- creating


def makes(server: ScriptedServer, **answers: Reply) -> None:
    """CAM's calls that change something."""
    for action in ("CreateRole", "CreatePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy"):
        server.on(action, answers.get(action, ok()))


def changes(server: ScriptedServer) -> list[tuple[str, dict[str, Any]]]:
    return [(asked.action, asked.parameters) for asked in server.asked if asked.action not in READS]


def test_creating_it_all(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    makes(server)
    server.on("ListAttachedRolePolicies", refuse("InvalidParameter.RoleNotExist"), ok(List=[], TotalNum=0))
    for _ in ("not seen everywhere yet", "seen"):
        server.asked.clear()
        done = inspector.create_role(role)
        assert changes(server) == [
            ("CreateRole", {"RoleName": EXPORT_ROLE, "PolicyDocument": role.trust_policy, "Description": role.description}),
            ("CreatePolicy", {"PolicyName": EXPORT_POLICY, "PolicyDocument": role.policy, "Description": role.description}),
            ("AttachRolePolicy", {"AttachRoleName": EXPORT_ROLE, "PolicyName": EXPORT_POLICY}),
        ]  # fmt: skip
        assert len(done) == 3


EXISTS = {
    "CreateRole": refuse("InvalidParameter.RoleNameInUse"), "CreatePolicy": refuse("FailedOperation.PolicyNameInUse"),
}  # fmt: skip


def test_what_is_there_is_kept(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    makes(server, **EXISTS)
    has_role(server)
    assert len(inspector.create_role(role)) == 3
    assert [action for action, _ in changes(server)] == ["CreateRole", "CreatePolicy", "AttachRolePolicy"]


def test_a_role_that_lacks_nothing_is_let_alone(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    makes(server, **EXISTS)
    has_role(server, QcloudCOSFullAccess=policy(allow("cos:*")))
    done = inspector.create_role(role)
    assert [action for action, _ in changes(server)] == ["CreateRole"]
    assert "QcloudCOSFullAccess" in done[-1]


def test_a_right_on_one_bucket_is_not_one_on_all(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    makes(server, **EXISTS)
    has_role(server, one=policy(allow("cos:*", of("a-125"))))
    inspector.create_role(replace(role, buckets=("a-125",)))
    assert [action for action, _ in changes(server)] == ["CreateRole"]
    inspector.create_role(role)
    assert [action for action, _ in changes(server)][-1] == "AttachRolePolicy"


def test_a_policy_that_is_attached_is_not_attached_again(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    makes(server, **EXISTS)
    has_role(server, **{EXPORT_POLICY: policy(allow("cos:PutObject"))})
    assert "already" in inspector.create_role(role)[-1]
    assert [action for action, _ in changes(server)] == ["CreateRole", "CreatePolicy"]


def test_trust_is_added_to_what_is_there(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    makes(server, **EXISTS)
    has_role(server, quote(policy(OTHER_TRUST)), export=role.policy)
    done = inspector.create_role(role)
    (call,) = server.calls("UpdateAssumeRolePolicy")
    assert call["RoleName"] == EXPORT_ROLE
    assert json.loads(call["PolicyDocument"])["statement"] == [
        OTHER_TRUST,
        json.loads(role.trust_policy)["statement"][0],
    ]
    assert any("beside those who could before" in text for text in done)


def test_trust_that_cannot_be_seen_is_not_touched(
    inspector: AccountInspector, role: ServiceRole, server: ScriptedServer
) -> None:
    makes(server, **EXISTS)
    has_role(server, "?", export=role.policy)
    assert any("see to it in the CAM console" in text for text in inspector.create_role(role))
    server.on("GetRole", refuse(DENIED))
    assert any("see to it in the CAM console" in text for text in inspector.create_role(role))
    assert server.calls("UpdateAssumeRolePolicy") == []


def test_a_refusal_and_a_lost_answer(inspector: AccountInspector, role: ServiceRole, server: ScriptedServer) -> None:
    makes(server, CreateRole=refuse(DENIED))
    error = fails(lambda: inspector.create_role(role))
    assert (error.kind, error.maybe_applied) == (Kind.DENIED, False)
    makes(server, CreateRole=Reply(hang_up=True))
    error = fails(lambda: inspector.create_role(role))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, True)
    makes(server, CreateRole=refuse("InvalidParameter.RoleFull"))
    assert fails(lambda: inspector.create_role(role)).exit_code == 5
