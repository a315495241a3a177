"""`doctor`: changes nothing, bears passing trouble, says what it could not ask; and any cloud can be looked at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from imgmove.app.session import Session
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.findings import Severity
from imgmove.core.requests import Operation
from imgmove.engine.clock import SystemClock
from imgmove.sandbox import Sandbox
from imgmove.sandbox.summary import summarise
from tests.app.preflight.conftest import COS, CVM, OSS, Open
from tests.app.preflight.test_findings_in_sandbox import BACK, EAST, ORDINARY, THERE, Way

EDGE: Way = (CVM, "ecm://", {"name": "moved"})
#: Requests that write, in the log's words. Of these a report sends only dry runs, and a part for no upload.
PROBES = {"ExportImages", "ExportImage", "ImportImage", "SyncImages", "CopyImage", "UploadPart"}
READS = ("Get", "Head", "List", "Describe", "GET", "HEAD")


@pytest.mark.parametrize("way", [THERE, BACK, EAST, EDGE], ids=["there", "back", "east", "edge"])
def test_it_changes_nothing(open_session: Open, sandbox: Sandbox, way: tuple[str, str, dict[str, Any]]) -> None:
    before = summarise(sandbox)
    open_session().doctor(way[0], way[1], **way[2])
    assert summarise(sandbox) == before
    others = Counter(entry.action for entry in sandbox.requests() if not entry.action.startswith(READS))
    assert set(others) <= PROBES, others
    assert others["UploadPart"] <= 1


def test_a_part_for_no_upload_is_refused_and_leaves_nothing(open_session: Open, sandbox: Sandbox) -> None:
    open_session().doctor(THERE[0], THERE[1], **THERE[2])
    assert [entry.status for entry in sandbox.requests("oss", "UploadPart")] == [404]


def test_the_journal_is_not_written(open_session: Open) -> None:
    session = open_session()
    session.doctor(THERE[0], THERE[1], **THERE[2])
    assert list(session.jobs()) == []


@pytest.mark.parametrize(
    "fault",
    [
        "cvm:DescribeImages throttle times=2", "ecs:* html times=2", "oss:* drop-before times=2",
        "cam:* empty times=2", "ram:GetRole drop-after times=2",
    ],
)  # fmt: skip
def test_trouble_that_passes_is_no_finding(open_session: Open, sandbox: Sandbox, fault: str) -> None:
    sandbox.faults.add(fault)
    report = open_session().doctor(THERE[0], THERE[1], **THERE[2])
    assert {item.id for item in report.findings} == ORDINARY


@pytest.mark.parametrize(
    ("fault", "exit_code", "about"),
    [
        ("cvm:DescribeImages html times=forever", 1, "Tencent Cloud CVM cannot be asked about the image img-seed0001"),
        ("ecs:DescribeImages throttle times=forever", 5, "Alibaba Cloud ECS cannot be asked about its images"),
        ("oss:* drop-before times=forever", 1, "Alibaba Cloud ECS cannot be asked about oss://"),
    ],
)
def test_trouble_that_stays_blocks_with_its_own_exit_code(
    open_session: Open, sandbox: Sandbox, fault: str, exit_code: int, about: str
) -> None:
    sandbox.faults.add(fault)
    report = open_session().doctor(THERE[0], THERE[1], **THERE[2])
    blocks = [item for item in report.findings if item.severity is Severity.BLOCK]
    assert [item.id for item in blocks] == ["endpoint-unreachable"]
    assert about in blocks[0].what
    assert report.error is not None
    assert report.error.exit_code == exit_code


def test_trouble_with_what_is_only_good_to_know_is_a_warning(open_session: Open, sandbox: Sandbox) -> None:
    sandbox.faults.add("ram:* html times=forever")
    report = open_session().doctor(THERE[0], THERE[1], **THERE[2])
    unknown = [item for item in report.findings if item.what.startswith("not looked at")]
    assert [(item.id, item.severity) for item in unknown] == [("role-unknown", Severity.WARN)], "said once"
    assert report.error is None


def test_the_vendors_own_dry_run_confirms_what_we_found(open_session: Open) -> None:
    """One finding and not two; with the vendor's code, and --force does not go past it."""
    report = open_session().doctor("tencent://ap-guangzhou/img-rhel0001", THERE[1], **THERE[2])
    block = next(item for item in report.findings if item.severity is Severity.BLOCK)
    assert (block.id, block.code) == ("image-platform", "UnsupportedOperation.RedHatImageExportUnsupported")
    assert block.request_id
    assert not block.waivable
    assert "export-refused" not in {item.id for item in report.findings}


def test_a_refused_key_is_one_finding_and_not_ten(
    open_session: Open,
) -> None:
    report = open_session(TENCENTCLOUD_SECRET_KEY="wrong").doctor(THERE[0], THERE[1], **THERE[2])
    about_source = [item.id for item in report.findings if item.severity is Severity.BLOCK]
    assert about_source == ["credentials-refused"]


