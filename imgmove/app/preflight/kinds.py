"""What a kind of finding is: its name, how bad it is by default, its texts, and the exit code that it would have led to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from imgmove.core.errors import EXIT_CODES, ImgmoveError, Kind
from imgmove.core.findings import Finding, Severity
from imgmove.core.inspection import Advice


class Section(StrEnum):
    """What a finding is about, in the order in which reports show them."""

    IDENTITY = "identity"
    ENDPOINT = "endpoint"
    ROLES = "roles"
    BUCKET = "bucket"
    IMAGE = "image"
    DESTINATION = "destination"
    ESTIMATE = "estimate"


NO_ADVICE: Final = Advice()


@dataclass(frozen=True)
class FindingKind:
    """One kind of finding. `what`, `why` and `fix` name things in braces, filled in where it is found.

    `kind` decides the exit code: that of the failure which is spared; None where the vendor's own answer decides, or
    where nothing would have failed. `waivable`: our own judgement, past which `--force` goes. `noted`: an INFO that
    is said although nobody asked for a report.
    """

    id: str
    section: Section
    severity: Severity
    kind: Kind | None
    title: str
    what: str
    why: str = ""
    fix: str = ""
    waivable: bool = False
    noted: bool = False

    @property
    def error_code(self) -> str:
        """What an error is called that this finding stops a command with: `bucket-missing` is `BucketMissing`."""
        return "".join(word.capitalize() for word in self.id.split("-"))

    def found(
        self, *, about: str = "", severity: Severity | None = None, error: ImgmoveError | None = None, case: str = "",
        advice: Advice = NO_ADVICE, reason: str = "", **words: Any,
    ) -> Finding:  # fmt: skip
        """A finding of this kind. `error` is the refusal that it was found by; `{error}` is its text, or `reason`."""
        given = {"about": about, "error": error.message if error else reason, **words}
        kind = self.kind or (error.kind if error else None)
        return Finding(
            self.id, severity or self.severity, self.what.format_map(given), self.why.format_map(given),
            self._fix(advice, given, error), EXIT_CODES[kind] if kind else None, about, case,
            self.waivable, error.code if error else "", error.request_id if error else None,
        )  # fmt: skip

    def _fix(self, advice: Advice, words: Mapping[str, Any], error: ImgmoveError | None) -> str:
        """The cloud's own advice, else ours, else what the error says to do."""
        for template in (advice.fixes.get(self.id, ""), self.fix):
            try:
                text = template.format_map(words)
            except (KeyError, IndexError, ValueError, AttributeError):
                continue  # advice of a third party's cloud that names what this finding does not have
            if text:
                return text
        return error.hint if error else ""
