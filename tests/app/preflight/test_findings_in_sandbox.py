"""Every kind of finding is produced by the state of the emulated clouds that causes it, and by no clean state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from imgmove.app.preflight.catalogue import CATALOGUE
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding, Severity
from imgmove.sandbox import Sandbox
from tests.app.preflight.conftest import COS, CVM, ECS, OSS, Open

#: What a migration in good order has, too.
ORDINARY: Final = frozenset({"identity", "endpoints", "way", "os-mapped", "time", "cost"})
Way = tuple[str, str, dict[str, Any]]
THERE: Final[Way] = (CVM, "alibaba://cn-hangzhou", {"source_bucket": COS, "dest_bucket": OSS, "name": "moved"})
BACK: Final[Way] = (ECS, "tencent://ap-guangzhou", {"source_bucket": OSS, "dest_bucket": COS, "name": "moved"})
EAST: Final[Way] = (CVM, "tencent://ap-shanghai", {"name": "moved"})
NORTH: Final[Way] = (ECS, "alibaba://cn-beijing", {"name": "moved"})


@dataclass(frozen=True)
class State:
    """One state of the clouds, or of what was asked for, and the finding that it causes."""

    finding: str
    sow: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    way: Way = THERE
    options: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    skew_seconds: float = 0.0
    prepare: Callable[[Path], object] | None = None
    change: Callable[[Sandbox], object] | None = None
    """What no seed can say."""
    severity: Severity | None = None
    """Where it is not the catalogue's."""
    says: str = ""
    """What its texts have to name."""

    def __str__(self) -> str:
        return f"{self.finding} {self.says}".strip()


def image(**fields: Any) -> dict[str, Any]:
    return {"image": [{"id": "img-seed0001", **fields}]}


def ecs_image(**fields: Any) -> dict[str, Any]:
    return {"image": [{"id": "m-bp1seed0000000000001", **fields}]}


def oss(**fields: Any) -> dict[str, Any]:
    return {"bucket": [{"provider": "alibaba", "name": OSS, **fields}]}


def cos(**fields: Any) -> dict[str, Any]:
    return {"bucket": [{"provider": "tencent", "name": COS, **fields}]}


def role(name: str, provider: str = "alibaba", **fields: Any) -> dict[str, Any]:
    return {"role": [{"provider": provider, "name": name, **fields}]}


def tiny(sandbox: Sandbox) -> None:
    """A system disk of less than a GiB: no vendor has one, and ECS's rule says that it takes none."""
    with sandbox.world.lock:
        snapshot = sandbox.world.tencent.snapshot("snap-seed0001")
        assert snapshot is not None
        snapshot.size_gib = 0


