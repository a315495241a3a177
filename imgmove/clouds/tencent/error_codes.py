"""All mapped codes of Tencent Cloud in one table, and how a code is looked up in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.clouds.tencent import codes_cam, codes_cos, codes_cvm, codes_ecm
from imgmove.clouds.tencent.codes_cvm import Group
from imgmove.core.errors import Kind
from imgmove.core.ports import ErrorRow

#: The service under which the codes stand that each of them may answer with.
COMMON: Final = "API"


def _rows(service: str, source: str, group: Group) -> Iterator[ErrorRow]:
    for kind, codes, meaning, hint in group:
        for code in codes:
            yield ErrorRow(service, code, kind.value, meaning, hint, source)


ROWS: Final[tuple[ErrorRow, ...]] = (
    *_rows("CVM", "tencent.md 7.1, ExportImages", codes_cvm.EXPORT),
    *_rows("CVM", "tencent.md 7.1, ImportImage", codes_cvm.IMPORT),
    *_rows("CVM", "tencent.md 7.2", codes_cvm.OTHER),
    *_rows("ECM", "tencent.md 7.1, CreateImage", codes_ecm.CREATE),
    *_rows("ECM", "tencent.md 7.2", codes_ecm.OTHER),
    *_rows("TENCENT_STS", "tencent.md 5", codes_ecm.STS),
    *_rows("CAM", "tencentcloud-sdk-python-cam, errorcodes.py", codes_cam.CAM),
    *_rows(COMMON, "tencent.md 7.2", codes_cvm.COMMON),
    *_rows("COS", "tencent.md 6", codes_cos.COS),
)

_BY_CODE: Final = {(row.service, row.code): row for row in ROWS}

#: (how to compare, text, kind): what an unknown code of API 3.0 means by its form; the first that fits wins.
_FORMS: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("start", "AuthFailure", Kind.DENIED),
    ("start", "UnauthorizedOperation", Kind.DENIED),
    ("start", "RequestLimitExceeded", Kind.THROTTLED),
    ("in", "Throttling", Kind.THROTTLED),
    ("start", "InternalError", Kind.UNAVAILABLE),
    ("start", "InternalServerError", Kind.UNAVAILABLE),
    ("start", "ServiceUnavailable", Kind.UNAVAILABLE),
    ("start", "LimitExceeded", Kind.QUOTA),
    ("start", "ResourceInsufficient", Kind.QUOTA),
    ("in", "Quota", Kind.QUOTA),
    ("end", "Duplicate", Kind.EXISTS),
    ("end", "Duplicated", Kind.EXISTS),
    ("end", "AlreadyExists", Kind.EXISTS),
    ("end", "NotFound", Kind.NOT_FOUND),
    ("end", "NotExist", Kind.NOT_FOUND),
    ("start", "ResourceNotFound", Kind.NOT_FOUND),
    ("start", "UnsupportedOperation", Kind.UNSUPPORTED),
    ("start", "RegionAbilityLimit", Kind.UNSUPPORTED),
    ("in", "Unsupported", Kind.UNSUPPORTED),
    ("in", "NotSupport", Kind.UNSUPPORTED),
    ("start", "ResourceInUse", Kind.CONFLICT),
    ("start", "ResourceBusy", Kind.CONFLICT),
    ("start", "ResourceUnavailable", Kind.CONFLICT),
    ("start", "OperationDenied", Kind.CONFLICT),
    ("start", "MutexOperation", Kind.CONFLICT),
    ("start", "FailedOperation", Kind.CONFLICT),
    ("start", "Invalid", Kind.INVALID),
    ("start", "Missing", Kind.INVALID),
    ("start", "Unknown", Kind.INVALID),
)
_STATUSES: Final = {
    401: Kind.DENIED, 402: Kind.DENIED, 403: Kind.DENIED, 404: Kind.NOT_FOUND, 409: Kind.CONFLICT,
    412: Kind.CONFLICT, 429: Kind.THROTTLED, 451: Kind.DENIED,
}  # fmt: skip


def row_of(service: str, code: str) -> ErrorRow | None:
    """The table's row for a code of `service`; COS speaks another protocol than the rest and has no common codes."""
    found = _BY_CODE.get((service, code))
    return found or (_BY_CODE.get((COMMON, code)) if service != "COS" else None)


def kind_of(service: str, code: str, status: int) -> Kind:
    """The kind of a code: by the table, else by its form, else by the HTTP status; other refusals are INVALID."""
    row = row_of(service, code)
    if row is not None:
        return Kind(row.kind)
    if service != "COS":
        for how, text, kind in _FORMS:
            if _fits(how, text, code):
                return kind
    if status in _STATUSES:
        return _STATUSES[status]
    return Kind.UNAVAILABLE if status >= 500 else Kind.INVALID


def _fits(how: str, text: str, code: str) -> bool:
    if how == "in":
        return text in code
    return code.startswith(text) if how == "start" else code.endswith(text)
