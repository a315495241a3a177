"""Will this image start on the other cloud? The guard first, then a look inside, then the rules; nothing is changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from imgmove.app.objects import StoredImage
from imgmove.app.results import error_json, finding_json
from imgmove.core.errors import EXIT_CODES, ImgmoveError, Kind
from imgmove.core.findings import Finding, Severity, blocking
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import BootMode
from imgmove.images.guest.rules import HOW_TO_MEND, RuleState, Target, Verdict, judge, refused
from imgmove.images.headers.facts import Facts
from imgmove.images.reading.inspection import Inspection, Limits
from imgmove.images.reading.process import look_inside
from imgmove.images.reading.source import ImageSource

Progress = Callable[[int, int], None]
_LIMITS: Final = Limits()


@dataclass(frozen=True)
class CheckReport:
    """What a look into one image has found. `facts` None: the guard refused it, and nobody looked further."""

    what: str
    target: Target
    title: str
    """The destination's name for people."""
    size_bytes: int
    verdict: Verdict
    facts: Facts | None = None
    inspection: Inspection = field(default_factory=Inspection)
    read_bytes: int = 0
    """Of the whole look, the guard's reads included."""
    requests: int = 0
    seconds: float = 0.0

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.verdict.findings

    @property
    def rules(self) -> tuple[RuleState, ...]:
        return self.verdict.rules

    @property
    def how_to_mend(self) -> str | None:
        """How remedies are applied, said once; None where there is nothing to mend inside."""
        return HOW_TO_MEND if self.findings and self.facts is not None else None

    @property
    def verdict_word(self) -> str:
        """`block`, `warn` or `ok`; `unknown` where nothing blocks and a rule could not be looked at."""
        if self.verdict.will_start is not True:
            return "unknown" if self.verdict.will_start is None else "block"
        return "warn" if any(item.severity is Severity.WARN for item in self.findings) else "ok"

    def error(self, *, force: bool = False) -> ImgmoveError | None:
        """The error that a command ends with: the first finding that blocks, None where none does."""
        found = blocking(self.findings, force=force)
        if not found:
            return None
        first = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        kind = Kind.CORRUPT if first.exit_code == EXIT_CODES[Kind.CORRUPT] else Kind.UNSUPPORTED
        return ImgmoveError(
            kind, f"{self.what} would not start on {self.title}: {first.what}{more}",
            code=first.code or first.id, hint=first.fix, findings=self.findings,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The contract's document of findings, and behind it what was looked at and what it took."""
        return {
            "findings": [finding_json(finding) for finding in self.findings],
            "error": error_json(self.error()),
            "what": self.what,
            "target": self.target.provider,
            "verdict": self.verdict_word,
            "rules": [
                {"id": item.id, "title": item.title, "state": item.state.value, "note": item.note}
                for item in self.rules
            ],
            "how_to_mend": self.how_to_mend,
            "image": self._image_json(),
            "guest": self._guest_json(),
            "read": {
                "bytes": self.read_bytes,
                "requests": self.requests,
                "percent": round(self.read_percent, 3),
                "seconds": round(self.seconds, 3),
            },
        }

    @property
    def read_percent(self) -> float:
        """How much of the object was read."""
        return 100 * self.read_bytes / self.size_bytes if self.size_bytes else 0.0

    def _image_json(self) -> dict[str, Any]:
        layout = self.inspection.layout
        return {
            "format": self.facts.format.value if self.facts and self.facts.format else None,
            "size": self.size_bytes,
            "disk_size": layout.disk_bytes if layout else (self.facts.virtual_bytes if self.facts else None),
            "table": layout.table if layout else None,
            "file_systems": [
                {
                    "where": item.where,
                    "kind": item.kind,
                    "size": item.size_bytes,
                    "uuid": item.uuid,
                    "label": item.label,
                }
                for item in (layout.file_systems if layout else ())
            ],
        }

    def _guest_json(self) -> dict[str, Any] | None:
        facts = self.inspection.facts
        if facts is None or facts.os is None:
            return None
        return {
            "os": facts.os.name,
            "kind": facts.os.kind,
            "id": facts.os.id,
            "version": facts.os.version,
            "architecture": facts.os.architecture,
            "root": facts.root_where,
            "kernels": [kernel.version for kernel in facts.kernels or ()],
        }


def target_of(provider: str, origin: str, boot_mode: BootMode | None) -> Target:
    """Where an image is to start, and where it ran (empty: unknown)."""
    return Target(provider, boot_mode.value if boot_mode else None, origin)


def limits_of(max_read_bytes: float | None) -> Limits:
    """The limits of a look, with the operator's own on what is read."""
    return _LIMITS if max_read_bytes is None else replace(_LIMITS, read_bytes=int(max_read_bytes))


def check_image(
    image: StoredImage,
    declared: DiskFormat | None,
    target: Target,
    title: str,
    *,
    limits: Limits = _LIMITS,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> CheckReport:
    """Look at `image` as the system disk of a machine on `target`, called `title`. Reads only; safe to repeat.

    What is wrong with the image, hostile headers included, is in the report. Raises for what is wrong with the look:
    an object that changed meanwhile (CONFLICT), a store that does not answer, readers that are not installed.
    """
    started = monotonic()
    meter = _Meter(image)
    try:
        facts = meter.image.guarded(declared, system_disk=True)
    except ImgmoveError as error:
        if error.kind is not Kind.CORRUPT:
            raise
        report = CheckReport(image.uri, target, title, image.size_bytes, refused(error, image.uri))
        return meter.report(report, monotonic() - started)
    source = ImageSource(image.uri, image.size_bytes, meter.image.read)
    inspection = look_inside(source, facts.format or DiskFormat.RAW, limits, progress=progress, stop=stop)
    verdict = judge(target, inspection.layout, inspection.facts, inspection.trouble)
    report = CheckReport(image.uri, target, title, image.size_bytes, verdict, facts, inspection)
    return meter.report(report, monotonic() - started)


class _Meter:
    """Counts what is read of an image, by whomever."""

    def __init__(self, image: StoredImage) -> None:
        self._read = image.read
        self.read_bytes = self.requests = 0
        self.image = replace(image, read=self._counted)

    def _counted(self, offset: int, length: int) -> bytes:
        found = self._read(offset, length)
        self.requests += 1
        self.read_bytes += len(found)
        return found

    def report(self, report: CheckReport, seconds: float) -> CheckReport:
        return replace(report, read_bytes=self.read_bytes, requests=self.requests, seconds=seconds)
