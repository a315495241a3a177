"""The one exception that crosses a seam, its kinds, and the exit code of each kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from imgmove.core.findings import Finding


class Kind(StrEnum):
    """Why something failed. The kind decides whether to try again and which exit code a command ends with."""

    USAGE = "usage"
    """The command line or the configuration is wrong; no provider was asked."""
    INVALID = "invalid"
    """The provider's rules refuse a value."""
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    """Credentials, role or permission."""
    NOT_FOUND = "not_found"
    EXISTS = "exists"
    """A name or object is taken."""
    CONFLICT = "conflict"
    """The thing is in the wrong state, or busy with something else; later may work."""
    QUOTA = "quota"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    """The service or the network did not answer, or not with an answer of its protocol."""
    TIMEOUT = "timeout"
    """The user's own deadline ran out; the work may go on at the provider."""
    CORRUPT = "corrupt"
    FAILED = "failed_remotely"
    """The provider accepted the work and then reported that it failed."""
    PARTIAL = "partial"
    """Several were asked for and only some succeeded."""
    HELD = "held"
    """The job is held by another running imgmove."""
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


EXIT_OK: Final = 0

EXIT_CODES: Final[dict[Kind, int]] = {
    Kind.USAGE: 2,
    Kind.INVALID: 4,
    Kind.UNSUPPORTED: 4,
    Kind.DENIED: 3,
    Kind.NOT_FOUND: 4,
    Kind.EXISTS: 4,
    Kind.CONFLICT: 4,
    Kind.QUOTA: 5,
    Kind.THROTTLED: 5,
    Kind.UNAVAILABLE: 1,
    Kind.TIMEOUT: 6,
    Kind.CORRUPT: 7,
    Kind.FAILED: 1,
    Kind.PARTIAL: 8,
    Kind.HELD: 9,
    Kind.INTERRUPTED: 130,
    Kind.UNKNOWN: 1,
}

EXIT_MEANINGS: Final[dict[int, str]] = {
    0: "done; with --no-wait, accepted",
    1: "the operation failed at the provider, or a copy could not be completed",
    2: "the command line or the configuration is wrong",
    3: "credentials, role or permission",
    4: "the provider refuses the request: no such image, bucket or instance, wrong state, wrong format",
    5: "a quota or a rate limit that waiting did not cure",
    6: "--timeout ran out; the work goes on at the provider, and `jobs resume` takes it up",
    7: "the data is not what it should be: a checksum or a format does not match",
    8: "several were asked for, and only some succeeded: the output says which",
    9: "the job is held by another running imgmove",
    130: "interrupted; the job can be resumed",
}

#: Kinds after which the same call, unchanged, may work a little later.
PASSING_KINDS: Final = frozenset({Kind.THROTTLED, Kind.UNAVAILABLE})


@dataclass(eq=False)
class ImgmoveError(Exception):
    """What went wrong, for a program (kind, code) and for an operator (message, hint).

    `code`, `message` and `request_id` are the vendor's own where there is a vendor's answer; text from a
    vendor is raw data and is made harmless where it is shown (`imgmove.core.text.clean`). `maybe_applied`
    is true where a call that changes something may have taken effect although it failed: look before
    sending again. `retry_after_seconds` is the vendor's wish, if it said one.
    """

    kind: Kind
    message: str
    code: str = ""
    hint: str = ""
    request_id: str | None = None
    maybe_applied: bool = False
    retry_after_seconds: float | None = None
    findings: tuple[Finding, ...] = ()
    """What a look beforehand has found, where that is the reason: all of it, not only what blocks."""

    def __post_init__(self) -> None:
        super().__init__(self.kind, self.message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.kind]

    @property
    def is_passing(self) -> bool:
        """True where trying again unchanged makes sense (for calls that are safe to repeat)."""
        return self.kind in PASSING_KINDS

    def with_hint(self, hint: str) -> ImgmoveError:
        """The same error with another hint."""
        return replace(self, hint=hint)


def usage_error(message: str, hint: str = "", code: str = "Usage") -> ImgmoveError:
    """An error of the command line or the configuration (exit code 2)."""
    return ImgmoveError(Kind.USAGE, message, code=code, hint=hint)