def user(provider: str, *actions: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A user with these rights alone, and the variables that make the session act as them."""
    names = {"tencent": ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
             "alibaba": ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")}[provider]  # fmt: skip
    key_id = {"tencent": "AKIDlooker", "alibaba": "LTAIlooker"}[provider]
    key = {"provider": provider, "id": key_id, "secret": "made-up", "user": "looker", "actions": list(actions)}
    return {"key": [key]}, dict(zip(names, (key_id, "made-up"), strict=True))


def as_user(finding: str, provider: str, *actions: str, **more: Any) -> State:
    sow, variables = user(provider, *actions)
    return State(finding, sow, variables=variables, **more)


def token(provider: str, seconds: int) -> tuple[dict[str, Any], dict[str, str]]:
    """A temporary key of the account that ends in so many seconds."""
    sow, variables = user(provider)
    sow["key"][0] |= {"token": "a-token", "expires_in_seconds": seconds}
    del sow["key"][0]["user"], sow["key"][0]["actions"]
    variable = {"tencent": "TENCENTCLOUD_TOKEN", "alibaba": "ALIBABA_CLOUD_SECURITY_TOKEN"}[provider]
    return sow, variables | {variable: "a-token"}


def login(seconds: float) -> Callable[[Path], object]:
    """A login of tccli that says when it ends."""

    def write(home: Path) -> None:
        import time

        (home / ".tccli").mkdir()
        entry = {"type": "oauth", "secretId": "AKIDlooker", "secretKey": "made-up", "token": "a-token",
                 "expiresAt": time.time() + seconds}  # fmt: skip
        (home / ".tccli" / "default.credential").write_text(json.dumps(entry))

    return write


NO_TENCENT_KEYS: Final = {"TENCENTCLOUD_SECRET_ID": None, "TENCENTCLOUD_SECRET_KEY": None}
EVERYTHING_OF_ALIBABA: Final = ("ecs:*", "oss:*", "ram:*")
DAY: Final = {"id": "tidy", "expire_days": 1}
_TOKEN_SOW, _TOKEN_VARIABLES = token("alibaba", 3600)
_ENDED_SOW, _ENDED_VARIABLES = token("alibaba", -60)

STATES: Final = (
    # identity
    State("identity", says="100000000001"),
    State("credentials-missing", variables=NO_TENCENT_KEYS, says="TENCENTCLOUD_SECRET_ID"),
    State("credentials-refused", variables={"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}, says="destination"),
    State("token-expired", _ENDED_SOW, variables=_ENDED_VARIABLES, says="destination"),
    State("token-expired", token("tencent", 60)[0], variables=NO_TENCENT_KEYS, prepare=login(-60), says="source"),
    State("token-expires-early", token("tencent", 900)[0], variables=NO_TENCENT_KEYS, prepare=login(600), says="UTC"),
    State("token-end-unknown", _TOKEN_SOW, variables=_TOKEN_VARIABLES),
    State("identity-unknown", variables={"IMGMOVE_ENDPOINT_URL_ALIBABA_STS": None}),
    State("clock-skew", skew_seconds=120, says="s behind"),
    State("clock-skew", skew_seconds=-600, severity=Severity.BLOCK, says="ahead"),
    State("clock-skew", skew_seconds=1200, severity=Severity.BLOCK, says="behind"),
    # endpoints
    State("endpoints", says="OSS at 127.0.0.1"),
    State("endpoint-note", variables={"IMGMOVE_ENDPOINT_URL_OSS": None}, way=NORTH, says="oss_cname"),
    State("endpoint-unreachable", faults=("cvm:* html times=forever",), says="CVM"),
    State("endpoint-forbidden", oss(public_endpoint_forbidden=True), says="oss_cname"),
    # roles
    State("role-missing", role("AliyunECSImageImportDefaultRole", absent=True), says="imgmove roles create"),
    State("role-missing", role("CVM_QcsRole", "tencent", absent=True), says="CVM_QcsRole"),
    State("role-trust", role("AliyunECSImageImportDefaultRole", trusts=["fc.aliyuncs.com"]), says="fc.aliyuncs.com"),
    State("role-trust", role("CVM_QcsRole", "tencent", trusts=["scf.qcloud.com"]), severity=Severity.WARN),
    State("role-rights", role("AliyunECSImageImportDefaultRole", policies=[], actions=["oss:GetBucketInfo"]),
          says="oss:GetObject"),
    as_user("role-unknown", "alibaba", "ecs:*", "oss:*"),
    # buckets
    State("bucket-not-named", options={"source_bucket": ""}, says="--source-bucket"),
    State("bucket-name", options={"source_bucket": "imgmove-gz"}, says="APPID"),
    State("bucket-missing", options={"dest_bucket": "no-such-bucket-here"}, says="aliyun oss mb oss://no-such-bucket-here"),
    State("bucket-in-another-region", options={"source_bucket": "imgmove-sh-1250000000"}, says="ap-shanghai"),
    as_user("bucket-denied", "alibaba", "ecs:*", "ram:*", says="oss:GetBucketInfo"),
    State("bucket-of-another-account",
          {"bucket": [{"provider": "tencent", "name": "theirs-1250000002", "region": "ap-guangzhou",
                       "owner": "100000000002", "acl": "public-read"}]},
          options={"source_bucket": "theirs-1250000002"}, says="1250000002"),
    as_user("bucket-not-readable", "tencent", "cvm:*", "cam:*", "sts:*", "cos:HeadBucket", "cos:GetBucket*"),
    as_user("bucket-not-writable", "alibaba", "ecs:*", "ram:*", "oss:Get*", "oss:List*", says="oss:PutObject"),
    State("bucket-encrypted", oss(encryption="KMS"), says="KMS"),
    State("bucket-archives", oss(storage_class="Archive"), says="Archive"),
    State("object-archived",
          {"object": [{"provider": "alibaba", "bucket": OSS, "key": "web.qcow2", "size_bytes": 4096,
                       "storage_class": "Archive"}]}, says="aliyun oss restore oss://imgmove-hz/web.qcow2"),
    State("bucket-public", cos(acl="public-read"), says="public-read"),
    State("bucket-versioned", oss(versioning="Enabled")),
    State("bucket-expires-objects", oss(lifecycle=[DAY]), says="tidy"),
    State("bucket-moves-objects",
          oss(lifecycle=[{"id": "cool", "transition_days": 1, "transition_class": "Archive"}]), says="Archive"),
    State("bucket-aborts-uploads", oss(lifecycle=[{"id": "parts", "abort_upload_days": 1}]), says="parts"),
    as_user("bucket-not-surveyed", "alibaba", "ecs:*", "ram:*", "oss:GetBucketInfo", "oss:GetBucketLocation",
            "oss:PutObject", "oss:GetObject", says="lifecycle"),
    # the image
    State("image-missing", way=("tencent://ap-guangzhou/img-nothere1", *THERE[1:]), says="img-nothere1"),
    as_user("image-denied", "tencent", "cos:*", "cam:*", "sts:*"),
    State("image-busy", image(state="EXPORTING"), says="EXPORTING"),
    State("image-owner", image(kind="shared"), says="shared"),
    State("image-encrypted", ecs_image(encrypted=True), way=BACK),
    State("image-platform", way=("tencent://ap-guangzhou/img-rhel0001", *THERE[1:]), says="redhat"),
    State("image-from-market", way=("alibaba://cn-hangzhou/m-bp1lamp0000000000001", *BACK[1:]), says="cmjj"),
    State("disk-too-large", image(size_gib=600), says="600 GiB"),
    State("too-many-disks", image(data_disks_gib=[1] * 6), severity=Severity.WARN, says="7 disks"),
    State("no-route", way=("ecm://ap-hangzhou-ecm/img-seed0001", *THERE[1:]), says="dump the disk"),
    State("way", says="qcow2"),
    State("own-copy", way=EAST),
    State("export-refused", image(snapshot_gone=True), says="InvalidParameter.SnapshotNotFound"),
    # the destination
    State("name-taken", options={"name": "debian-12-db"}, says="--name"),
    State("name-illegal", options={"name": "x" * 200}),
    State("quota-full", {"settings": {"tencent": {"image_quota": 1}}}, way=BACK, says="of 1 images"),
    State("disk-too-large-there", ecs_image(size_gib=600), way=BACK, says="500 GiB"),
    State("object-too-large", ecs_image(size_gib=100), way=BACK, says="50.0 GiB"),
    State("disk-too-small-there", change=tiny, says="at least 1 GiB"),
    State("os-mapped", says="Debian 12"),
    State("os-inexact", ecs_image(os_name="Debian 13.0 64 bit"), way=BACK, says="Debian 12"),
    State("os-unmapped", ecs_image(platform="Plan9", os_name="Plan 9 64 bit"), way=BACK, says="--os-type"),
    State("architecture-refused", ecs_image(architecture="arm64"), way=(ECS, "ecm://", BACK[2]), says="arm64"),
    State("boot-mode-lost", ecs_image(boot_mode="UEFI"), way=(ECS, "ecm://", BACK[2]), says="UEFI"),
    State("licence-own", way=("tencent://ap-guangzhou/img-win00001", *THERE[1:]), says="BYOL"),
    State("import-refused", faults=("ecs:ImportImage refuse code=UserNotInTheWhiteList times=forever",)),
    State("copy-refused", faults=("cvm:SyncImages refuse code=UnauthorizedOperation.PermissionDenied times=forever",),
          way=EAST),
    State("not-looked-at", faults=("cvm:DescribeImageQuota refuse code=UnauthorizedOperation times=forever",), way=BACK),
    State("time", says="nobody knows yet"),
    State("cost", says="[prices]"),
)  # fmt: skip


def found_by(state: State, sandbox: Sandbox, open_session: Open, home: Path) -> tuple[Finding, ...]:
    if state.sow:
        sandbox.sow(state.sow)
    for fault in state.faults:
        sandbox.faults.add(fault)
    sandbox.clock.skew_seconds = state.skew_seconds
    if state.change:
        state.change(sandbox)
    if state.prepare:
        state.prepare(home)
    session = open_session(**state.variables)
    if state.finding == "object-archived":
        with pytest.raises(ImgmoveError) as caught:
            session.import_image(f"oss://{OSS}/web.qcow2", "web", region="cn-hangzhou")
        return caught.value.findings
    source, destination, options = state.way
    return session.doctor(source, destination, **{**options, **state.options}).findings


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_causes_its_finding(state: State, sandbox: Sandbox, open_session: Open, tmp_path: Path) -> None:
    findings = found_by(state, sandbox, open_session, tmp_path)
    caused = [item for item in findings if item.id == state.finding]
    assert caused, [item.id for item in findings]
    kind = CATALOGUE[state.finding]
    wanted = state.severity or kind.severity
    assert wanted in {item.severity for item in caused}
    assert any(state.says in "\n".join((item.what, item.why, item.fix, item.code, item.about)) for item in caused), (
        caused
    )
    assert {item.id for item in findings} <= set(CATALOGUE)
    for item in findings:
        assert item.what
        assert "{" not in item.what + item.why + item.fix, "a text that was not filled in"
        assert item.severity is Severity.INFO or item.fix, f"{item.id} says nothing of what mends it"
        assert item.severity is not Severity.BLOCK or item.exit_code


def test_every_kind_has_a_state_that_causes_it() -> None:
    assert {state.finding for state in STATES} == set(CATALOGUE)


@pytest.mark.parametrize("way", [THERE, BACK], ids=["there", "back"])
def test_clouds_in_good_order_have_nothing_but_what_is_good_to_know(
    open_session: Open, way: tuple[str, str, dict[str, Any]]
) -> None:
    report = open_session().doctor(way[0], way[1], **way[2])
    assert {item.id for item in report.findings} == ORDINARY
    assert {item.severity for item in report.findings} == {Severity.INFO}
    assert report.error is None
