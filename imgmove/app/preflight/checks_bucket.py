"""The two buckets: there, in the right place, open to us, and set up so that what is staged survives and stays private."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from imgmove.app.preflight.catalogue import found
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.sides import SideFacts
from imgmove.core.errors import Kind
from imgmove.core.findings import Finding, Severity
from imgmove.core.inspection import BucketSurvey, LifecycleRule
from imgmove.core.requests import Operation

_DAY_SECONDS: Final = 86400.0
#: A rule that acts sooner than this may meet a job that was interrupted over a weekend.
_SOON_DAYS: Final = 4
#: What staged objects are called: rules for other prefixes do not concern them. Exports have prefixes of their own.
_STAGED: Final = "imgmove-"
_PARTS: Final = {
    "encryption": "encryption",
    "acl": "access",
    "lifecycle": "lifecycle rules",
    "versioning": "versioning",
}


def there(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Named, existing, open to us, in the service's region, and of our account."""
    words, survey = _words(side), side.survey
    if not side.side.bucket:
        if side.side.operation is not Operation.TRANSFER:
            yield found("bucket-not-named", **words | {"about": ""})
    elif side.side.bucket_problem is not None:
        yield found("bucket-name", error=side.side.bucket_problem, **words)
    elif survey.value is not None:
        yield from _place(side, survey.value)
    elif survey.error is not None:
        yield from _refused(side)


def _place(side: SideFacts, survey: BucketSurvey) -> Iterator[Finding]:
    if side.is_elsewhere(survey):
        doubtful = "bucket_region" in side.side.rules.doubtful
        yield found("bucket-in-another-region", found=survey.region, severity=_doubt(doubtful), **_words(side))
    who = side.identity.value
    ours = {who.account_id, who.app_id} - {""} if who else set()
    owner = _owner(side, survey)
    if ours and owner and owner not in ours:
        yield found("bucket-of-another-account", owner=owner, account=who.account_id if who else "", **_words(side))


def _owner(side: SideFacts, survey: BucketSurvey) -> str:
    """The account that the bucket belongs to: its store says so, or its name does (Tencent's APPID)."""
    who = side.identity.value
    suffix = side.side.bucket.rpartition("-")[2]
    return suffix if who and who.app_id and suffix.isdecimal() else survey.owner


def _refused(side: SideFacts) -> Iterator[Finding]:
    error, words = side.survey.error, _words(side)
    assert error is not None  # noqa: S101 - the caller looked
    own = side.side.advice.codes.get(error.code, "")
    if own:
        yield found(own, error=error, **words)
    elif error.kind is Kind.NOT_FOUND:
        yield found("bucket-missing", error=error, **words)
    elif error.kind is Kind.DENIED:
        # Where we copy nothing by ourselves, it is the service's role that needs the bucket.
        enough = side.may_read.is_good or side.may_write.is_good or not side.side.plans_ahead
        yield found("bucket-denied", error=error, severity=_doubt(enough), **words)
    elif not side.survey.is_open:
        yield found("bucket-not-surveyed", error=error, parts="the set-up", **words)


def rights(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """May we read and write objects, as far as we have to?"""
    if side.survey.error is not None and side.survey.error.kind is Kind.NOT_FOUND:
        return
    for answer, kind_id in ((side.may_read, "bucket-not-readable"), (side.may_write, "bucket-not-writable")):
        if answer.error is None:
            continue
        own = side.side.advice.codes.get(answer.error.code, "")
        if own or answer.is_denied:
            yield found(own or kind_id, error=answer.error, **_words(side))


def set_up(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Encryption, storage class, access and versioning."""
    survey, rules, words = side.survey.value, side.side.rules, _words(side)
    if survey is None:
        return
    if survey.encryption and rules.refuses_encrypted_bucket:
        doubt = _doubt("refuses_encrypted_bucket" in rules.doubtful)
        yield found("bucket-encrypted", encryption=survey.encryption, severity=doubt, **words)
    if survey.is_archive:
        yield found("bucket-archives", storage_class=survey.storage_class, **words)
    if survey.acl not in (None, "", "private"):
        yield found("bucket-public", acl=survey.acl, **words)
    if survey.versioning == "enabled" and side.side.operation is not Operation.TRANSFER and _is_staging(facts):
        yield found("bucket-versioned", **words)
    unknown = [text for name, text in _PARTS.items() if getattr(survey, name) is None]
    if unknown:
        yield found("bucket-not-surveyed", parts=", ".join(unknown), **words)


def lifecycle(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Rules that delete, archive or give up what is under way."""
    rules = side.survey.value.lifecycle if side.survey.value else None
    for rule in rules or ():
        if rule.enabled and _concerns_us(rule, side):
            yield from _of_rule(rule, _words(side) | {"rule": rule.id or "(unnamed)"})


def _concerns_us(rule: LifecycleRule, side: SideFacts) -> bool:
    """Exports begin with a prefix of the job's, which nobody knows yet: there, only rules for everything count."""
    return not rule.prefix or (side.side.writes_objects and _STAGED.startswith(rule.prefix[: len(_STAGED)]))


def _of_rule(rule: LifecycleRule, words: dict[str, Any]) -> Iterator[Finding]:
    if rule.expire_days is not None and rule.expire_days <= _SOON_DAYS:
        yield found("bucket-expires-objects", days=rule.expire_days, **words)
    if rule.transition_days is not None and rule.transition_days <= _SOON_DAYS:
        name = rule.transition_class or "a colder class"
        yield found("bucket-moves-objects", days=rule.transition_days, storage_class=name, **words)
    if rule.abort_upload_days is not None and rule.abort_upload_days < _SOON_DAYS:
        yield found("bucket-aborts-uploads", days=rule.abort_upload_days, **words)


def objects(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Objects to import that are archived. One that is missing is told by whoever looks inside."""
    refuses = side.side.rules.refuses_archived_objects
    for disk, answer in facts.objects:
        kind = answer.value.storage_class if answer.value else ""
        if refuses and "archive" in kind.lower():
            uri = f"{side.side.bucket_uri}/{disk.key}"
            yield found("object-archived", storage_class=kind, **_words(side) | {"about": uri})


def _is_staging(facts: Facts) -> bool:
    """A migration removes what it staged; an export leaves its objects, and an import its source."""
    return bool(facts.source and facts.destination) and not facts.wanted.keep_staged


def _doubt(doubtful: bool) -> Severity:
    return Severity.WARN if doubtful else Severity.BLOCK


def _words(side: SideFacts) -> dict[str, Any]:
    return side.side.words | {"about": side.side.bucket_uri, "advice": side.side.advice}
