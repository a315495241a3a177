"""All checks of a preflight, as tables; what they find, in the order of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from imgmove.app.preflight import checks_account, checks_bucket, checks_destination, checks_image, estimate
from imgmove.app.preflight.answers import Answer
from imgmove.app.preflight.catalogue import CATALOGUE, found, in_order
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.sides import SideFacts
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding, Severity
from imgmove.core.requests import Operation

SideCheck = Callable[[Facts, SideFacts], Iterator[Finding]]
WayCheck = Callable[[Facts], Iterator[Finding]]

#: Of each side, also where its key is refused.
_ACCOUNT: Final[tuple[SideCheck, ...]] = (
    checks_account.identity, checks_account.token, checks_account.clock, checks_account.endpoints,
)  # fmt: skip
#: Of each side, once its key is good.
_BOTH: Final[tuple[SideCheck, ...]] = (
    checks_account.roles, checks_bucket.there, checks_bucket.rights, checks_bucket.set_up, checks_bucket.lifecycle,
)  # fmt: skip
_SOURCE: Final[tuple[SideCheck, ...]] = (checks_image.images,)
_DESTINATION: Final[tuple[SideCheck, ...]] = (
    checks_bucket.objects, checks_destination.name, checks_destination.quota, checks_destination.unknown,
    checks_destination.disks, checks_destination.largest_object, checks_destination.guest,
)  # fmt: skip
_WAY: Final[tuple[WayCheck, ...]] = (checks_image.way, estimate.time, estimate.cost)


def judge(facts: Facts) -> list[Finding]:
    """Everything that is wrong, worth a warning or good to know: by severity, then by section."""
    findings: list[Finding] = []
    for side in facts.sides:
        checks = _ACCOUNT if side.is_locked_out else (*_ACCOUNT, *_BOTH, *_of_word(side))
        of_side = [finding for check in checks for finding in check(facts, side)]
        findings += _with_dry_run(facts, side, of_side)
        findings += _unanswered(facts, side)
    findings += [finding for check in _WAY for finding in check(facts)]
    return in_order(findings)


def _of_word(side: SideFacts) -> tuple[SideCheck, ...]:
    return _SOURCE if side.side.word == "source" else _DESTINATION


def _with_dry_run(facts: Facts, side: SideFacts, findings: list[Finding]) -> list[Finding]:
    """The findings of a side with what its vendor's own dry run said.

    What both say is one finding, with the vendor's code, and `--force` does not go past it any more. Which of several of
    its kind the vendor means nobody can tell: its word then stands by itself.
    """
    error = facts.dry_runs[side.side.word].error if side.side.word in facts.dry_runs else None
    if error is None or facts.dry_runs[side.side.word].is_open:
        return findings
    alike = [finding for finding in findings if _is_said_by(finding, error)]
    if len(alike) == 1:
        both = replace(alike[0], waivable=False, code=alike[0].code or error.code,
                       request_id=alike[0].request_id or error.request_id)  # fmt: skip
        return [both if finding is alike[0] else finding for finding in findings]
    return [*findings, _refused(facts, side, error)]


def _is_said_by(finding: Finding, error: ImgmoveError) -> bool:
    return finding.severity is Severity.BLOCK and CATALOGUE[finding.id].kind is error.kind


def _refused(facts: Facts, side: SideFacts, error: ImgmoveError) -> Finding:
    if side.side.operation is Operation.EXPORT:
        return checks_image.export_refused(facts, side, error)
    return checks_image.copy_refused(facts, side, error)


# -------------------------------------------------------------------------------------------------- no verdict


def needed(facts: Facts, side: SideFacts) -> dict[str, Answer[object]]:
    """The looks without which nothing can be planned, by what they are about."""
    looks: dict[str, Answer[object]] = {side.side.bucket_uri: side.survey} if side.side.bucket else {}
    if side.side.word == "source":
        looks |= {f"the image {image_id}": answer for image_id, answer in facts.images.items()}
    else:
        looks |= {"its images": side.names, "its systems": side.systems}
        looks |= {f"{side.side.bucket_uri}/{disk.key}": answer for disk, answer in facts.objects}
    if side.side.word in facts.dry_runs:
        looks["its dry run"] = facts.dry_runs[side.side.word]
    return looks


def optional(side: SideFacts) -> dict[str, Answer[object]]:
    """The looks that are good to have, and of which nobody else says that they failed."""
    uri = side.side.bucket_uri
    return {"the quota of images": side.quota, f"reading {uri}": side.may_read, f"writing {uri}": side.may_write}


def _unanswered(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """What did not answer: in a report a block where nothing can be planned without it, else a warning."""
    words = side.side.words
    if facts.around.is_report:
        for question, answer in needed(facts, side).items():
            if answer.is_open:
                yield found("endpoint-unreachable", error=answer.error, question=question, **words)
                return
    looks = optional(side) | ({} if facts.around.is_report else needed(facts, side))
    for question, answer in looks.items():
        if answer.is_open:
            yield found("not-looked-at", severity=Severity.WARN, error=answer.error, question=question, **words)
