"""The tables of states."""

import pytest

from imgmove.core.jobs import ENDED_STEP_STATES, STEP_TASK_STATES, STEP_TRANSITIONS, Step, StepState, job_state
from imgmove.core.tasks import TaskState

S = StepState


def test_the_tables_are_whole() -> None:
    assert set(STEP_TRANSITIONS) == set(STEP_TASK_STATES) == set(StepState)
    for state in ENDED_STEP_STATES:
        assert STEP_TRANSITIONS[state] <= ENDED_STEP_STATES | {S.PLANNED}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((S.PLANNED,), TaskState.PENDING),
        ((S.INTENDED,), TaskState.PENDING),
        ((S.ACCEPTED, S.PLANNED), TaskState.RUNNING),
        ((S.SUCCEEDED, S.PLANNED), TaskState.RUNNING),
        ((S.SUCCEEDED, S.SKIPPED), TaskState.SUCCEEDED),
        ((S.SUCCEEDED, S.FAILED), TaskState.FAILED),
        ((S.FAILED, S.ACCEPTED), TaskState.RUNNING),
        ((S.CANCELLED, S.SUCCEEDED), TaskState.CANCELLED),
    ],
)
def test_a_job_is_what_its_steps_are(states: tuple[StepState, ...], expected: TaskState) -> None:
    assert job_state([Step(str(number), state=state) for number, state in enumerate(states)]) is expected
