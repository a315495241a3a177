"""How a bucket of COS is set up, and what may be done with it: reads, and requests that can never take effect."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from imgmove.clouds.tencent import answers, errors, limits, store_errors, store_xml
from imgmove.clouds.tencent.bucket import Bucket
from imgmove.clouds.transport import Answer
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import BucketSurvey, LifecycleRule

T = TypeVar("T")

_NO_RULES: Final[tuple[LifecycleRule, ...]] = ()
_ACCESS: Final = "AccessDenied"
_WRITE_HINT: Final = (
    "grant name/cos:PutObject, InitiateMultipartUpload, UploadPart, ListParts, CompleteMultipartUpload and "
    "AbortMultipartUpload on the bucket to the key's user or role, and look at the bucket's own policy"
)
#: Whether COS hides that an object is missing from a key that may not list is not documented (S3 does).
_READ_HINT: Final = (
    "grant name/cos:GetObject and name/cos:HeadObject on the bucket to the key's user or role; without name/cos:GetBucket "
    "COS may answer so for an object that is not there, too"
)


def survey(bucket: Bucket) -> BucketSurvey:
    """All that can be seen of `bucket` where it really is. What we may not see, or a small store has not, is None.

    A bucket has no storage class of its own: that of new objects is STANDARD unless the writer says otherwise, and
    MAZ_STANDARD in a bucket that lies in several zones.
    """
    found = bucket.located()
    acl = _asked(found, "acl", "AccessControlPolicy", lambda root: root)
    return BucketSurvey(
        found.name, found.region,
        encryption=_asked(found, "encryption", "ServerSideEncryptionConfiguration", store_xml.encryption_name, ""),
        storage_class=_storage_class(found),
        acl=None if acl is None else store_xml.public_acl(acl),
        versioning=_asked(found, "versioning", "VersioningConfiguration", store_xml.versioning),
        lifecycle=_asked(found, "lifecycle", "LifecycleConfiguration", store_xml.lifecycle, _NO_RULES),
        may_list=_may_list(found), owner="" if acl is None else store_xml.owner(acl),
    )  # fmt: skip


def probe_write(bucket: Bucket, key: str) -> None:
    """May we write `key`? Asked with a part of an upload that does not exist: COS says so (404), or that it is closed.

    A store that takes the part all the same is told to forget it, and an object that it may have made of it, known by
    its bytes, is removed.
    """
    body = secrets.token_bytes(16)
    upload_id = f"1700000000{secrets.token_hex(32)}"
    answer = bucket.send("PUT", key, {"partNumber": "1", "uploadId": upload_id}, body=body)
    if answer.status < 300:
        _forget(bucket, key, upload_id, body)
        if "etag" not in answer.headers:
            raise errors.not_theirs("COS", answer, changes=False)
    elif store_errors.code_of(answer) != "NoSuchUpload":
        raise _refusal(bucket, answer, _WRITE_HINT)


def probe_read(bucket: Bucket, key: str) -> None:
    """May we read objects? Both ways in which an image is read, which are two rights in CAM: GET and HEAD."""
    try:
        answer = bucket.send("GET", key, headers={"Range": "bytes=0-0"}, max_bytes=limits.MIB)
    except ImgmoveError as error:
        if error.code != "AnswerTooLong":  # a store without ranges that gives the whole object
            raise
    else:
        _check_read(bucket, answer)
    _check_read(bucket, bucket.send("HEAD", key))


def _check_read(bucket: Bucket, answer: Answer) -> None:
    """Raise unless it is an object's, or says that there is none, or that it is empty (416) or archived."""
    readable = answer.status < 300 or answer.status == 416 or store_errors.code_of(answer) == "InvalidObjectState"
    is_absent = answer.status == 404 and store_errors.code_of(answer) != "NoSuchBucket"
    if not readable and not is_absent:
        raise _refusal(bucket, answer, _READ_HINT)


def _refusal(bucket: Bucket, answer: Answer, hint: str) -> ImgmoveError:
    error = store_errors.refusal(answer, changes=False, asked_region=bucket.region)
    return error.with_hint(hint) if error.kind is Kind.DENIED and error.code == _ACCESS else error


def _forget(bucket: Bucket, key: str, upload_id: str, body: bytes) -> None:
    bucket.send("DELETE", key, {"uploadId": upload_id}, changes=True)
    made = hashlib.md5(body, usedforsecurity=False).hexdigest()
    if store_xml.etag(bucket.send("HEAD", key).headers.get("etag", "")).lower() == made:
        bucket.send("DELETE", key, changes=True)


def _asked(
    bucket: Bucket, parameter: str, root_tag: str, read: Callable[[store_xml.Element], T], unset: T | None = None
) -> T | None:
    """One setting of the bucket: `unset` where COS says that it was never made, None where nobody tells us."""
    answer = bucket.send("GET", parameters={parameter: ""})
    if answer.status < 300:
        root = answers.xml_root(answer.unpacked().body)
        return read(root) if root is not None and root.tag == root_tag else None
    code = store_errors.code_of(answer)
    if answer.status == 404 and code != "NoSuchBucket" and parameter in code.lower():
        return unset
    _raise_passing(bucket, answer)
    return None


def _may_list(bucket: Bucket) -> bool | None:
    answer = bucket.send("GET", parameters={"max-keys": "1"})
    if answer.status < 300:
        root = answers.xml_root(answer.unpacked().body)
        return True if root is not None and root.tag == "ListBucketResult" else None
    _raise_passing(bucket, answer)
    return False if answer.status == 403 else None


def _storage_class(bucket: Bucket) -> str:
    answer = bucket.send("HEAD")
    _raise_passing(bucket, answer)
    is_spread = answer.status < 300 and answer.headers.get("x-cos-bucket-az-type", "").upper() == "MAZ"
    return "MAZ_STANDARD" if is_spread else ""


def _raise_passing(bucket: Bucket, answer: Answer) -> None:
    """Raise COS's own troubles, after which the question may be asked again; a call that it does not have is none."""
    if answer.status < 300 or answer.status == 501:
        return
    error = store_errors.refusal(answer, changes=False, asked_region=bucket.region)
    if error.kind is Kind.THROTTLED or (error.is_passing and error.code != "NotTheService"):
        raise error
    if error.code == "NoSuchBucket":
        raise replace(bucket.missing(), request_id=error.request_id)