def test_findings_come_by_severity_and_then_by_section(open_session: Open, sandbox: Sandbox) -> None:
    sandbox.sow({"role": [{"provider": "alibaba", "name": "AliyunECSImageImportDefaultRole", "absent": True}],
                 "image": [{"id": "img-seed0001", "size_gib": 600}]})  # fmt: skip
    report = open_session().doctor(CVM, THERE[1], source_bucket=COS, dest_bucket=OSS, name="debian-12-db")
    blocks = [item.id for item in report.findings if item.severity is Severity.BLOCK]
    assert blocks == ["role-missing", "disk-too-large", "name-taken"]
    assert report.error is not None
    assert (report.error.exit_code, report.error.code) == (3, "RoleMissing")


def test_force_leaves_our_own_judgement_out_of_the_verdict(open_session: Open, sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "encryption": "KMS"}]})
    assert open_session().doctor(CVM, THERE[1], **THERE[2]).error is not None
    assert open_session().doctor(CVM, THERE[1], **THERE[2], force=True).error is None


def test_wrong_words_are_no_findings(open_session: Open) -> None:
    for source, destination in (
        ("nonsense", "alibaba://cn-hangzhou"),
        (CVM, "tencent://ap-guangzhou"),
        (CVM, "cos://b-1"),
    ):
        with pytest.raises(ImgmoveError) as caught:
            open_session().doctor(source, destination)
        assert caught.value.kind is Kind.USAGE


# ------------------------------------------------------------------------------------------------ anybody's cloud


def test_a_cloud_that_cannot_be_looked_at_is_said_to_be_so(session: Session, example: Any) -> None:
    example.world.add_image("other")
    report = session.doctor("example://here/img-1", "example://there", name="copied")
    assert report.error is None
    assert "identity-unknown" in {item.id for item in report.findings}
    assert example.world.tasks == []


def test_its_buckets_are_looked_at_as_far_as_they_tell(session: Session, example: Any) -> None:
    example.services = {"example": _without_own_copy(example.services["example"])}
    report = session.doctor("example://here/img-1", "example://there", source_bucket="one", dest_bucket="two", name="x")
    found = {item.id: item for item in report.findings}
    assert "bucket-not-surveyed" in found
    assert found["bucket-in-another-region"].about == "memory://two"


def _without_own_copy(abilities: Any) -> Any:
    from dataclasses import replace

    operations = {key: value for key, value in abilities.operations.items() if key is not Operation.TRANSFER}
    return replace(abilities, operations=operations)


# ---------------------------------------------------------------------------------------------------- time, money


def test_an_estimate_stands_on_earlier_jobs(open_session: Open) -> None:
    session = open_session()
    session.clock.sleep = SystemClock().sleep  # type: ignore[method-assign]  # a migration takes its time
    done = session.migrate(CVM, THERE[1], **{**THERE[2], "name": "first"})
    assert done.error is None
    time = next(item for item in session.doctor(CVM, THERE[1], **THERE[2]).findings if item.id == "time")
    assert time.case == "known"
    assert "export" in time.what
    assert "1 earlier job(s) of yours" in time.why


def test_an_estimate_by_the_bandwidth(open_session: Open) -> None:
    report = open_session().doctor(CVM, THERE[1], **THERE[2], bandwidth="1MiB")
    time = next(item for item in report.findings if item.id == "time")
    assert "copy 17:04" in time.what
    assert "nothing is known" in time.what
    assert "--bandwidth 1MiB" in time.why


def config(home: Path, text: str) -> None:
    (home / "imgmove").mkdir()
    (home / "imgmove" / "config.toml").write_text(text)


def test_a_price_by_the_users_own_table(open_session: Open, tmp_path: Path) -> None:
    config(tmp_path, '[prices]\ncurrency = "CNY"\n[prices.tencent]\ntraffic_per_gib = 0.5\n'
                     "[prices.alibaba]\nimage_per_gib_month = 0.12\n")  # fmt: skip
    cost = next(item for item in open_session().doctor(CVM, THERE[1], **THERE[2]).findings if item.id == "cost")
    assert cost.what.startswith("at most 0.50 CNY at once")
    assert "the new image 0.12 CNY a month" in cost.what


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prices = 3", "prices"),
        ("[prices]\ncurrency = 5", "currency"),
        ("[prices.aws]\ntraffic_per_gib = 1", "aws"),
        ("[prices]\ntencent = 4", "tencent"),
        ("[prices.tencent]\ntraffic = 1", "traffic"),
        ("[prices.tencent]\ntraffic_per_gib = '1'", "traffic_per_gib"),
        ("[prices.tencent]\ntraffic_per_gib = -1", "traffic_per_gib"),
        ("[prices.tencent]\ntraffic_per_gib = inf", "traffic_per_gib"),
        ("[prices.tencent]\ntraffic_per_gib = true", "traffic_per_gib"),
    ],
)
def test_a_table_that_is_wrong_is_a_usage_error(open_session: Open, tmp_path: Path, text: str, says: str) -> None:
    config(tmp_path, text)
    with pytest.raises(ImgmoveError, match=says) as caught:
        open_session().doctor(CVM, THERE[1], **THERE[2])
    assert caught.value.kind is Kind.USAGE
    assert "config.toml" in caught.value.message
