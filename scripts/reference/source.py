"""What only the source tells: the docstrings behind attributes, and the errors that code raises by name."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imgmove.core.errors import EXIT_CODES, Kind

ROOT = Path(__file__).resolve().parents[2]


def attribute_docs(owner: type) -> dict[str, str]:
    """The string literal behind each attribute of a class, by the attribute's name; "" for one without."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    found: dict[str, str] = {}
    name = ""
    for statement in next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            name = target.id if isinstance(target, ast.Name) else ""
            found[name] = ""
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and name:
            found[name] = " ".join(str(statement.value.value).split())
            name = ""
        else:
            name = ""
    return found


def attribute_groups(owner: type) -> dict[str, str]:
    """The comment on a line of its own under which each attribute of a class stands, by the attribute's name."""
    found: dict[str, str] = {}
    group = ""
    for line in inspect.getsource(owner).splitlines():
        text = line.strip()
        if text.startswith("# "):
            group = text.removeprefix("# ")
        elif ":" in text and text.partition(":")[0].isidentifier():
            found[text.partition(":")[0]] = group
    return found


@dataclass(frozen=True, order=True)
class OwnCode:
    """An error code of imgmove's own, as the source raises it."""

    code: str
    exit_code: int
    message: str


def own_codes(folder: Path = ROOT / "imgmove") -> list[OwnCode]:
    """Every code that imgmove itself gives to an error, once, the sandbox's left out."""
    found: dict[str, OwnCode] = {}
    for path in sorted(folder.rglob("*.py")):
        if "sandbox" in path.relative_to(folder).parts or "testing" in path.relative_to(folder).parts:
            continue
        for item in _raised(ast.parse(path.read_text("utf-8"))):
            found.setdefault(item.code, item)
    return sorted(found.values())


def _raised(tree: ast.AST) -> Iterator[OwnCode]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        code = next((_text(word.value) for word in node.keywords if word.arg == "code"), "")
        if not code.isidentifier() or not node.args:
            continue
        if node.func.id == "usage_error":
            yield OwnCode(code, EXIT_CODES[Kind.USAGE], _text(node.args[0]))
        elif node.func.id == "ImgmoveError" and isinstance(node.args[0], ast.Attribute) and len(node.args) > 1:
            yield OwnCode(code, EXIT_CODES[Kind[node.args[0].attr]], _text(node.args[1]))


def _text(node: ast.expr) -> str:
    """A string as the source has it, with … for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) if isinstance(value, ast.Constant) else "…" for value in node.values)
    return "…"
