"""A tree of files, described: what `mke2fs -d`, an XFS prototype or an NTFS volume is filled with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

NodeKind = Literal["file", "directory", "symlink"]


@dataclass(frozen=True)
class Node:
    """One file, directory or symbolic link (`content` is then its target)."""

    kind: NodeKind
    content: bytes = b""
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


class Tree:
    """Nodes by absolute path. Directories above a node come by themselves; every change names what has to be there."""

    def __init__(self, nodes: dict[str, Node] | None = None) -> None:
        self._nodes = dict(nodes or {})

    def file(self, path: str, content: str | bytes = b"", mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        data = content.encode() if isinstance(content, str) else content
        self._put(path, Node("file", data, mode, uid, gid))

    def directory(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        self._put(path, Node("directory", b"", mode, uid, gid))

    def symlink(self, path: str, target: str) -> None:
        self._put(path, Node("symlink", target.encode(), 0o777))

    def remove(self, path: str) -> None:
        """The node and everything below it; it has to be there."""
        gone = [name for name in self._nodes if name == path or name.startswith(path + "/")]
        assert gone, f"{path} is not in the tree"
        for name in gone:
            del self._nodes[name]

    def text(self, path: str) -> str:
        return self._nodes[path].content.decode()

    def content(self, path: str) -> bytes:
        return self._nodes[path].content

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which has to be there, in a file's text."""
        text = self.text(path)
        assert old in text, f"{old!r} is not in {path}"
        self._nodes[path] = replace(self._nodes[path], content=text.replace(old, new).encode())

    def append(self, path: str, text: str) -> None:
        self._nodes[path] = replace(self._nodes[path], content=self._nodes[path].content + text.encode())

    def change_mode(self, path: str, mode: int, uid: int = 0, gid: int = 0) -> None:
        self._nodes[path] = replace(self._nodes[path], mode=mode, uid=uid, gid=gid)

    def copy(self) -> Tree:
        return Tree(self._nodes)

    def split(self, path: str) -> Tree:
        """Takes out what is below `path`, as a tree of its own; the empty directory stays behind."""
        inside = {name[len(path) :]: node for name, node in self._nodes.items() if name.startswith(path + "/")}
        self._nodes = {name: node for name, node in self._nodes.items() if not name.startswith(path + "/")}
        self.directory(path)
        return Tree(inside)

    def __repr__(self) -> str:
        """All of it, contents by their hash: equal trees say the same."""
        return f"Tree({[(path, _hashed(node)) for path, node in sorted(self._nodes.items())]!r})"

    def __contains__(self, path: str) -> bool:
        return path in self._nodes

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        """All nodes, each behind the directory that it is in."""
        return iter(sorted(self._nodes.items(), key=lambda item: item[0].split("/")))

    def _put(self, path: str, node: Node) -> None:
        assert path.startswith("/"), path
        for parent in list(PurePosixPath(path).parents)[:-1]:
            above = self._nodes.setdefault(str(parent), Node("directory"))
            assert above.kind == "directory", f"{path}: {parent} is no directory"
        self._nodes[path] = node


def _hashed(node: Node) -> Node:
    return replace(node, content=hashlib.sha256(node.content).digest())


Change = Callable[[Tree], None]
"""One thing done to a tree: what a rule is broken with."""


def changed(tree: Tree, *changes: Change) -> Tree:
    """A copy with the changes made."""
    result = tree.copy()
    for change in changes:
        change(result)
    return result
