"""What migrate, export and import find before their first side effect: they stop, go on with --force, and keep it."""

from __future__ import annotations

from typing import Any

import pytest

from imgmove.app.attendance import Attendance
from imgmove.app.session import Session
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Severity
from imgmove.core.tasks import TaskState
from imgmove.sandbox import Sandbox
from tests.app.preflight.conftest import COS, CVM, ECS, OSS, Open

NO_EXPORT_ROLE = {"role": [{"provider": "alibaba", "name": "AliyunECSImageExportDefaultRole", "absent": True}]}
ENCRYPTED = {"bucket": [{"provider": "alibaba", "name": OSS, "encryption": "KMS"}]}
VERSIONED = {"bucket": [{"provider": "alibaba", "name": OSS, "versioning": "Enabled"}]}


def fast(said: list[str] | None = None) -> Attendance:
    return Attendance(poll_seconds=0.01, announce=(said if said is not None else []).append)


@pytest.fixture
def session(open_session: Open) -> Session:
    """Its waits take their time: the operations are the sandbox's."""
    from imgmove.engine.clock import SystemClock

    session = open_session()
    session.clock.sleep = SystemClock().sleep  # type: ignore[method-assign]  # real waits, of a hundredth of a second
    return session


def migrate(session: Session, **options: Any) -> Any:
    wanted = {"source_bucket": COS, "dest_bucket": OSS, "name": "moved", "attendance": fast(), **options}
    return session.migrate(CVM, "alibaba://cn-hangzhou", **wanted)


# ------------------------------------------------------------------------------------------------------ migrate


def test_a_migration_stops_with_all_findings_before_anything_is_exported(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow(ENCRYPTED)
    result = migrate(session, name="debian-12-db", source_bucket="imgmove-sh-1250000000")
    assert result.error is not None
    assert {item.id for item in result.error.findings if item.severity is Severity.BLOCK} == {
        "bucket-in-another-region", "bucket-encrypted", "name-taken",
    }  # fmt: skip
    document = result.to_json()
    assert document["state"] == "failed"
    assert {item["id"] for item in document["findings"]} >= {"bucket-encrypted", "identity"}
    assert sandbox.world.tencent.state.tasks == []


def test_force_goes_past_what_may_be_waived_and_it_is_kept(session: Session, sandbox: Sandbox) -> None:
    """Our judgement may be wrong: the vendor then refuses, or does not."""
    sandbox.sow({"bucket": [{"provider": "tencent", "name": COS, "storage_class": "STANDARD"}], **ENCRYPTED})
    assert migrate(session).error is not None
    forced = migrate(session, force=True)
    assert [item.id for item in forced.findings if item.severity is Severity.BLOCK] == ["bucket-encrypted"]
    assert len(sandbox.world.tencent.state.tasks) == 1


def test_what_only_warns_is_said_and_kept_in_the_document(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow(VERSIONED)
    result = migrate(session)
    assert (result.state, result.error) == (TaskState.SUCCEEDED, None)
    warned = [item for item in result.to_json()["findings"] if item["severity"] == "warn"]
    assert [item["id"] for item in warned] == ["bucket-versioned"]
    again = session.status(str(result.job)).to_json()
    assert [item["id"] for item in again["findings"]] == [item["id"] for item in result.to_json()["findings"]]


def test_a_resumed_migration_looks_again(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow(ENCRYPTED)
    stopped = migrate(session)
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "encryption": ""}]})
    resumed = session.resume(str(stopped.job), attendance=fast())
    assert (resumed.state, resumed.error) == (TaskState.SUCCEEDED, None)


def test_a_service_that_is_down_is_no_verdict(session: Session, sandbox: Sandbox) -> None:
    sandbox.faults.add("ecs:DescribeImages html times=forever")
    session.clock.sleep = lambda seconds, stop: None  # type: ignore[method-assign]
    stopped = migrate(session)
    assert stopped.error is not None
    assert (stopped.error.exit_code, stopped.state) == (1, TaskState.RUNNING)
    sandbox.faults.clear()
    assert session.resume(str(stopped.job), attendance=fast()).state is TaskState.SUCCEEDED


# -------------------------------------------------------------------------------------------- export and import


