"""Service roles in RAM: how they are found, what they lack, and creating exactly that."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from imgmove.clouds.alibaba import cloud
from imgmove.clouds.alibaba.service_roles import EXPORT_ROLE, IMPORT_ROLE, TRUST_POLICY
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import AccountInspector, RoleState, ServiceRole
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from tests.clouds.alibaba.harness import ACCOUNT, limited, settings_for
from tests.clouds.alibaba.scripted import Asked, Reply, ScriptedServer, ok, refuse

CUSTOM = replace(EXPORT_ROLE, name="my-export", policy_name="my-policy", policy_is_system=False)


@pytest.fixture
def inspector(settings: Settings, server: ScriptedServer) -> AccountInspector:
    return cloud.inspector(replace(settings, endpoints={**settings.endpoints, "RAM": server.url}))


@pytest.fixture
def live(sandbox: Sandbox, tmp_path: Path) -> AccountInspector:
    """The account in the sandbox."""
    return cloud.inspector(settings_for(sandbox, tmp_path))


def allowing(*actions: str, resource: Any = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "1", "Statement": [statement]})


def script(
    server: ScriptedServer, *, trust: Any = TRUST_POLICY, policies: dict[str, Any] | None = None, type_: str = "Custom",
) -> None:  # fmt: skip
    """A role with these policies, by name; None for a document that nobody may read."""
    held = policies or {}
    server.on("GetRole", ok(Role={"RoleName": "r", "AssumeRolePolicyDocument": trust}))
    listed = [{"PolicyName": name, "PolicyType": type_, "DefaultVersion": "v3"} for name in held]
    server.on("ListPoliciesForRole", ok(Policies={"Policy": listed}))

    def policy(asked: Asked) -> Reply:
        document = held[asked.query["PolicyName"]]
        if document is None:
            return refuse("NoPermission", status=403)
        return ok(Policy={"DefaultVersion": "v3"}, DefaultPolicyVersion={"PolicyDocument": document})

    server.on("GetPolicy", policy)
    server.on("GetPolicyVersion", refuse("NoPermission", status=403))


# --------------------------------------------------------------------------------------------------- what it needs


def test_the_roles_of_export_and_import(inspector: AccountInspector) -> None:
    export, import_ = inspector.service_roles("alibaba", {})
    assert (export.operation, export.name) == (Operation.EXPORT, "AliyunECSImageExportDefaultRole")
    assert (import_.operation, import_.name) == (Operation.IMPORT, "AliyunECSImageImportDefaultRole")
    assert (export.policy_name, import_.policy_name) == (
        "AliyunECSImageExportRolePolicy", "AliyunECSImageImportRolePolicy",
    )  # fmt: skip
    for role in (export, import_):
        assert role.is_confirmed
        assert role.policy_is_system
        assert role.spread_seconds == 60
        assert role.trusted_service in role.trust_policy
        assert role.console
        assert set(json.loads(role.policy)["Statement"][0]["Action"]) == set(role.needed_actions)


def test_an_own_name_is_taken_and_not_vouched_for(inspector: AccountInspector) -> None:
    export, import_ = inspector.service_roles("alibaba", {Operation.EXPORT: "mine", Operation.IMPORT: IMPORT_ROLE.name})
    assert (export.name, export.is_confirmed) == ("mine", False)
    assert (import_.name, import_.is_confirmed) == (IMPORT_ROLE.name, True)


# ---------------------------------------------------------------------------------------------------------- state


def test_a_role_that_is_not_there(server: ScriptedServer, inspector: AccountInspector) -> None:
    server.on("GetRole", refuse("EntityNotExist.Role", status=404))
    assert inspector.role_state(EXPORT_ROLE) == RoleState(exists=False)
    assert server.asked[0].headers["x-acs-version"] == "2015-05-01"
    assert server.asked[0].query == {"RoleName": EXPORT_ROLE.name}


@pytest.mark.parametrize(
    "refusal",
    [
        refuse("NoPermission", status=403), refuse("InvalidAction.NotFound", status=404),
        refuse("Something.NotFound", status=404), refuse("Forbidden.RAM", status=403),
    ],
)  # fmt: skip
def test_a_role_that_nobody_may_look_at(server: ScriptedServer, inspector: AccountInspector, refusal: Reply) -> None:
    server.on("GetRole", refusal)
    with pytest.raises(ImgmoveError) as caught:
        inspector.role_state(EXPORT_ROLE)
    assert caught.value.kind is Kind.DENIED
    assert caught.value.request_id == "R-ERR"


def test_troubles_are_no_verdict(server: ScriptedServer, inspector: AccountInspector) -> None:
    for answer in (ok(), ok(Role=None), refuse("InternalError", status=500), refuse("Throttling.User")):
        server.on("GetRole", answer)
        with pytest.raises(ImgmoveError) as caught:
            inspector.role_state(EXPORT_ROLE)
        assert caught.value.is_passing


@pytest.mark.parametrize(
    ("trust", "trusts", "services"),
    [
        (TRUST_POLICY, True, ("ecs.aliyuncs.com",)),
        (quote(TRUST_POLICY), True, ("ecs.aliyuncs.com",)),
        (json.loads(TRUST_POLICY), True, ("ecs.aliyuncs.com",)),
        (TRUST_POLICY.replace("ecs.", "rds."), False, ("rds.aliyuncs.com",)),
        (TRUST_POLICY.replace("Allow", "Deny"), False, ()),
        (None, None, ()),
        ("no document", None, ()),
    ],
)
def test_whom_it_trusts(
    server: ScriptedServer, inspector: AccountInspector, trust: Any, trusts: bool | None, services: tuple[str, ...]
) -> None:
    script(server, trust=trust, policies={"p": allowing("oss:*")})
    state = inspector.role_state(EXPORT_ROLE)
    assert (state.trusts, state.trusted_services) == (trusts, services)


def test_what_it_lacks(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, policies={"reads": allowing("oss:Get*"), "writes": quote(allowing("oss:Put*"))})
    state = inspector.role_state(EXPORT_ROLE)
    assert state.attached == ("reads", "writes")
    assert state.missing_actions == (
        "oss:DeleteObject", "oss:AbortMultipartUpload", "oss:ListMultipartUploads", "oss:ListParts",
    )  # fmt: skip
    assert inspector.role_state(IMPORT_ROLE).missing_actions == ()
    script(server)
    assert inspector.role_state(IMPORT_ROLE).missing_actions == IMPORT_ROLE.needed_actions


def test_rights_on_the_bucket_that_is_used(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, policies={"p": allowing("oss:*", resource=["acs:oss:*:*:stage", "acs:oss:*:*:stage/*"])})
    assert inspector.role_state(EXPORT_ROLE).missing_actions == ()
    assert inspector.role_state(replace(EXPORT_ROLE, buckets=("stage",))).missing_actions == ()
    other = replace(EXPORT_ROLE, buckets=("stage", "other"))
    assert inspector.role_state(other).missing_actions == EXPORT_ROLE.needed_actions


def test_a_denial_counts(server: ScriptedServer, inspector: AccountInspector) -> None:
    denial = {"Effect": "Deny", "Action": "oss:Put*", "Resource": "*"}
    script(server, policies={"all": allowing("*"), "deny": json.dumps({"Statement": [denial]})})
    assert inspector.role_state(EXPORT_ROLE).missing_actions == ("oss:PutObject",)


def test_the_vendors_own_policies_count_by_name_where_nobody_may_read_them(
    server: ScriptedServer, inspector: AccountInspector
) -> None:
    for name in (EXPORT_ROLE.policy_name, "AliyunOSSFullAccess", "AdministratorAccess"):
        script(server, policies={name: None}, type_="System")
        assert inspector.role_state(EXPORT_ROLE).missing_actions == ()
    script(server, policies={"AliyunOSSReadOnlyAccess": None}, type_="System")
    assert inspector.role_state(IMPORT_ROLE).missing_actions == ()
    lacking = inspector.role_state(EXPORT_ROLE).missing_actions
    assert lacking is not None
    assert "oss:PutObject" in lacking


def test_a_policy_that_nobody_may_read_leaves_it_open(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, policies={"secret": None, "reads": allowing("oss:Get*")})
    assert inspector.role_state(EXPORT_ROLE).missing_actions is None
    assert inspector.role_state(IMPORT_ROLE).missing_actions == ()
    script(server, policies={"AliyunOSSFullAccess": None})  # a namesake of the account's own
    assert inspector.role_state(EXPORT_ROLE).missing_actions is None


def test_documents_by_the_version(server: ScriptedServer, inspector: AccountInspector) -> None:
    for answer in (refuse("NoPermission", status=403), refuse("InvalidAction.NotFound", status=404),
                   ok(Policy={"DefaultVersion": "v3"}), ok(Policy=None, DefaultPolicyVersion=None)):  # fmt: skip
        script(server, policies={"p": None})
        server.on("GetPolicy", answer)
        server.on("GetPolicyVersion", ok(PolicyVersion={"PolicyDocument": allowing("oss:*")}))
        assert inspector.role_state(EXPORT_ROLE).missing_actions == ()
        assert server.calls("GetPolicyVersion")[-1] == {"PolicyType": "Custom", "PolicyName": "p", "VersionId": "v3"}
    script(server, policies={"p": None})
    server.on("GetPolicy", ok(Policy={"PolicyDocument": allowing("oss:*")}))
    assert inspector.role_state(EXPORT_ROLE).missing_actions == ()


@pytest.mark.parametrize("answer", [refuse("NoPermission", status=403), refuse("InvalidAction.NotFound", status=404)])
def test_attachments_that_nobody_may_list(server: ScriptedServer, inspector: AccountInspector, answer: Reply) -> None:
    script(server)
    server.on("ListPoliciesForRole", answer)
    assert inspector.role_state(EXPORT_ROLE) == RoleState(True, True, None, None, ("ecs.aliyuncs.com",))


def test_lists_in_every_form(server: ScriptedServer, inspector: AccountInspector) -> None:
    first, second = ({"PolicyName": name, "PolicyType": "System"} for name in ("AliyunOSSFullAccess", "Other"))
    script(server)
    server.on("GetPolicy", refuse("NoPermission", status=403))
    server.on("ListPoliciesForRole", ok(Policies=[first]))
    assert inspector.role_state(EXPORT_ROLE).attached == ("AliyunOSSFullAccess",)
    server.on(
        "ListPoliciesForRole", ok(Policies={"Policy": [second]}, IsTruncated=True, Marker="m"),
        ok(Policies={"Policy": [first]}, IsTruncated=True, Marker="m"),
    )  # fmt: skip
    state = inspector.role_state(EXPORT_ROLE)
    assert (state.attached, state.missing_actions) == (("Other", "AliyunOSSFullAccess"), ())
    for answer in (ok(), ok(Policies=None), ok(Policies={}), ok(Policies={"Policy": None})):
        server.on("ListPoliciesForRole", answer)
        assert inspector.role_state(EXPORT_ROLE).attached == ()


# ------------------------------------------------------------------------------------------------------- creating


def changes(server: ScriptedServer) -> list[str]:
    return [asked.action for asked in server.asked if not asked.action.startswith(("Get", "List"))]


def test_a_role_is_created_whole(server: ScriptedServer, inspector: AccountInspector) -> None:
    server.on("GetRole", refuse("EntityNotExist.Role", status=404))
    server.on("CreateRole", ok(Role={}))
    server.on("ListPoliciesForRole", ok(Policies={"Policy": []}))
    server.on("AttachPolicyToRole", ok())
    done = inspector.create_role(EXPORT_ROLE)
    assert changes(server) == ["CreateRole", "AttachPolicyToRole"]
    (created,) = server.calls("CreateRole")
    assert created["RoleName"] == EXPORT_ROLE.name
    assert json.loads(created["AssumeRolePolicyDocument"]) == json.loads(TRUST_POLICY)
    assert server.calls("AttachPolicyToRole") == [
        {"PolicyType": "System", "PolicyName": EXPORT_ROLE.policy_name, "RoleName": EXPORT_ROLE.name}
    ]
    assert [EXPORT_ROLE.name in words for words in done] == [True, True]
    assert EXPORT_ROLE.policy_name in done[1]


def test_what_is_there_already_is_kept(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, policies={EXPORT_ROLE.policy_name: None}, type_="System")
    assert inspector.create_role(EXPORT_ROLE) == []
    script(server, policies={"everything": allowing("oss:*")})
    assert inspector.create_role(EXPORT_ROLE) == []
    assert changes(server) == []


def test_what_somebody_else_made_meanwhile_is_kept(server: ScriptedServer, inspector: AccountInspector) -> None:
    server.on("GetRole", refuse("EntityNotExist.Role", status=404))
    server.on("CreateRole", refuse("EntityAlreadyExists.Role", status=409))
    server.on("ListPoliciesForRole", refuse("NoPermission", status=403))
    server.on("CreatePolicy", refuse("EntityAlreadyExists.Policy", status=409))
    server.on("AttachPolicyToRole", refuse("EntityAlreadyExists.Role.Policy", status=409))
    assert inspector.create_role(CUSTOM) == []
    assert changes(server) == ["CreateRole", "CreatePolicy", "AttachPolicyToRole"]


def test_an_own_policy_is_created_before_it_is_attached(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server)
    server.on("CreatePolicy", ok())
    server.on("AttachPolicyToRole", ok())
    done = inspector.create_role(CUSTOM)
    assert changes(server) == ["CreatePolicy", "AttachPolicyToRole"]
    (created,) = server.calls("CreatePolicy")
    assert (created["PolicyName"], json.loads(created["PolicyDocument"])) == ("my-policy", json.loads(CUSTOM.policy))
    assert server.calls("AttachPolicyToRole")[0]["PolicyType"] == "Custom"
    assert len(done) == 2


def test_trust_is_added_and_none_taken(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, trust=TRUST_POLICY.replace("ecs.", "rds."), policies={"p": allowing("oss:*")})
    server.on("UpdateRole", ok(Role={}))
    (words,) = inspector.create_role(EXPORT_ROLE)
    assert "ecs.aliyuncs.com" in words
    (updated,) = server.calls("UpdateRole")
    services = [
        entry["Principal"]["Service"] for entry in json.loads(updated["NewAssumeRolePolicyDocument"])["Statement"]
    ]
    assert services == [["rds.aliyuncs.com"], ["ecs.aliyuncs.com"]]
    assert set(updated) == {"RoleName", "NewAssumeRolePolicyDocument"}


def test_a_trust_that_is_denied_is_left_to_the_operator(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, trust=TRUST_POLICY.replace("Allow", "Deny"))
    with pytest.raises(ImgmoveError) as caught:
        inspector.create_role(EXPORT_ROLE)
    assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "TrustDenied")
    assert changes(server) == []


def test_a_trust_that_nobody_can_read_stays(server: ScriptedServer, inspector: AccountInspector) -> None:
    script(server, trust=None, policies={"p": allowing("oss:*")})
    (words,) = inspector.create_role(EXPORT_ROLE)
    assert "cannot be read" in words
    assert changes(server) == []


@pytest.mark.parametrize("action", ["CreateRole", "AttachPolicyToRole"])
def test_what_may_not_be_created_says_what_to_grant(
    server: ScriptedServer, inspector: AccountInspector, action: str
) -> None:
    server.on("GetRole", refuse("NoPermission", status=403))
    server.on("ListPoliciesForRole", refuse("NoPermission", status=403))
    for each in ("CreateRole", "AttachPolicyToRole"):
        server.on(each, ok())
    server.on(action, refuse("NoPermission", status=403, AccessDeniedDetail={"AuthAction": f"ram:{action}"}))
    with pytest.raises(ImgmoveError) as caught:
        inspector.create_role(EXPORT_ROLE)
    assert caught.value.kind is Kind.DENIED
    assert f"ram:{action}" in caught.value.hint


# -------------------------------------------------------------------------------------------------------- sandbox


def test_the_sandboxs_roles_are_whole(live: AccountInspector) -> None:
    for role in live.service_roles("alibaba", {}):
        assert live.role_state(role) == RoleState(True, True, (role.policy_name,), (), ("ecs.aliyuncs.com",))
        assert live.create_role(role) == []


def drop(sandbox: Sandbox, name: str) -> None:
    with sandbox.world.lock:
        sandbox.world.accounts.delete_role("alibaba", ACCOUNT, name)


def detach(sandbox: Sandbox, name: str) -> None:
    with sandbox.world.lock:
        role = sandbox.world.accounts.role("alibaba", ACCOUNT, name)
        assert role is not None
        for policy in list(role.policies):
            sandbox.world.accounts.detach_policy(role, policy)


@pytest.mark.parametrize(
    ("spoil", "seen", "steps"),
    [
        (drop, RoleState(exists=False), 2),
        (detach, RoleState(True, True, (), EXPORT_ROLE.needed_actions, ("ecs.aliyuncs.com",)), 1),
    ],
)
def test_what_the_sandbox_lacks_is_seen_and_created(
    sandbox: Sandbox, live: AccountInspector, spoil: Callable[[Sandbox, str], None], seen: RoleState, steps: int
) -> None:
    spoil(sandbox, EXPORT_ROLE.name)
    assert live.role_state(EXPORT_ROLE) == seen
    assert len(live.create_role(EXPORT_ROLE)) == steps
    state = live.role_state(EXPORT_ROLE)
    assert (state.exists, state.trusts, state.missing_actions) == (True, True, ())
    assert live.create_role(EXPORT_ROLE) == []


def test_a_role_and_policy_of_ones_own_in_the_sandbox(live: AccountInspector) -> None:
    own: ServiceRole = replace(CUSTOM, buckets=("imgmove-hz",))
    assert live.role_state(own) == RoleState(exists=False)
    assert len(live.create_role(own)) == 3
    assert live.role_state(own) == RoleState(True, True, ("my-policy",), (), ("ecs.aliyuncs.com",))


def test_a_user_of_the_sandbox_who_may_not_look(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path)
    blind = cloud.inspector(limited(sandbox, settings, "oss:*"))
    assert blind.identity().kind == "user"
    for call in (lambda: blind.role_state(EXPORT_ROLE), lambda: blind.create_role(IMPORT_ROLE)):
        with pytest.raises(ImgmoveError) as caught:
            call()
        assert caught.value.kind is Kind.DENIED
        assert "ram:" in caught.value.hint


def test_a_user_of_the_sandbox_who_sees_the_role_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = limited(sandbox, settings_for(sandbox, tmp_path), "ram:GetRole", "ram:ListPoliciesForRole")
    state = cloud.inspector(settings).role_state(EXPORT_ROLE)
    assert state == RoleState(True, True, (EXPORT_ROLE.policy_name,), (), ("ecs.aliyuncs.com",))
