"""docs/reference/errors.md and exit-codes.md: kinds, exit codes, and every vendor code that is mapped."""

from __future__ import annotations

from collections.abc import Sequence

from imgmove.clouds.registry import Registry
from imgmove.clouds.tencent.import_failures import IMPORT_FAILURES
from imgmove.core.errors import EXIT_CODES, EXIT_MEANINGS, PASSING_KINDS, Kind
from imgmove.core.ports import ErrorRow
from scripts.reference.markdown import code, codes, sections, table
from scripts.reference.source import attribute_docs, own_codes

SERVICE_TITLES = {
    "CVM": "Tencent Cloud CVM",
    "ECM": "Tencent Cloud ECM",
    "API": "Any service of Tencent Cloud (API 3.0)",
    "TENCENT_STS": "Tencent Cloud STS",
    "COS": "Tencent Cloud COS",
    "ECS": "Alibaba Cloud ECS",
    "OSS": "Alibaba Cloud OSS",
    "ALIBABA_STS": "Alibaba Cloud STS",
    "RAM": "Alibaba Cloud RAM",
}


#: What the names of kinds do not say, where the code sees no need to.
_WORDS = {
    Kind.UNSUPPORTED: "The service has no such operation, option or format, or not for this image.",
    Kind.NOT_FOUND: "There is no such image, instance, bucket, object, task or job.",
    Kind.QUOTA: "An allowance of the account is used up; waiting alone does not help.",
    Kind.THROTTLED: "Too many calls at once; submits and looks at running work wait and try again first.",
    Kind.CORRUPT: "A checksum, a size or a format is not what it should be.",
    Kind.INTERRUPTED: "Ctrl-C or SIGTERM; what runs at the provider goes on.",
    Kind.UNKNOWN: "Anything that imgmove cannot name: an answer that makes no sense, a doubt that stays, an internal error.",
}


def exit_codes() -> str:
    rows = [(f"**{number}**", meaning, codes(_kinds_of(number))) for number, meaning in EXIT_MEANINGS.items()]
    return table(("code", "meaning", "kinds of error"), rows)


def _kinds_of(number: int) -> list[str]:
    return [kind.value for kind, exit_code in EXIT_CODES.items() if exit_code == number]


def kinds() -> str:
    docs = attribute_docs(Kind)
    rows = [
        (
            code(kind.value),
            str(EXIT_CODES[kind]),
            "yes" if kind in PASSING_KINDS else "",
            docs[kind.name] or _WORDS[kind],
        )
        for kind in Kind
    ]
    return table(("kind", "exit code", "tried again", "what it means"), rows)


def error_rows() -> list[ErrorRow]:
    return [row for cloud in Registry.installed().clouds() for row in cloud.error_table()]


def vendor_codes() -> str:
    rows = error_rows()
    services = list(dict.fromkeys(row.service for row in rows))
    return sections(_service(name, [row for row in rows if row.service == name]) for name in services)


def _service(name: str, rows: Sequence[ErrorRow]) -> str:
    columns = ("code", "kind", "exit", "meaning", "what to do", "source")
    cells = [
        (code(row.code), row.kind, str(EXIT_CODES[Kind(row.kind)]), row.meaning, row.hint, row.source)
        for row in sorted(rows, key=lambda row: row.code.lower())
    ]
    return sections([f"### {SERVICE_TITLES.get(name, name)}", table(columns, cells)])


def import_failures() -> str:
    rows = [(code(item.code), item.meaning, item.remedy) for item in IMPORT_FAILURES]
    return table(("reason", "meaning", "what to do"), rows)


def own() -> str:
    rows = [(code(item.code), str(item.exit_code), item.message) for item in own_codes()]
    return table(("code", "exit", "message (… is filled in)"), rows)
