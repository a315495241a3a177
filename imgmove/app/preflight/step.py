"""The step `preflight` of a migration: everything is asked, all findings are said, and later steps are planned by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imgmove.app.copying import End
from imgmove.app.leftovers import staged_prefix
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.preflight.answers import NO_VERDICT
from imgmove.app.preflight.beforehand import Beforehand
from imgmove.app.preflight.catalogue import found, in_order, is_noted
from imgmove.app.preflight.checks import judge
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.refusal import refusal
from imgmove.app.preflight.sides import Side
from imgmove.app.resolve import split_account
from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Found
from imgmove.core.findings import Finding
from imgmove.engine.steps import StepContext, StepFailed


class Preflight:
    """The step function. Its outputs are what the later steps are planned by, and the findings."""

    def __init__(self, beforehand: Beforehand) -> None:
        self._beforehand = beforehand

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        request = MigrateRequest.of(context.job)
        context.begin({})
        try:
            return self._look(context, request)
        except ImgmoveError as error:
            if error.kind in NO_VERDICT:
                raise
            raise StepFailed(error) from error

    def _look(self, context: StepContext, request: MigrateRequest) -> Mapping[str, Any]:
        facts = self._beforehand.before_migration(request, context.waiter)
        findings = judge(facts)
        _settle(findings, request)
        if not request.own_copy and facts.destination is not None:
            _settle(in_order([*findings, *self._write(context, request, facts.destination.side)]), request)
        for finding in findings:
            if is_noted(finding):
                context.tell(Found, text=said(finding))
        return {**_plan(facts), "findings": [encode(item) for item in findings]}

    def _write(self, context: StepContext, request: MigrateRequest, side: Side) -> Sequence[Finding]:
        """May we write the destination's bucket? An upload is begun and given up at once; the last of all checks.

        One that an earlier run had no time to give up is found by its name.
        """
        profile = split_account(request.dest_provider)[1]
        store = self._beforehand.stores(End(request.dest_scheme, side.bucket, "", side.region, profile))
        key = f"{staged_prefix(context.job.id)}preflight"
        try:
            for upload in store.uploads(key):
                store.abort(upload.key, upload.upload_id)
            store.abort(key, store.begin(key))
        except ImgmoveError as error:
            if error.kind is not Kind.DENIED:
                raise
            return [found("bucket-not-writable", error=error, **side.words | {"about": side.bucket_uri})]
        return []


def said(finding: Finding) -> str:
    """A finding in one line, for progress."""
    about = f"{finding.about}: " if finding.about and finding.about not in finding.what else ""
    mark = "" if finding.severity.value == "info" else f"{finding.severity.value} {finding.id}: "
    return f"{mark}{about}{finding.what}"


def _settle(findings: Sequence[Finding], request: MigrateRequest) -> None:
    error = refusal(findings, force=request.force)
    if error is not None:
        raise error


def _plan(facts: Facts) -> dict[str, Any]:
    """What the later steps need to know."""
    if facts.wanted.own_copy:
        return {"name": facts.name, "message": "the provider copies it by itself"}
    route, guest = facts.route.value, facts.guest
    assert route is not None and guest is not None  # noqa: PT018, S101 - settled: nothing that must be known is missing
    notes = () if facts.wanted.os_type else guest.notes
    return {
        "name": facts.name,
        "exported": route.exported.value,
        "arrives": route.arrives.value,
        "imported": route.imported.value,
        "guest": encode(guest),
        "message": "; ".join((*notes, route.describe())),
    }
