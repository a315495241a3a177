"""What we may do with an OSS bucket, asked by requests that can never take effect."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from imgmove.clouds.alibaba import store_errors, store_xml
from imgmove.clouds.alibaba.bucket import Bucket
from imgmove.clouds.transport import Answer
from imgmove.core.errors import ImgmoveError, Kind

#: What OSS says to a part of an upload that does not exist (EC 0042-00000104), and to a body that is not what its
#: digest says: it is past the rights then. A bare 404 is the same.
_PAST_THE_RIGHTS: Final = frozenset({"NoSuchUpload", "InvalidDigest", "BadDigest", "NoSuchKey"})
_NO_BODY: Final = base64.b64encode(hashlib.md5(b"", usedforsecurity=False).digest()).decode()
_WRITE_HINT: Final = (
    "grant oss:PutObject, oss:AbortMultipartUpload and oss:ListParts on the bucket's objects to the key's user or role, "
    "and look at the bucket's own policy"
)
#: `doesObjectExist` of the vendor's SDKs needs no other right: what is not there is 404 to whoever may read.
_READ_HINT: Final = (
    "grant oss:GetObject on the bucket's objects to the key's user or role, and look at the bucket's own policy"
)


def probe_write(bucket: Bucket, key: str) -> None:
    """May we write `key`? A part of an upload that does not exist, with the digest of another body besides."""
    body = secrets.token_bytes(16)
    params, headers = {"partNumber": "1", "uploadId": secrets.token_hex(16).upper()}, {"Content-MD5": _NO_BODY}
    home, answer = _where_it_is(bucket, lambda there: there.send("PUT", key, params, headers, body))
    if answer.status < 300:
        _forget(home, key, params["uploadId"], body)
    elif not _is_past_the_rights(answer):
        raise _refusal(home, answer, _WRITE_HINT)


def probe_read(bucket: Bucket, key: str) -> None:
    """May we read objects? The first byte of `key`, be it there or not."""
    headers = {"Range": "bytes=0-0", "x-oss-range-behavior": "standard"}
    try:
        home, answer = _where_it_is(bucket, lambda there: there.send("GET", key, headers=headers, max_bytes=1 << 20))
    except ImgmoveError as error:
        if error.code != "AnswerTooLong":  # a store without ranges, which gave the whole object
            raise
        return
    is_there = answer.status < 300 or answer.status == 416 or store_errors.code_of(answer) == "InvalidObjectState"
    if not is_there and not _is_past_the_rights(answer):
        raise _refusal(home, answer, _READ_HINT)


def _where_it_is(bucket: Bucket, ask: Callable[[Bucket], Answer]) -> tuple[Bucket, Answer]:
    """The answer of the bucket, also where it is in another region than it was opened for: that is no missing right."""
    answer = ask(bucket)
    home = _home(bucket, answer)
    return (bucket, answer) if home is None else (home, ask(home))


def _home(bucket: Bucket, answer: Answer) -> Bucket | None:
    """The bucket in its own region, where a refusal may be one of a wrong region; None where it is not."""
    region = store_errors.bucket_region(answer) if answer.status >= 300 else ""
    may_be_elsewhere = store_errors.is_elsewhere(answer) or store_errors.code_of(answer) == "SignatureDoesNotMatch"
    if not region and may_be_elsewhere:
        try:
            region = bucket.info().region
        except ImgmoveError:
            return None  # the refusal itself is what there is to say
    return bucket.at(region) if region not in {"", bucket.region} else None


def _is_past_the_rights(answer: Answer) -> bool:
    code = store_errors.code_of(answer)
    return code in _PAST_THE_RIGHTS or (answer.status == 404 and not code and not answer.body.strip())


def _refusal(bucket: Bucket, answer: Answer, hint: str) -> ImgmoveError:
    """The refusal; a plain AccessDenied says which rights are needed, other codes have hints of their own."""
    error = store_errors.refusal(answer, changes=False, asked_region=bucket.region)
    return error.with_hint(hint) if error.kind is Kind.DENIED and error.code == "AccessDenied" else error


def _forget(bucket: Bucket, key: str, upload_id: str, body: bytes) -> None:
    """Undo what a store made of the probe that should have refused it: a part, or even an object of these bytes."""
    bucket.send("DELETE", key, {"uploadId": upload_id}, changes=True)
    made = hashlib.md5(body, usedforsecurity=False).hexdigest()
    if store_xml.etag(bucket.send("HEAD", key).headers.get("etag", "")).lower() == made:
        bucket.send("DELETE", key, changes=True)
