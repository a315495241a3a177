"""Kinds of findings about the two buckets: there, in the right place, open to us, and set up so that a stage survives."""

from __future__ import annotations

from typing import Final

from imgmove.app.preflight.kinds import FindingKind, Section
from imgmove.core.errors import Kind
from imgmove.core.findings import Severity

_BLOCK, _WARN, _INFO = Severity.BLOCK, Severity.WARN, Severity.INFO
_BUCKET = Section.BUCKET

BUCKET_KINDS: Final = (
    FindingKind(
        "bucket-not-named", _BUCKET, _WARN, Kind.USAGE, "No bucket was named",
        "no bucket of {scheme}:// was named for the {side}",
        "`imgmove migrate` needs one in {region}; nothing about it could be looked at",
        "give {flag} BUCKET",
    ),
    FindingKind(
        "bucket-name", _BUCKET, _BLOCK, Kind.USAGE, "A name that no bucket can have",
        "{error}",
        "the command line is refused before anything is asked",
    ),
    FindingKind(
        "bucket-missing", _BUCKET, _BLOCK, Kind.NOT_FOUND, "A bucket that does not exist",
        "there is no bucket {about}",
        "the {side}'s {operation} has nowhere to {verb}",
        "check the name, or make it in {region}",
    ),
    FindingKind(
        "bucket-in-another-region", _BUCKET, _BLOCK, Kind.INVALID, "A bucket in another region",
        "{about} is in {found}, {title} works in {region}",
        "its {operation} takes only buckets of its own region; the refusal reads like a missing bucket or a missing right",
        "use a bucket in {region}",
        waivable=True,
    ),
    FindingKind(
        "bucket-denied", _BUCKET, _BLOCK, Kind.DENIED, "A bucket that is closed to us",
        "{about} is closed to this key: {error}",
        "not even its region may be asked; objects in it will most likely be closed, too",
        "let the key read the bucket (its policy, or a policy of the user), or check that it is the right account's",
        waivable=True,
    ),
    FindingKind(
        "bucket-of-another-account", _BUCKET, _WARN, Kind.DENIED, "A bucket of another account",
        "{about} belongs to {owner}, the key to {account}",
        "the service role of this account needs that account's bucket policy to {verb}",
        "use a bucket of this account, or let the other account's bucket policy allow it",
    ),
    FindingKind(
        "bucket-not-readable", _BUCKET, _BLOCK, Kind.DENIED, "A bucket whose objects we may not read",
        "objects in {about} may not be read by this key: {error}",
        "the export would be written and paid for, and could then not be copied",
        "allow this key to get objects of the bucket",
    ),
    FindingKind(
        "bucket-not-writable", _BUCKET, _BLOCK, Kind.DENIED, "A bucket that we may not write",
        "{about} may not be written by this key: {error}",
        "the copy would fail at its first byte, after the export was done",
        "allow this key to put objects and parts into the bucket",
    ),
    FindingKind(
        "bucket-encrypted", _BUCKET, _BLOCK, Kind.UNSUPPORTED, "A bucket with default encryption",
        "{about} encrypts what is written ({encryption})",
        "{title} refuses to {operation} by encrypted buckets",
        "use another bucket, or switch its default encryption off for the time being",
        waivable=True,
    ),
    FindingKind(
        "bucket-archives", _BUCKET, _BLOCK, Kind.UNSUPPORTED, "A bucket of an archive class",
        "objects in {about} are archived as soon as they are written ({storage_class})",
        "they cannot be read until they are restored, which takes minutes to hours and costs money",
        "use a bucket of the standard class",
        waivable=True,
    ),
    FindingKind(
        "object-archived", _BUCKET, _BLOCK, Kind.CONFLICT, "An object that is archived",
        "{about} is archived ({storage_class})",
        "it cannot be read until it is restored",
        "restore it and wait until that is done, then run this again",
        waivable=True,
    ),
    FindingKind(
        "bucket-public", _BUCKET, _WARN, None, "A bucket that everybody can read",
        "{about} is open to everybody ({acl})",
        "while the disk is staged there, whoever knows or guesses its name can fetch it, secrets and all",
        "make the bucket private, or use another",
    ),
    FindingKind(
        "bucket-versioned", _BUCKET, _WARN, None, "A bucket that keeps what is deleted",
        "{about} keeps old versions",
        "what was staged is deleted in the end, and goes on being stored and billed as an old version",
        "use a bucket without versioning, or remove the old versions of imgmove-* afterwards",
    ),
    FindingKind(
        "bucket-expires-objects", _BUCKET, _WARN, Kind.NOT_FOUND, "A lifecycle rule that deletes what is staged",
        "rule {rule} of {about} deletes objects after {days} day(s)",
        "a job that is interrupted and taken up later would find its export gone, and has to pay for another",
        "exempt the staged objects, or finish within that time",
    ),
    FindingKind(
        "bucket-moves-objects", _BUCKET, _WARN, Kind.CONFLICT, "A lifecycle rule that archives what is staged",
        "rule {rule} of {about} moves objects to {storage_class} after {days} day(s)",
        "a job that is taken up later could not read them, and such classes bill a minimum time",
        "exempt the staged objects, or finish within that time",
    ),
    FindingKind(
        "bucket-aborts-uploads", _BUCKET, _WARN, Kind.FAILED, "A lifecycle rule that gives uploads up early",
        "rule {rule} of {about} gives unfinished uploads up after {days} day(s)",
        "a copy that takes longer, or is taken up later, begins from nothing",
        "finish within that time, or lengthen the rule",
    ),
    FindingKind(
        "bucket-not-surveyed", _BUCKET, _INFO, None, "A bucket whose set-up we may not look at",
        "not looked at: {parts} of {about}{error}",
        "encryption, storage class or rules that get in the way show only when they do",
    ),
)  # fmt: skip
