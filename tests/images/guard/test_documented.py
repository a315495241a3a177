"""Every code that the guard gives stands in the table of what is refused, and every code of the table is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "imgmove" / "images"
NAMES: Final = ("guard", "sniff", "second_opinion", "inflate", "tar_reader", "tar_sparse", "tar_stream")
SOURCES: Final = (*(FOLDER / "headers").glob("*.py"), *(FOLDER / f"{name}.py" for name in NAMES))
_CODE: Final = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]*)+")
#: Errors of reading, not of images.
_OTHERS: Final = {"FileNotFoundError", "PermissionError"}


def given() -> Iterator[str]:
    """Strings that look like codes, where errors are made: arguments of calls, and defaults of parameters and fields."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
                yield node.value


def documented() -> set[str]:
    text = (ROOT / "docs" / "reference" / "formats.md").read_text("utf-8")
    table = text.split("## What is refused")[1].split("## Names")[0]
    return set(re.findall(r"`([A-Z]\w+)`", table))


def test_the_table_is_whole() -> None:
    assert set(given()) - _OTHERS - {"WithoutFreeSpace"} == documented()
