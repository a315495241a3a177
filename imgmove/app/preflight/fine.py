"""What was looked at and found fine: said in a report, so that nobody takes a look that was not made for a good one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imgmove.app.preflight.checks_account import SKEW_WARN_SECONDS
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.sides import SideFacts
from imgmove.core.findings import Finding, Severity
from imgmove.core.requests import Operation


def found_fine(facts: Facts, findings: Sequence[Finding]) -> tuple[str, ...]:
    """In words, a line each, the source's first. What a finding speaks against is left out, and what was not asked."""
    wrong = {(item.id, item.about) for item in findings if item.severity is not Severity.INFO}
    lines = [line for side in facts.sides if not side.is_locked_out for line in _of_side(facts, side, wrong)]
    return tuple(dict.fromkeys(lines))


def _of_side(facts: Facts, side: SideFacts, wrong: set[tuple[str, str]]) -> Iterator[str]:
    title = side.side.title
    if side.skew_seconds is not None and abs(side.skew_seconds) < SKEW_WARN_SECONDS:
        yield f"this machine's clock agrees with {title}'s"
    yield from _roles(side)
    yield from _bucket(side, wrong)
    if side.side.word == "destination":
        yield from _destination(facts, side)
    dry_run = facts.dry_runs.get(side.side.word)
    # An import's dry run has no object yet to speak about: that it refuses nothing is not known.
    is_told = side.side.operation is not Operation.IMPORT
    if is_told and dry_run is not None and dry_run.value is not None and dry_run.value.performed:
        yield f"{title}'s own dry run of the {side.side.operation.value} refuses nothing"


def _roles(side: SideFacts) -> Iterator[str]:
    for role, answer in side.roles:
        state = answer.value
        if state is not None and state.exists and state.trusts and state.missing_actions == ():
            yield f"the role {role.name} is there, trusts {role.trusted_service}, and has its rights"


def _bucket(side: SideFacts, wrong: set[tuple[str, str]]) -> Iterator[str]:
    survey, uri = side.survey.value, side.side.bucket_uri
    if survey is None:
        return
    region = f", in {survey.region}" if survey.region and ("bucket-in-another-region", uri) not in wrong else ""
    rights = [word for word, answer in (("read", side.may_read), ("write", side.may_write)) if answer.is_good]
    may = f", and this key may {' and '.join(rights)} objects in it" if rights else ""
    yield f"{uri} is there{region}{may}"
    if not any(about == uri for _, about in wrong) and None not in (survey.encryption, survey.acl, survey.lifecycle):
        yield f"{uri} is set up well: access, encryption, storage class, versions, lifecycle rules"


def _destination(facts: Facts, side: SideFacts) -> Iterator[str]:
    if facts.name and side.names.value is not None and facts.name not in side.names.value:
        yield f"the name {facts.name!r} is free in {side.side.region or side.side.title}"
    known = side.quota.value
    if known is not None and known.limit is not None and known.used is not None and known.used < known.limit:
        yield f"{side.side.title} has room for another image: {known.used} of {known.limit}"
