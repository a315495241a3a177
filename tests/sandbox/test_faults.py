"""Faults: their text and TOML forms, and which request they hit."""

from __future__ import annotations

import contextlib
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.faults import (
    Effect,
    Fault,
    FaultError,
    FaultPlan,
    load_faults,
    parse_fault,
    parse_faults_toml,
)
from imgmove.sandbox.http import SERVICES

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
actions = st.text(string.ascii_letters + string.digits + "*?_-", min_size=1, max_size=20)


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    effect = draw(st.sampled_from(Effect))
    settings: dict[str, Any] = {
        "after": draw(st.integers(0, 100)),
        "times": draw(st.none() | st.integers(1, 100)),
        "reason": draw(st.just("") | texts),
    }
    if effect in (Effect.REFUSE, Effect.FAIL_TASK):
        settings["code"] = draw(texts)
        settings["message"] = draw(st.none() | texts)
    if effect is Effect.REFUSE:
        settings["status"] = draw(st.none() | st.integers(300, 599))
    if effect is Effect.DELAY:
        settings["seconds"] = draw(st.floats(0, 1e6))
    return Fault(draw(st.sampled_from(["*", *SERVICES])), draw(actions), effect, **settings)


@given(faults())
def test_the_text_form_reads_back(fault: Fault) -> None:
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "cvm:ExportImages refuse code=LimitExceeded.X times=2 after=1",
            Fault("cvm", "ExportImages", Effect.REFUSE, code="LimitExceeded.X", times=2, after=1),
        ),
        ("oss:UploadPart cut-body", Fault("oss", "UploadPart", Effect.CUT_BODY)),
        (
            "ecs:ExportImage fail-task code=Oops message='went wrong'",
            Fault("ecs", "ExportImage", Effect.FAIL_TASK, code="Oops", message="went wrong"),
        ),
        ("*:* throttle times=forever", Fault("*", "*", Effect.THROTTLE, times=None)),
        ("cos:Get* delay seconds=0.25", Fault("cos", "Get*", Effect.DELAY, seconds=0.25)),
    ],
)
def test_text_forms(text: str, expected: Fault) -> None:
    assert parse_fault(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write SERVICE:ACTION EFFECT"),
        ("cvm:ExportImages", "write SERVICE:ACTION EFFECT"),
        ("ExportImages throttle", "write SERVICE:ACTION EFFECT"),
        ("s3:PutObject throttle", "allowed: cvm, ecm, cam"),
        ("cvm: throttle", "is not an action"),
        ("cvm:ExportImages explode", "allowed: refuse, throttle"),
        ("cvm:ExportImages refuse", "refuse needs code="),
        ("cvm:ExportImages delay", "delay needs seconds="),
        ("cvm:ExportImages throttle code=X", "throttle takes no 'code'; allowed: after, times, reason"),
        ("cvm:ExportImages throttle color=red", "not a setting; allowed for throttle: after=…"),
        ("cvm:ExportImages throttle times", "not a setting"),
        ("cvm:ExportImages throttle times=often", "times must be a whole number, not 'often'"),
        ("cvm:ExportImages throttle times=0", "times must be 1 or more, or forever"),
        ("cvm:ExportImages throttle times=1 times=2", "times is given twice"),
        ("cvm:ExportImages throttle after=-1", "after must be 0 or more"),
        ("cvm:ExportImages delay seconds=-1", "seconds must be 0 or more"),
        ("cvm:ExportImages delay seconds=nan", "seconds must be 0 or more"),
        ("cvm:ExportImages refuse code=X status=200", "status must be an HTTP status from 300 to 599"),
        ("cvm:ExportImages refuse code='X", "no closing quotation"),
    ],
)
def test_wrong_text_says_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(FaultError, match=r".") as caught:
        parse_fault(text)
    assert says in str(caught.value)
    assert repr(text) in str(caught.value), "the error shows the line"


@given(st.text() | st.builds("{} {}".format, st.just("cvm:*"), st.text()))
def test_any_text_is_a_fault_or_an_error(text: str) -> None:
    with contextlib.suppress(FaultError):
        parse_fault(text)


TOML = """\
# rehearsal
[[fault]]
service = "cvm"
action = "ExportImages"
effect = "refuse"
code = "LimitExceeded"
times = 2

[[fault]]
service = "*"
action = "*"
effect = "delay"
seconds = 1
times = "forever"
"""


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(TOML)
    assert load_faults(path) == [
        Fault("cvm", "ExportImages", Effect.REFUSE, code="LimitExceeded", times=2),
        Fault("*", "*", Effect.DELAY, seconds=1, times=None),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[fault]", "f.toml: not TOML"),
        ("faults = 1", "'faults' does not belong here; allowed: [[fault]]"),
        ("[fault]\nservice = 'cvm'", "allowed: [[fault]] tables"),
        (TOML.replace("times = 2", "times = true"), "f.toml, line 2: times must not be True"),
        (TOML.replace("seconds = 1", "second = 1"), "f.toml, line 9: there is no setting 'second'; allowed: service"),
        (TOML.replace('effect = "delay"', 'effect = "wait"'), "f.toml, line 9: there is no effect 'wait'"),
        (TOML.replace('effect = "delay"\n', ""), "f.toml, line 9: effect is missing"),
        ("fault = [1]", "f.toml: a fault is a table"),
    ],
)
def test_wrong_toml_says_where(text: str, says: str) -> None:
    with pytest.raises(FaultError, match=r".") as caught:
        parse_faults_toml(text, "f.toml")
    assert says in str(caught.value)


def test_a_fault_lets_the_first_pass_and_then_hits_so_many_times() -> None:
    plan = FaultPlan()
    fault = plan.add("cvm:ExportImages throttle after=1 times=2")
    hits = [plan.match("cvm", "ExportImages") is fault for _ in range(5)]
    assert hits == [False, True, True, False, False]
    assert fault.spent
    assert fault.matched == 5


def test_patterns_ignore_case_and_services_are_exact() -> None:
    plan = FaultPlan([parse_fault("ecs:export* throttle times=forever")])
    assert plan.match("ecs", "ExportImage")
    assert plan.match("ecs", "ImportImage") is None
    assert plan.match("cvm", "ExportImages") is None


def test_the_first_fault_that_is_due_wins() -> None:
    plan = FaultPlan()
    first, second = plan.add("cos:* throttle"), plan.add("cos:* drop-after")
    assert [plan.match("cos", "GetObject") for _ in range(3)] == [first, second, None]


def test_faults_of_tasks_are_asked_for_apart() -> None:
    plan = FaultPlan()
    stall = plan.add("cvm:ExportImages stall-task")
    assert plan.match("cvm", "ExportImages") is None
    assert plan.task_fault("cvm", "ExportImages") is stall
    assert plan.task_fault("cvm", "ExportImages") is None


def test_clearing_the_plan() -> None:
    plan = FaultPlan([parse_fault("*:* throttle")])
    plan.clear()
    assert plan.list() == []
    assert plan.match("cvm", "ExportImages") is None
