"""The role of the CVM instance that we run on, from its metadata service (tencent.md 5)."""

from __future__ import annotations

import re
from typing import Final

from imgmove.clouds.keys import AccessKey
from imgmove.clouds.tencent import answers
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind

HOST: Final = "metadata.tencentyun.com"
_URL: Final = f"http://{HOST}/latest/meta-data/cam/security-credentials/"
#: Off the cloud nobody answers there: no long wait for it.
_TIMEOUT_SECONDS: Final = 2.0
_ROLE_NAME: Final = re.compile(r"[A-Za-z0-9+=,.@_-]{1,128}")
_MAX_BYTES: Final = 1 << 16


def instance_key(transport: Transport) -> AccessKey:
    """A temporary key of the instance's role; DENIED where it has none, UNAVAILABLE where this is no instance."""
    role_name = _get(transport, "").decode("utf-8", "replace").strip()
    if not _ROLE_NAME.fullmatch(role_name):
        raise _no_role("the metadata service names no role")
    document = answers.json_object(_get(transport, role_name)) or {}
    key_id, secret = answers.text(document, "TmpSecretId"), answers.text(document, "TmpSecretKey")
    if answers.text(document, "Code") not in {"", "Success"} or not key_id or not secret:
        raise _no_role(f"the metadata service gives no key of the role {role_name}")
    expires_at = answers.number(document, "ExpiredTime")
    return AccessKey(key_id, secret, answers.text(document, "Token"), float(expires_at) if expires_at else None)


def _get(transport: Transport, path: str) -> bytes:
    answer = transport.send("GET", _URL + path, {}, timeout_seconds=_TIMEOUT_SECONDS, max_bytes=_MAX_BYTES)
    if answer.status != 200:
        raise _no_role(f"the metadata service answers HTTP {answer.status}")
    return answer.body


def _no_role(message: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.DENIED, message, code="NoCredentials", hint="bind a CAM role to the instance, or use a key"
    )
