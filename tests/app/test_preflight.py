"""What a preflight finds: all of it in one error, verdicts kept apart from looks that failed."""

import pytest

from imgmove.app.preflight import Findings
from imgmove.core.errors import ImgmoveError, Kind


def failing(kind: Kind, message: str, **more: str) -> object:
    raise ImgmoveError(kind, message, **more)  # type: ignore[arg-type]  # only texts are given


def test_an_answer_is_passed_on() -> None:
    findings = Findings()
    assert findings.look(lambda: 7, "seven") == 7
    findings.settle()


def test_one_finding_is_raised_as_it_is() -> None:
    findings = Findings()
    assert (
        findings.look(lambda: failing(Kind.NOT_FOUND, "no bucket b", code="NoSuchBucket", hint="make it"), "b") is None
    )
    with pytest.raises(ImgmoveError) as caught:
        findings.settle()
    assert (caught.value.kind, str(caught.value), caught.value.hint) == (
        Kind.NOT_FOUND, "NoSuchBucket: no bucket b", "make it",
    )  # fmt: skip


def test_a_finding_says_what_it_is_about() -> None:
    findings = Findings()
    findings.look(lambda: failing(Kind.DENIED, "Access denied."), "oss://stage")
    with pytest.raises(ImgmoveError, match="oss://stage: Access denied"):
        findings.settle()


def test_several_findings_are_one_error_of_the_first_kind() -> None:
    findings = Findings()
    findings.look(lambda: failing(Kind.NOT_FOUND, "no bucket", code="NoSuchBucket", hint="make it"))
    findings.look(lambda: failing(Kind.EXISTS, "the name is taken", code="NameTaken", hint="take another"))
    findings.look(lambda: failing(Kind.EXISTS, "the name is taken", code="NameTaken", hint="take another"))
    with pytest.raises(ImgmoveError) as caught:
        findings.settle()
    assert caught.value.kind is Kind.NOT_FOUND
    assert str(caught.value) == "NoSuchBucket: no bucket; NameTaken: the name is taken"
    assert caught.value.hint == "make it; take another"


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.THROTTLED, Kind.INTERRUPTED, Kind.UNKNOWN])
def test_a_look_that_failed_is_no_finding(kind: Kind) -> None:
    findings = Findings()
    with pytest.raises(ImgmoveError, match="not now"):
        findings.look(lambda: failing(kind, "not now"))
    findings.settle()
