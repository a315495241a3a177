"""The account and its buckets as the sandbox has them: what is looked at is what is there, and nothing is left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imgmove.clouds.tencent import cloud
from imgmove.clouds.tencent.service_roles import EXPORT_ACTIONS, EXPORT_POLICY
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import AccountInspector, LifecycleRule, Quota, ServiceRole
from imgmove.core.requests import ExportRequest, Operation
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Key, Policy
from imgmove.sandbox.world.lifecycle_rules import LifecycleRule as SetRule
from imgmove.sandbox.world.lifecycle_rules import Transition
from tests.clouds.tencent.rehearsal import BUCKET, REGION, UIN, settings_for
from tests.clouds.tencent.test_cam_policy import TRUST, allow, policy

SHANGHAI = "imgmove-sh-1250000000"
LIMITED = "AKIDsandboxlimited0000000000000000001"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.world.tencent.settings.rate_limits = False
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return settings_for(sandbox, tmp_path)


@pytest.fixture
def inspector(settings: Settings) -> AccountInspector:
    return cloud.inspector(settings)


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def limited(sandbox: Sandbox, settings: Settings, *actions: str) -> Settings:
    """A user's key that may do no more than these actions."""
    accounts = sandbox.world.accounts
    document = policy(allow(list(actions) or ["cvm:DescribeRegions"]))
    accounts.add_policy("tencent", UIN, Policy("limited", document, policy_id="77"))
    accounts.add_key(Key("tencent", LIMITED, "s", UIN, f"qcs::cam:{UIN}:uin/200000000009", policies=["limited"]))
    return replace(settings, environment={"TENCENTCLOUD_SECRET_ID": LIMITED, "TENCENTCLOUD_SECRET_KEY": "s"})


# ---------------------------------------------------------------------------------------------------- who we are


def test_the_account_itself(inspector: AccountInspector) -> None:
    found = inspector.identity()
    assert (found.account_id, found.app_id, found.is_temporary) == (UIN, "1250000000", False)
    assert found.principal.endswith(f"uin/{UIN}")
    assert found.key_id == "AKID…0001"
    assert abs(inspector.clock_skew_seconds() or 0) < 5
    assert {item.reach for item in inspector.endpoints("tencent", REGION)} == {"loopback"}


def test_a_clock_that_is_wrong(inspector: AccountInspector, settings: Settings) -> None:
    wrong = cloud.inspector(replace(settings, now=lambda: time.time() + 3600))
    wrong.identity()  # the SDK signs by the machine's own clock
    assert -3605 < (wrong.clock_skew_seconds() or 0) < -3595


def test_an_unknown_key(settings: Settings) -> None:
    wrong = cloud.inspector(replace(settings, environment={**settings.environment, "TENCENTCLOUD_SECRET_ID": "AKIDx"}))
    assert fails(wrong.identity).kind is Kind.DENIED
    assert wrong.clock_skew_seconds() is not None


def test_a_user_that_may_do_little(sandbox: Sandbox, settings: Settings) -> None:
    inspector = cloud.inspector(limited(sandbox, settings))
    found = inspector.identity()
    assert (found.account_id, found.app_id) == (UIN, "")
    assert fails(lambda: inspector.image_quota("tencent", REGION)).kind is Kind.DENIED
    (role,) = inspector.service_roles("tencent", {})
    for call in (lambda: inspector.role_state(role), lambda: inspector.create_role(role)):
        assert fails(call).kind is Kind.DENIED


def test_the_quota(inspector: AccountInspector, sandbox: Sandbox) -> None:
    own = {"img-seed0001", "img-seed0002", "img-crypt001", "img-rhel0001", "img-win00001", "img-mkt00002"}
    limit = sandbox.world.tencent.settings.image_quota
    assert inspector.image_quota("tencent", REGION) == Quota(limit, len(own))
    assert inspector.image_quota("tencent", "ap-shanghai") == Quota(limit, 0)


# ------------------------------------------------------------------------------------------------- service roles


def role_of(inspector: AccountInspector, name: str = "") -> ServiceRole:
    return inspector.service_roles("tencent", {Operation.EXPORT: name})[0]


def test_the_role_that_the_console_made(inspector: AccountInspector) -> None:
    state = inspector.role_state(role_of(inspector))
    assert (state.exists, state.trusts, state.missing_actions) == (True, True, ())
    assert state.attached == ("QcloudCOSFullAccess",)
    assert inspector.role_state(replace(role_of(inspector), buckets=(BUCKET,))).missing_actions == ()


def test_a_role_without_rights(inspector: AccountInspector, sandbox: Sandbox) -> None:
    role = role_of(inspector)
    found = sandbox.world.accounts.role("tencent", UIN, role.name)
    assert found is not None
    sandbox.world.accounts.detach_policy(found, "QcloudCOSFullAccess")
    state = inspector.role_state(role)
    assert (state.attached, state.missing_actions) == ((), EXPORT_ACTIONS)