def test_an_export_stops_before_a_job_is_written_down(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow({**NO_EXPORT_ROLE, **ENCRYPTED})
    with pytest.raises(ImgmoveError) as caught:
        session.export([ECS], OSS, attendance=fast())
    assert [item.id for item in caught.value.findings if item.severity is Severity.BLOCK] == [
        "role-missing", "bucket-encrypted",
    ]  # fmt: skip
    assert caught.value.exit_code == 3
    assert "imgmove roles create --provider alibaba" in caught.value.hint
    assert list(session.jobs()) == []
    assert sandbox.world.alibaba.state.tasks == []


def test_an_export_with_force_leaves_the_word_to_the_vendor(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "storage_class": "Archive"}]})
    with pytest.raises(ImgmoveError) as caught:
        session.export([ECS], OSS, attendance=fast())
    assert (caught.value.code, "--force" in caught.value.hint) == ("BucketArchives", True)
    result = session.export([ECS], OSS, force=True, attendance=fast())
    assert (result.exit_code, result.error) == (0, None), "archived objects are seen, though not read"
    assert "bucket-archives" in {item.id for item in result.findings}


def test_force_does_not_go_past_what_the_vendor_itself_refuses(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow(ENCRYPTED)
    with pytest.raises(ImgmoveError, match=r"InvalidOSSBucket\.EncryptUnsupported"):
        session.export([ECS], OSS, force=True, attendance=fast())


def test_what_the_vendor_says_is_not_put_into_another_findings_mouth(session: Session, sandbox: Sandbox) -> None:
    """Ours is about the bucket, the vendor's about the image: two findings."""
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "storage_class": "Archive"}]})
    sandbox.faults.add("ecs:ExportImage refuse code=ImageIsExporting times=forever")
    with pytest.raises(ImgmoveError) as caught:
        session.export([ECS], OSS, attendance=fast())
    blocks = [(item.id, item.code) for item in caught.value.findings if item.severity is Severity.BLOCK]
    assert blocks == [("bucket-archives", ""), ("export-refused", "ImageIsExporting")]


def test_an_export_says_warnings_before_its_job(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "acl": "public-read"}]})
    said: list[str] = []
    result = session.export([ECS], OSS, attendance=fast(said))
    assert result.state is TaskState.SUCCEEDED
    assert said[0].startswith("warn bucket-public: oss://imgmove-hz is open to everybody")
    assert said[1].startswith("job ")
    assert "bucket-public" in {item["id"] for item in result.to_json()["findings"]}


def test_of_several_images_one_that_cannot_be_exported_stops_only_itself(session: Session, sandbox: Sandbox) -> None:
    windows = "alibaba://cn-hangzhou/m-bp1windows0000000001"
    result = session.export([ECS, windows], OSS, attendance=fast())
    assert result.exit_code == 8
    with pytest.raises(ImgmoveError):
        session.export([windows], OSS, attendance=fast())


def test_a_dry_run_asks_the_vendor_first_and_then_looks(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": OSS, "acl": "public-read"}]})
    result = session.export([ECS], OSS, dry_run=True, attendance=fast())
    assert result.dry_run
    assert "bucket-public" in {item.id for item in result.findings}
    assert list(session.jobs()) == []


def test_an_import_stops_before_a_job_is_written_down(session: Session, sandbox: Sandbox) -> None:
    sandbox.sow({
        "role": [{"provider": "alibaba", "name": "AliyunECSImageImportDefaultRole", "absent": True}],
        "object": [{"provider": "alibaba", "bucket": OSS, "key": "web.raw", "size_bytes": 1 << 20,
                    "storage_class": "ColdArchive"}],
    })  # fmt: skip
    with pytest.raises(ImgmoveError) as caught:
        session.import_image(f"oss://{OSS}/web.raw", "web", region="cn-hangzhou", attendance=fast())
    blocks = [item.id for item in caught.value.findings if item.severity is Severity.BLOCK]
    assert blocks == ["role-missing", "object-archived"]
    assert list(session.jobs()) == []
    assert sandbox.world.alibaba.state.tasks == []


def test_where_our_judgement_stops_it_the_vendors_dry_run_has_a_word(session: Session, sandbox: Sandbox) -> None:
    with pytest.raises(ImgmoveError) as caught:
        session.export(["tencent://ap-guangzhou/img-win00001"], COS, attendance=fast())
    assert caught.value.code == "UnsupportedOperation.WindowsImageExportUnsupported"
    assert caught.value.request_id
    with pytest.raises(ImgmoveError):
        session.export(["tencent://ap-guangzhou/img-win00001"], COS, force=True, attendance=fast())
    assert sandbox.world.tencent.state.tasks == []


def test_in_good_order_nobody_asks_for_a_dry_run(session: Session, sandbox: Sandbox) -> None:
    assert session.export([ECS], OSS, attendance=fast()).state is TaskState.SUCCEEDED
    assert len(sandbox.requests("ecs", "ExportImage")) == 1
