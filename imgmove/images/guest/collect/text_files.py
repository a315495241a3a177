"""Text files of a guest, read with bounds: any encoding, any length of line, any number of files in a folder."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.facts import Mention, bounded
from imgmove.images.guest.files import FileTree

#: Most that is read of one configuration file, of its lines, and of a line.
FILE_BYTES: Final = 256 << 10
MOST_LINES: Final = 10_000
LINE_LENGTH: Final = 4096
#: Most files looked at in one folder of configuration.
MOST_FILES: Final = 64
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Line:
    """A line of a file; `number` counts from 1."""

    file: str
    number: int
    text: str

    @property
    def at(self) -> str:
        return f"{self.file}:{self.number}"

    def mention(self, value: str) -> Mention:
        return Mention(self.file, self.number, bounded(value))


def text_of(data: bytes) -> str:
    """The text of a file of unknown encoding; what cannot be decoded is replaced."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace").encode("utf-8", "replace").decode("utf-8")
    return data.decode("utf-8", "replace")


def read_text(tree: FileTree, path: str, limit_bytes: int = FILE_BYTES) -> str | None:
    """The text of a file, None where there is none."""
    data = tree.read(path, limit_bytes)
    return None if data is None else text_of(data)


def all_lines(tree: FileTree, path: str, limit_bytes: int = FILE_BYTES) -> Iterator[Line]:
    """The lines of a file, with their white space; none where there is no such file."""
    text = read_text(tree, path, limit_bytes) or ""
    for number, line in enumerate(text.split("\n")[:MOST_LINES], 1):
        yield Line(path, number, line.rstrip("\r")[:LINE_LENGTH])


def lines(tree: FileTree, path: str, comments: str = "#") -> Iterator[Line]:
    """The lines of a file that say something: stripped, without comments and empty ones."""
    for line in all_lines(tree, path):
        text = line.text.strip()
        if text and text[0] not in comments:
            yield Line(line.file, line.number, text)


def files_in(tree: FileTree, folder: str, suffixes: tuple[str, ...] = ("",), most: int = MOST_FILES) -> list[str]:
    """Paths of the files in a folder whose names end in one of `suffixes`, sorted."""
    names = [name for name in tree.list(folder) if name.endswith(suffixes) and not name.startswith(".")]
    return [join(folder, name) for name in names[:most]]


def join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def exists(tree: FileTree, path: str) -> bool:
    """Is there something at `path`? A symbolic link counts by what it leads to."""
    return tree.stat(path) is not None


def first_existing(tree: FileTree, paths: tuple[str, ...]) -> str:
    """The first of `paths` where something is; empty where nothing is."""
    return next((path for path in paths if exists(tree, path)), "")


_ASSIGNMENT: Final = re.compile(r"""\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)""")


def assignments(tree: FileTree, path: str) -> dict[str, Mention]:
    """`NAME=value` lines, as shells and INI files have them, without quotes; the last of a name counts."""
    found: dict[str, Mention] = {}
    for line in lines(tree, path, "#;"):
        match = _ASSIGNMENT.match(line.text)
        if match:
            found[match[1]] = line.mention(unquoted(match[2]))
    return found


def unquoted(text: str) -> str:
    """`text` without the quotes around it, and without a comment behind it."""
    text = text.strip()
    if text[:1] in {'"', "'"}:
        end = text.find(text[0], 1)
        return text[1:end] if end > 0 else text[1:]
    return re.split(r"\s#", text, maxsplit=1)[0].strip()