def test_a_role_that_we_make_is_one_that_exports(
    inspector: AccountInspector, sandbox: Sandbox, settings: Settings
) -> None:
    role = role_of(inspector, "mover")
    cvm = cloud.compute("tencent", REGION, settings)
    request = ExportRequest(("img-seed0001",), BUCKET, role_name="mover")
    assert fails(lambda: cvm.check(request, "t")).kind is Kind.DENIED
    assert not inspector.role_state(role).exists
    assert len(inspector.create_role(role)) == 3
    state = inspector.role_state(role)
    assert (state.exists, state.trusts, state.attached, state.missing_actions) == (True, True, (EXPORT_POLICY,), ())
    cvm.check(request, "t")
    inspector.create_role(role)
    assert inspector.role_state(role) == state
    made = sandbox.world.accounts.role("tencent", UIN, "mover")
    assert made is not None
    assert json.loads(made.document) == json.loads(role.trust_policy)


def test_a_role_for_another_service_lets_cvm_in_too(
    inspector: AccountInspector, sandbox: Sandbox, settings: Settings
) -> None:
    role, other = role_of(inspector, "mover"), policy({**TRUST, "principal": {"service": "scf.qcloud.com"}})
    inspector.create_role(replace(role, trust_policy=other))
    state = inspector.role_state(role)
    assert (state.trusts, state.trusted_services) == (False, ("scf.qcloud.com",))
    inspector.create_role(role)
    state = inspector.role_state(role)
    assert (state.trusts, state.trusted_services) == (True, ("scf.qcloud.com", "cvm.qcloud.com"))


# -------------------------------------------------------------------------------------------------------- buckets


def test_a_bucket(settings: Settings) -> None:
    found = CosStore(BUCKET, REGION, settings).survey()
    assert (found.name, found.region, found.acl, found.owner) == (BUCKET, REGION, "private", UIN)
    assert (found.encryption, found.versioning, found.lifecycle, found.may_list) == ("", "", (), True)


def test_a_bucket_of_another_region(settings: Settings) -> None:
    store = CosStore(SHANGHAI, REGION, settings)
    found = store.survey()
    assert (found.region, found.acl, found.may_list) == ("ap-shanghai", "private", True)
    for probe in (store.probe_read, store.probe_write):
        assert fails(lambda probe=probe: probe("x")).kind is not Kind.DENIED  # type: ignore[misc]  # bound now


def test_a_bucket_that_is_not_there(settings: Settings) -> None:
    for region in ("", REGION):
        assert fails(CosStore("nothing-1250000000", region, settings).survey).code == "NoSuchBucket"


def test_a_bucket_with_settings(sandbox: Sandbox, settings: Settings) -> None:
    bucket = sandbox.world.objects.bucket("tencent", BUCKET)
    assert bucket is not None
    bucket.acl, bucket.encryption, bucket.versioning, bucket.multi_az = "public-read", "AES256", "Enabled", True
    bucket.lifecycle = [
        SetRule("tidy", "exports/", expire_days=7, transitions=[Transition("ARCHIVE", 3)], abort_upload_days=1)
    ]
    found = CosStore(BUCKET, REGION, settings).survey()
    assert (found.acl, found.encryption, found.versioning) == ("public-read", "AES256", "enabled")
    assert found.lifecycle == (LifecycleRule("tidy", "exports/", True, 7, 3, "ARCHIVE", 1),)
    assert found.storage_class == "MAZ_STANDARD"


def test_probes_leave_nothing(sandbox: Sandbox, settings: Settings) -> None:
    store = CosStore(BUCKET, REGION, settings)
    store.probe_write("exports/probe")
    store.probe_read("exports/probe")
    assert (list(store.list("")), list(store.uploads(""))) == ([], [])


@pytest.mark.parametrize(("actions", "write", "read", "may_list"), [
    (("cos:*",), True, True, True),
    (("name/cos:UploadPart", "name/cos:GetBucket"), True, False, True),
    (("name/cos:GetObject", "name/cos:HeadObject"), False, True, False),
    (("name/cos:GetObject",), False, False, False),
    (("name/cos:PutObject",), False, False, False),
])  # fmt: skip
def test_what_a_users_key_may_do(
    sandbox: Sandbox, settings: Settings, actions: tuple[str, ...], write: bool, read: bool, may_list: bool
) -> None:
    store = CosStore(BUCKET, REGION, limited(sandbox, settings, *actions))
    assert store.survey().may_list is may_list
    for probe, allowed in ((store.probe_write, write), (store.probe_read, read)):
        if allowed:
            probe("x")
        else:
            assert fails(lambda probe=probe: probe("x")).code == "AccessDenied"  # type: ignore[misc]  # bound now
