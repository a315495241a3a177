"""Questions that are safe to repeat: what passes is tried again a few times before it counts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from imgmove.core.errors import ImgmoveError
from imgmove.engine.backoff import Backoff
from imgmove.engine.waiting import Waiter

T = TypeVar("T")

#: Somebody sits in front of it: a second or two of trouble is borne, no more.
TRIES: Final = 4
BACKOFF: Final = Backoff(base_seconds=0.5, cap_seconds=8.0)
#: A service that wants more than this to pass is not waited for.
LONGEST_WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Reads:
    """Asks on behalf of one run. Safe to use from several threads where the waiter's clock is."""

    waiter: Waiter
    chance: random.Random = field(default_factory=random.SystemRandom)

    def ask(self, question: Callable[[], T]) -> T:
        """The answer. Throttling and outages are waited out, four tries in all; then, and for all else, the error.

        Raises INTERRUPTED when asked to stop. Only for what changes nothing.
        """
        self.waiter.check_stop()
        for failures in range(1, TRIES):
            try:
                return question()
            except ImgmoveError as error:
                wished = error.retry_after_seconds
                if not error.is_passing or self.waiter.is_over or (wished or 0.0) > LONGEST_WAIT_SECONDS:
                    raise
                self.waiter.wait(BACKOFF.seconds(failures, self.chance, wished))
        return question()
