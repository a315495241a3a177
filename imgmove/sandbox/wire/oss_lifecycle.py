"""OSS's lifecycle rules of buckets: PutBucketLifecycle, GetBucketLifecycle, DeleteBucketLifecycle."""

from __future__ import annotations

import secrets

from imgmove.sandbox.http import Response
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
from imgmove.sandbox.wire.oss_buckets import body_document, xml_answer
from imgmove.sandbox.wire.oss_call import Call
from imgmove.sandbox.wire.oss_errors import OssError
from imgmove.sandbox.wire.oss_properties import STORAGE_CLASSES, check_md5
from imgmove.sandbox.wire.store_xml import Element, Xml, tag
from imgmove.sandbox.world.lifecycle_rules import LifecycleRule, Transition

ROOT = "LifecycleConfiguration"
TARGETS = STORAGE_CLASSES - {"Standard"}
BY_ACCESS = ("IsAccessTime", "ReturnToStdWhenVisit", "AllowSmallFile")
"""Switches of rules that go by the last access: taken when they say false, since no accesses are kept here."""


def put_lifecycle(call: Call) -> Response:
    """PutBucketLifecycle: replaces all rules."""
    check_md5(call)
    wanted = body_document(call, ROOT)
    try:
        check_children(wanted, "Rule")
        rules = [_read(rule) for rule in wanted.all("Rule")]
        check_rules(rules)
    except LifecycleError as error:
        if error.unknown:
            raise OssError("NotImplemented", f"{error}.") from error
        raise OssError("MalformedXML", ErrorDetail=str(error)) from error
    _set(call, rules)
    return Response(200, [])


def get_lifecycle(call: Call) -> Response:
    """GetBucketLifecycle."""
    if not call.bucket.lifecycle:
        raise OssError("NoSuchLifecycle", BucketName=call.bucket.name)
    return xml_answer(tag(ROOT, *map(_render, call.bucket.lifecycle)))


def delete_lifecycle(call: Call) -> Response:
    """DeleteBucketLifecycle: 204 whether there was one or not."""
    _set(call, [])
    return Response(204, [])


def _set(call: Call, rules: list[LifecycleRule]) -> None:
    with call.world.lock:
        call.bucket.lifecycle = rules
        call.world.changed()


def _read(rule: Element) -> LifecycleRule:
    check_children(
        rule, "ID", "Prefix", "Status", "Expiration", "Transition", "AbortMultipartUpload", "AtimeBase",
        "NoncurrentVersionExpiration", "NoncurrentVersionTransition",
    )  # fmt: skip
    expiration, noncurrent = only(rule, "Expiration"), only(rule, "NoncurrentVersionExpiration")
    aborted = only(rule, "AbortMultipartUpload")
    if aborted is not None:
        check_children(aborted, "Days")
    return LifecycleRule(
        rule_id=rule.get("ID") or secrets.token_hex(8),
        prefix=rule.get("Prefix"),
        enabled=enabled(rule),
        expire_days=days(expiration, "Days"),
        expire_date=date(expiration, "CreatedBeforeDate") or date(expiration, "Date"),
        expire_delete_markers=bool(expiration and expiration.get("ExpiredObjectDeleteMarker").lower() == "true"),
        transitions=[_transition(each, "Days") for each in rule.all("Transition")],
        abort_upload_days=days(aborted, "Days"),
        noncurrent_expire_days=days(noncurrent, "NoncurrentDays"),
        noncurrent_transitions=[
            _transition(each, "NoncurrentDays") for each in rule.all("NoncurrentVersionTransition")
        ],
    )


def _transition(element: Element, days_name: str) -> Transition:
    asked = [name for name in BY_ACCESS if element.get(name).lower() == "true"]
    if asked:
        raise LifecycleError(f"{asked[0]} is not carried out", unknown=asked[0])
    return transition(element, days_name, "CreatedBeforeDate", TARGETS)


def _render(rule: LifecycleRule) -> Xml:
    expiration = [
        *([tag("Days", rule.expire_days)] if rule.expire_days is not None else []),
        *([tag("CreatedBeforeDate", rule.expire_date)] if rule.expire_date else []),
        *([tag("ExpiredObjectDeleteMarker", "true")] if rule.expire_delete_markers else []),
    ]
    abort, noncurrent = rule.abort_upload_days, rule.noncurrent_expire_days
    return tag(
        "Rule",
        tag("ID", rule.rule_id),
        tag("Prefix", rule.prefix),
        tag("Status", "Enabled" if rule.enabled else "Disabled"),
        *([tag("Expiration", *expiration)] if expiration else []),
        *(tag("Transition", *_moved(each, "Days")) for each in rule.transitions),
        *([tag("AbortMultipartUpload", tag("Days", abort))] if abort is not None else []),
        *([tag("NoncurrentVersionExpiration", tag("NoncurrentDays", noncurrent))] if noncurrent is not None else []),
        *(tag("NoncurrentVersionTransition", *_moved(each, "NoncurrentDays")) for each in rule.noncurrent_transitions),
    )


def _moved(move: Transition, name: str) -> list[Xml]:
    when = tag("CreatedBeforeDate", move.date) if move.days is None else tag(name, move.days)
    return [when, tag("StorageClass", move.storage_class)]
