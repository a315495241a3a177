"""Runs `console` blocks as they stand in a page, and holds their output against what the page shows.

Lines that begin with `$ ` are typed, one after the other, into one shell (`> ` continues a line); those behind them are
what is expected, in that order, among whatever else is printed; `…` stands for anything. Times,
sizes and ids may differ: what a page calls `jm7y99zkgf64zt` is called otherwise at every run, and is replaced in the
lines that follow; what it calls so twice has to be the same twice.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.docs.pages import Block

#: Names that differ at every run, and mean the same thing wherever a page repeats them. Seeded ids do not differ.
_NAME = re.compile(
    r"""\bj[0-9a-hjkmnp-tv-z]{13}\b                                   # jobs
    | \bim[0-9a-hjkmnp-tv-z]{12}(?=_)                                 # tokens, as prefixes
    | (?<![a-z0-9])(?:img|snap)-(?!seed)[a-z0-9]{8}(?![a-z0-9]) | \b(?:m|t)-bp1(?!seed)[a-z0-9]{16,17}\b
    | \b1055915\d\d\b                                                 # tasks of CVM
    | \b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b        # request ids
    | \b\d{16,20}\b                                                  # CRC-64s
    """,
    re.VERBOSE,
)
#: Times, sizes and durations.
_VALUE = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\b\d+(?:\.\d+)? (?:B|KiB|MiB|GiB)\b|\b\d+:\d\d\b")
_END = "imgmove-docs-end-of-command"
_ANYTHING = "…"


@dataclass(frozen=True)
class Typed:
    """One command of a block, and what the page shows behind it."""

    line: int
    command: str
    expected: tuple[str, ...]


def typed(block: Block) -> Iterator[Typed]:
    """The commands of a `console` block."""
    command, expected, start = "", list[str](), 0
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            if command:
                yield Typed(start, command, tuple(expected))
            command, expected, start = line[2:], [], number
        elif line.startswith("> ") and not expected:
            command += "\n" + line[2:]
        else:
            expected.append(line)
    if command:
        yield Typed(start, command, tuple(expected))


@dataclass
class Shell:
    """One shell for a whole page. Names learnt from the output are used in the lines that follow."""

    environment: Mapping[str, str]
    directory: Path
    names: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Shell:
        self._process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(self.environment), cwd=self.directory,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, given: Typed) -> None:
        """Type the command; AssertionError where it fails or shows something else than the page."""
        command = self._renamed(given.command)
        code, shown = self._type(command)
        where = f"line {given.line}: $ {command}\n{shown}"
        assert code == 0, f"exit code {code}, {where}"
        lines = iter(shown.splitlines())
        for expected in given.expected:
            wanted = self._renamed(expected)
            if wanted.strip() in {"", _ANYTHING}:
                continue
            found = next((line for line in lines if _is_as_shown(wanted, line)), None)
            assert found is not None, f"does not show {expected!r} (or not in this order), {where}"
            self._learn(wanted, found)

    def _type(self, command: str) -> tuple[int, str]:
        stdin, stdout = self._pipes()
        stdin.write(f"{{ {command}\n}} < /dev/null\necho {_END} $?\n")
        stdin.flush()
        shown: list[str] = []
        for line in stdout:
            before, mark, code = line.partition(_END)
            shown.append(before)
            if mark:
                return int(code), "".join(shown)
        raise AssertionError(f"the shell ended in the middle of {command!r}: {''.join(shown)}")

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _renamed(self, text: str) -> str:
        return _NAME.sub(lambda match: self.names.get(match.group(), match.group()), text)

    def _learn(self, wanted: str, found: str) -> None:
        """What the page calls so is called so now; what has a name already has to be what it was."""
        for shown, real in zip(_NAME.findall(wanted), _NAME.findall(found), strict=not wanted.endswith(_ANYTHING)):
            if shown not in self.names.values():
                self.names[shown] = real
            assert shown in {real, *self.names}, f"{found!r}: {real} where it was {shown} before"


def _is_as_shown(wanted: str, line: str) -> bool:
    """Are they the same but for what differs at every run? A wanted line that ends in `…` shows only a beginning."""
    if wanted.endswith(_ANYTHING):
        return _plain(line).startswith(_plain(wanted.removesuffix(_ANYTHING)))
    return _plain(line) == _plain(wanted)


def _plain(line: str) -> str:
    """A line without what differs at every run; columns may have other widths."""
    return " ".join(_VALUE.sub("#", _NAME.sub("#", line)).split())
