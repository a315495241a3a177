"""Nothing that opens a door is written down: signatures and session tokens are cut out of what goes into a journal.

Adapters put no secrets into handles, memos or errors; this is the second lock. A vendor's message may quote a URL
that we signed, and a journal is copied into bug reports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

REMOVED: Final = "REMOVED"

#: Parameters of signed URLs and headers whose value lets somebody in: COS `q-signature`, `x-cos-security-token`; OSS
#: `Signature`, `security-token`, `x-oss-signature`, `x-oss-security-token`; S3 `X-Amz-Signature`; `Authorization`.
_NAMES: Final = (
    r"[\w.-]*(?:signature|password|(?:security|session)[-_]?token"
    r"|secret[-_]?(?:access[-_]?)?key|access[-_]?key[-_]?secret)"
)
_IN_TEXT: Final = re.compile(rf"((?<![\w.-]){_NAMES}[\"']?\s*(?:=|%3[dD]|:)\s*[\"']?)([^\s&\"'<>;,]+)", re.IGNORECASE)
_HEADER: Final = re.compile(r"(\bauthorization[\"']?\s*[:=]\s*[\"']?)([^\r\n\"'<>]+)", re.IGNORECASE)
_KEY: Final = re.compile(rf"(?:{_NAMES}|authorization)", re.IGNORECASE)


def without_signatures(value: Any) -> Any:
    """`value` (JSON types) with `REMOVED` in place of every signature, session token, secret key and password.

    Looks into strings for `name=value` and `name: value`, and at the keys of mappings with a string behind them.
    """
    if isinstance(value, str):
        return _HEADER.sub(rf"\1{REMOVED}", _IN_TEXT.sub(rf"\1{REMOVED}", value))
    if isinstance(value, Mapping):
        return {key: _of_key(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_signatures(item) for item in value]
    return value


def _of_key(key: str, item: Any) -> Any:
    if isinstance(item, str) and item and _KEY.fullmatch(key):
        return REMOVED
    return without_signatures(item)
