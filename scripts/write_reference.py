"""Writes the generated parts of the documentation anew; with --check it only says which pages are not what they should be.

    python scripts/write_reference.py [--check]

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`. What is outside is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.reference import commands, configuration, errors, findings, python_api, sandbox, services  # noqa: E402 - see ROOT

DOCS: Final = ROOT / "docs"
_PART: Final = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end of \2 -->\n)", re.DOTALL)
_MARK: Final = re.compile(r"<!-- (?:generated:|end of) .*?-->")

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "commands": commands.render,
    "command-overview": commands.overview,
    "exit-codes": errors.exit_codes,
    "kinds": errors.kinds,
    "vendor-codes": errors.vendor_codes,
    "import-failures": errors.import_failures,
    "own-codes": errors.own,
    "preflight-findings": findings.preflight,
    "guest-rules": findings.rule_overview,
    "guest-rule-cases": findings.rules,
    "providers": services.overview,
    "provider-details": services.details,
    "lookups": services.lookups,
    "format-matrix": services.format_matrix,
    "conversions": services.conversions,
    "suffixes": services.suffixes,
    "python-api": python_api.render,
    "endpoints": configuration.endpoints,
    "regions": configuration.regions,
    "result-example": configuration.result_example,
    "failure-example": configuration.failure_example,
    "finding-example": configuration.finding_example,
    "sandbox-services": sandbox.services,
    "sandbox-actions": sandbox.actions,
    "sandbox-credentials": sandbox.credentials,
    "sandbox-stray-variables": sandbox.stray_variables,
    "fault-effects": sandbox.effects,
    "fault-settings": sandbox.fault_settings,
    "control-api": sandbox.control_api,
    "seed-tables": sandbox.seed_tables,
    "tencent-settings": sandbox.tencent_settings,
    "alibaba-settings": sandbox.alibaba_settings,
    "default-world": sandbox.default_world,
}


class UnknownPartError(ValueError):
    """A page asks for a part that nobody writes, or does not say where it ends."""


def pages() -> list[Path]:
    """All pages of the documentation that have generated parts."""
    return [path for path in sorted(DOCS.rglob("*.md")) if "<!-- generated:" in path.read_text("utf-8")]


def rewritten(text: str, parts: Mapping[str, Callable[[], str]] = PARTS) -> str:
    """`text` with its generated parts as they should be. Raises UnknownPartError."""
    found = [match.group(2) for match in _PART.finditer(text)]
    unknown = [name for name in found if name not in parts]
    if unknown or len(_MARK.findall(text)) != 2 * len(found):
        raise UnknownPartError(f"{unknown or 'a mark without its other end'}; there are: {', '.join(parts)}")
    return _PART.sub(lambda match: f"{match.group(1)}\n{parts[match.group(2)]().rstrip()}\n\n{match.group(3)}", text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Writes the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a page would change")
    check = parser.parse_args(arguments).check
    changed = 0
    for path in pages():
        before = path.read_text("utf-8")
        try:
            after = rewritten(before)
        except UnknownPartError as error:
            parser.exit(2, f"{path.relative_to(ROOT)}: {error}\n")
        if after == before:
            continue
        changed += 1
        sys.stdout.write(f"{'not up to date' if check else 'written'}: {path.relative_to(ROOT)}\n")
        if not check:
            path.write_text(after, "utf-8")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
