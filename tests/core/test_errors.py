"""Kinds and exit codes."""

import copy
import pickle

from imgmove.core.errors import EXIT_CODES, EXIT_MEANINGS, ImgmoveError, Kind


def test_every_kind_has_an_exit_code_of_the_contract() -> None:
    assert set(EXIT_CODES) == set(Kind)
    assert set(EXIT_CODES.values()) | {0} == set(EXIT_MEANINGS) == {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}


def test_an_error_says_code_and_message() -> None:
    error = ImgmoveError(Kind.QUOTA, "too many", code="LimitExceeded", hint="wait", request_id="r-1")
    assert str(error) == "LimitExceeded: too many"
    assert error.exit_code == 5
    assert error.with_hint("later").hint == "later"
    assert error.with_hint("later").request_id == "r-1"


def test_an_error_can_travel_between_processes() -> None:
    error = ImgmoveError(Kind.DENIED, "no", code="AuthFailure", maybe_applied=True)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (other.kind, other.message, other.code, other.maybe_applied) == (Kind.DENIED, "no", "AuthFailure", True)
