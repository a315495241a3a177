"""All mapped codes of Alibaba Cloud in one table, and how a code is looked up in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.clouds.alibaba import codes_ecs, codes_oss, codes_ram
from imgmove.clouds.alibaba.codes_ecs import Group
from imgmove.core.errors import Kind
from imgmove.core.ports import ErrorRow


def _rows(service: str, source: str, group: Group) -> Iterator[ErrorRow]:
    for kind, codes, meaning, hint in group:
        for code in codes:
            yield ErrorRow(service, code, kind.value, meaning, hint, source)


ROWS: Final[tuple[ErrorRow, ...]] = (
    *_rows("ECS", "alibaba.md 9.1", codes_ecs.EXPORT_PAGES),
    *_rows("ECS", "alibaba.md 9.2", codes_ecs.EXPORT_TODAY),
    *_rows("ECS", "alibaba.md 9.3", codes_ecs.IMPORT),
    *_rows("ECS", "alibaba.md 9.4", codes_ecs.GENERAL),
    *_rows("ALIBABA_STS", "alibaba.md 3.3, 6.1", codes_ecs.STS),
    *_rows("OSS", "alibaba.md 9.5", codes_oss.OSS),
    *_rows("RAM", "alibaba.md 3.3", codes_ram.RAM),
)

_BY_CODE: Final = {(row.service, row.code): row for row in ROWS}

#: (how to compare, text, kind): what an unknown code means by its form; the first that fits wins.
_FORMS: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("in", "Throttling", Kind.THROTTLED),
    ("in", "LimitExceeded", Kind.THROTTLED),
    ("in", "Quota", Kind.QUOTA),
    ("start", "InternalError", Kind.UNAVAILABLE),
    ("start", "ServiceUnavailable", Kind.UNAVAILABLE),
    ("start", "Forbidden", Kind.DENIED),
    ("start", "NoPermission", Kind.DENIED),
    ("start", "InvalidAccessKeyId", Kind.DENIED),
    ("start", "InvalidSecurityToken", Kind.DENIED),
    ("start", "InvalidAccountStatus", Kind.DENIED),
    ("start", "AuthenticationFail", Kind.DENIED),
    ("start", "Signature", Kind.DENIED),
    ("start", "Authorization", Kind.DENIED),
    ("end", "Duplicated", Kind.EXISTS),
    ("end", "AlreadyExist", Kind.EXISTS),
    ("start", "EntityAlreadyExist", Kind.EXISTS),
    ("start", "EntityNotExist", Kind.NOT_FOUND),
    ("end", "NotFound", Kind.NOT_FOUND),
    ("in", "NotSupport", Kind.UNSUPPORTED),
    ("in", "Unsupported", Kind.UNSUPPORTED),
    ("start", "OperationDenied", Kind.CONFLICT),
    ("start", "Incorrect", Kind.CONFLICT),
    ("start", "Invalid", Kind.INVALID),
    ("start", "Missing", Kind.INVALID),
    ("end", "Malformed", Kind.INVALID),
)
_STATUSES: Final = {
    401: Kind.DENIED, 403: Kind.DENIED, 404: Kind.NOT_FOUND, 409: Kind.CONFLICT, 412: Kind.CONFLICT,
    429: Kind.THROTTLED,
}  # fmt: skip


def row_of(service: str, code: str) -> ErrorRow | None:
    """The table's row for a code of `service`; STS and RAM answer with ECS's general codes, too."""
    return _BY_CODE.get((service, code)) or (_BY_CODE.get(("ECS", code)) if service != "OSS" else None)


def kind_of(service: str, code: str, status: int) -> Kind:
    """The kind of a code: by the table, else by its form, else by the HTTP status; other refusals are INVALID."""
    row = row_of(service, code)
    if row is not None:
        return Kind(row.kind)
    for how, text, kind in _FORMS:
        if (how == "in" and text in code) or (how == "start" and code.startswith(text)) or (
            how == "end" and code.endswith(text)
        ):  # fmt: skip
            return kind
    if status in _STATUSES:
        return _STATUSES[status]
    return Kind.UNAVAILABLE if status >= 500 else Kind.INVALID
