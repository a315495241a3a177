"""From findings to one error: all that blocks, said at once; and looks that failed kept apart from verdicts."""

import threading

import pytest

from imgmove.app.preflight.answers import NO_VERDICT, Answer, ask_all
from imgmove.app.preflight.catalogue import found
from imgmove.app.preflight.refusal import refusal
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.findings import Finding, Severity
from imgmove.engine.reads import Reads
from imgmove.engine.waiting import Waiter
from imgmove.testing.fake_clock import FakeClock

TAKEN = found("name-taken", name="web", title="ECS", region="cn-hangzhou")
MISSING = found(
    "bucket-missing", about="oss://stage", side="source", operation="export", verb="write", region="cn-hangzhou",
    error=ImgmoveError(Kind.NOT_FOUND, "no such bucket", code="NoSuchBucket", request_id="5F"),
)  # fmt: skip


def busy(severity: Severity = Severity.BLOCK) -> Finding:
    return found("image-busy", about="tencent://gz/img-1", state="CREATING", title="CVM", severity=severity)


def error_of(*findings: Finding, force: bool = False) -> ImgmoveError:
    error = refusal(findings, force=force)
    assert error is not None
    return error


def test_what_does_not_block_is_no_error() -> None:
    assert refusal([]) is None
    assert refusal([busy(Severity.WARN), found("own-copy", title="ECS")]) is None


def test_one_finding_is_an_error_with_its_own_code_and_hint() -> None:
    error = error_of(MISSING)
    assert (error.kind, error.code, error.request_id) == (Kind.NOT_FOUND, "NoSuchBucket", "5F")
    assert error.message == "there is no bucket oss://stage"
    assert "make it in cn-hangzhou" in error.hint
    assert error.findings == (MISSING,)


def test_a_finding_of_ours_gives_the_error_a_code_of_ours() -> None:
    assert error_of(TAKEN).code == "NameTaken"


def test_several_are_one_error_of_the_first_kind() -> None:
    error = error_of(MISSING, TAKEN, TAKEN)
    assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchBucket")
    assert error.message == "there is no bucket oss://stage; ECS in cn-hangzhou has an image named 'web' already"
    assert error.hint.count("give another --name") == 1
    assert len(error.findings) == 3


def test_force_goes_past_our_own_judgement_only() -> None:
    assert "--force" in error_of(busy()).hint
    assert refusal([busy()], force=True) is None
    assert error_of(busy(), TAKEN, force=True).code == "NameTaken"


# ---------------------------------------------------------------------------------------------------- questions


def reads(stop: threading.Event | None = None) -> Reads:
    return Reads(Waiter(FakeClock(), stop=stop or threading.Event()))


def failing(error: BaseException) -> object:
    raise error


def test_answers_and_refusals_come_by_name() -> None:
    denied = ImgmoveError(Kind.DENIED, "no")
    given = ask_all({"seven": lambda: 7, "closed": lambda: failing(denied)}, reads())
    assert given == {"seven": Answer(7), "closed": Answer(error=denied)}
    assert (given["seven"].is_good, given["closed"].is_denied, given["closed"].is_open) == (True, True, False)


@pytest.mark.parametrize("kind", sorted(NO_VERDICT - {Kind.INTERRUPTED}, key=str))
def test_a_look_that_failed_is_no_verdict(kind: Kind) -> None:
    answer = ask_all({"it": lambda: failing(ImgmoveError(kind, "not now"))}, reads())["it"]
    assert answer.is_open


@pytest.mark.parametrize("error", [usage_error("wrong words"), ValueError("a bug")])
def test_wrong_words_and_bugs_are_no_answers(error: BaseException) -> None:
    with pytest.raises(type(error), match=r"wrong words|a bug"):
        ask_all({"it": lambda: failing(error), "other": lambda: 1}, reads())


def test_questions_are_asked_side_by_side() -> None:
    together = threading.Barrier(3, timeout=10)
    given = ask_all({str(number): together.wait for number in range(3)}, reads())
    assert {answer.value for answer in given.values()} == {0, 1, 2}


def test_a_wish_to_stop_is_heard_while_a_service_hangs() -> None:
    stop, hanging = threading.Event(), threading.Event()

    def hang() -> None:
        stop.set()
        hanging.wait(30)

    with pytest.raises(ImgmoveError) as caught:
        ask_all({"it": hang}, reads(stop))
    hanging.set()
    assert caught.value.kind is Kind.INTERRUPTED
