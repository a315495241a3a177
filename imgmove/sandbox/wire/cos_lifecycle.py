"""COS's lifecycle rules of buckets: PUT, GET and DELETE Bucket lifecycle."""

from __future__ import annotations

import secrets

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.cos_buckets import body_document, xml_answer
from imgmove.sandbox.wire.cos_call import Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_properties import STORAGE_CLASSES, check_md5
from imgmove.sandbox.wire.lifecycle_xml import (
    LifecycleError,
    check_children,
    check_rules,
    date,
    days,
    enabled,
    only,
    transition,
)
from imgmove.sandbox.wire.store_xml import Element, Xml, tag
from imgmove.sandbox.world.lifecycle_rules import LifecycleRule, Transition

ROOT = "LifecycleConfiguration"
TARGETS = STORAGE_CLASSES - {"STANDARD", "MAZ_STANDARD"}


def put_lifecycle(call: Call) -> Response:
    """PUT Bucket lifecycle: replaces all rules."""
    check_md5(call.header("Content-MD5"), call.request.body)
    wanted = body_document(call, ROOT)
    try:
        check_children(wanted, "Rule")
        rules = [_read(rule) for rule in wanted.all("Rule")]
        check_rules(rules)
    except LifecycleError as error:
        code = "NotImplemented" if error.unknown else "MalformedXML"
        raise CosError(code, f"{error}.") from error
    _set(call, rules)
    return Response(200, [])


def get_lifecycle(call: Call) -> Response:
    """GET Bucket lifecycle."""
    if not call.bucket.lifecycle:
        raise CosError("NoSuchLifecycleConfiguration")
    return xml_answer(tag(ROOT, *map(_render, call.bucket.lifecycle)))


def delete_lifecycle(call: Call) -> Response:
    """DELETE Bucket lifecycle: 204 whether there was one or not."""
    _set(call, [])
    return Response(204, [])


def _set(call: Call, rules: list[LifecycleRule]) -> None:
    with call.world.lock:
        call.bucket.lifecycle = rules
        call.world.changed()


def _read(rule: Element) -> LifecycleRule:
    check_children(
        rule, "ID", "Filter", "Prefix", "Status", "Transition", "Expiration", "AbortIncompleteMultipartUpload",
        "NoncurrentVersionTransition", "NoncurrentVersionExpiration",
    )  # fmt: skip
    expiration, noncurrent = only(rule, "Expiration"), only(rule, "NoncurrentVersionExpiration")
    return LifecycleRule(
        rule_id=rule.get("ID") or secrets.token_hex(8),
        prefix=_prefix(rule),
        enabled=enabled(rule),
        expire_days=days(expiration, "Days"),
        expire_date=date(expiration, "Date"),
        expire_delete_markers=bool(expiration and expiration.get("ExpiredObjectDeleteMarker").lower() == "true"),
        transitions=[transition(each, "Days", "Date", TARGETS) for each in rule.all("Transition")],
        abort_upload_days=days(only(rule, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation"),
        noncurrent_expire_days=days(noncurrent, "NoncurrentDays"),
        noncurrent_transitions=[
            transition(each, "NoncurrentDays", "Date", TARGETS) for each in rule.all("NoncurrentVersionTransition")
        ],
    )


def _prefix(rule: Element) -> str:
    """The prefix in Filter; filters by tags have nothing to go by here."""
    chosen = only(rule, "Filter")
    if chosen is None:
        return rule.get("Prefix")
    joined = only(chosen, "And")
    for part in (chosen, joined):
        if part is not None:
            check_children(part, "Prefix", "And")
    return (joined or chosen).get("Prefix")


def _render(rule: LifecycleRule) -> Xml:
    expiration = [
        *([tag("Days", rule.expire_days)] if rule.expire_days is not None else []),
        *([tag("Date", rule.expire_date)] if rule.expire_date else []),
        *([tag("ExpiredObjectDeleteMarker", "true")] if rule.expire_delete_markers else []),
    ]
    abort, noncurrent = rule.abort_upload_days, rule.noncurrent_expire_days
    aborted = tag("AbortIncompleteMultipartUpload", tag("DaysAfterInitiation", abort or 0))
    return tag(
        "Rule",
        tag("ID", rule.rule_id),
        tag("Filter", *([tag("Prefix", rule.prefix)] if rule.prefix else [])),
        tag("Status", "Enabled" if rule.enabled else "Disabled"),
        *(tag("Transition", *_moved(each, "Days")) for each in rule.transitions),
        *([tag("Expiration", *expiration)] if expiration else []),
        *([aborted] if abort is not None else []),
        *(tag("NoncurrentVersionTransition", *_moved(each, "NoncurrentDays")) for each in rule.noncurrent_transitions),
        *([tag("NoncurrentVersionExpiration", tag("NoncurrentDays", noncurrent))] if noncurrent is not None else []),
    )


def _moved(move: Transition, name: str) -> list[Xml]:
    when = tag("Date", move.date) if move.days is None else tag(name, move.days)
    return [when, tag("StorageClass", move.storage_class)]
