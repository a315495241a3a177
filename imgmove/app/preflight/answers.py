"""Questions asked side by side, and what came of each: an answer, a refusal, or nobody was there to be asked."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.reads import Reads

T_co = TypeVar("T_co", covariant=True)

#: What ends a look, and says nothing about what was looked at: a later run asks again.
NO_VERDICT: Final[frozenset[Kind]] = frozenset(
    {Kind.THROTTLED, Kind.UNAVAILABLE, Kind.INTERRUPTED, Kind.TIMEOUT, Kind.UNKNOWN, Kind.HELD}
)
#: So many questions are under way at once.
AT_ONCE: Final = 8
#: How often a main thread that waits for answers looks whether it should stop.
_LOOK_SECONDS: Final = 0.2

Question = Callable[[], Any]


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """`value`, or why there is none. Neither: nobody asked, for there is no such look here."""

    value: T_co | None = None
    error: ImgmoveError | None = None
    asked: bool = True

    @property
    def is_good(self) -> bool:
        """It was asked, and nothing was refused."""
        return self.asked and self.error is None

    @property
    def is_denied(self) -> bool:
        return self.error is not None and self.error.kind is Kind.DENIED

    @property
    def is_open(self) -> bool:
        """The look failed in a way that is no verdict."""
        return self.error is not None and self.error.kind in NO_VERDICT


NOT_ASKED: Final[Answer[Any]] = Answer(asked=False)


def ask_all(questions: Mapping[str, Question], reads: Reads) -> dict[str, Answer[Any]]:
    """The answer to each question; passing failures were tried again (`Reads`). Questions change nothing.

    Raises INTERRUPTED when asked to stop, a usage error where one was found, and whatever is a bug of ours.
    """
    waiting: queue.SimpleQueue[tuple[str, Question]] = queue.SimpleQueue()
    for named in questions.items():
        waiting.put(named)
    given: dict[str, Answer[Any]] = {}
    bugs: list[BaseException] = []

    def work() -> None:
        while True:
            try:
                name, question = waiting.get_nowait()
            except queue.Empty:
                return
            given[name] = _answer(question, reads, bugs)

    # Daemons: an endpoint that hangs does not keep a command from ending when it is told to.
    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(questions)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(_LOOK_SECONDS)
            reads.waiter.check_stop()
    _raise_what_is_no_answer(given, bugs)
    return {name: given[name] for name in questions}


def _answer(question: Question, reads: Reads, bugs: list[BaseException]) -> Answer[Any]:
    try:
        return Answer(reads.ask(question))
    except ImgmoveError as error:
        return Answer(error=error)
    except BaseException as bug:  # noqa: BLE001 - raised again in the thread that waits
        bugs.append(bug)
        return NOT_ASKED


def _raise_what_is_no_answer(given: Mapping[str, Answer[Any]], bugs: list[BaseException]) -> None:
    if bugs:
        raise bugs[0]
    for answer in given.values():
        if answer.error is not None and answer.error.kind in {Kind.USAGE, Kind.INTERRUPTED}:
            raise answer.error
