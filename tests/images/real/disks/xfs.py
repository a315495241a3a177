"""XFS by mkfs.xfs, filled from a tree by a prototype file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import MIB, empty
from tests.images.real.tree import Node, Tree

SMALLEST = 300 * MIB
"""Less is refused by mkfs.xfs; it costs nothing in a sparse file."""


def make(path: Path, tree: Tree, scratch: Path, size: int = SMALLEST, *, uuid: str, label: str = "",
         features: str = "") -> Path:  # fmt: skip
    """A file system of `size` bytes in `path`, with the tree in it, owned as the tree says."""
    prototype = scratch / "prototype"
    (scratch / "contents").mkdir()
    prototype.write_text("\n".join(_prototype(tree, scratch / "contents")) + "\n")
    chosen = ",".join(filter(None, (f"uuid={uuid}", features)))
    run(
        *("xfsprogs", "mkfs.xfs", "-q", "-f", "-K", "-m", chosen, "-L", label, "-p", prototype),
        empty(path, max(size, SMALLEST)),
    )
    return path


def _prototype(tree: Tree, contents: Path) -> Iterator[str]:
    children: dict[str, list[tuple[str, Node]]] = {}
    for path, node in tree:
        children.setdefault(str(PurePosixPath(path).parent), []).append((path, node))
    yield from ("boot", "0 0", "d--755 0 0")
    yield from _directory("/", children, contents)
    yield "$"


def _directory(path: str, children: dict[str, list[tuple[str, Node]]], contents: Path) -> Iterator[str]:
    for place, node in children.get(path, []):
        name = PurePosixPath(place).name
        assert " " not in name, "a prototype's names have no spaces"
        rights = f"{_type(node)}{node.mode & 0o777:03o} {node.uid} {node.gid}"
        if node.kind == "directory":
            yield f"{name} {rights}"
            yield from _directory(place, children, contents)
            yield "$"
        elif node.kind == "symlink":
            yield f"{name} {rights} {node.content.decode()}"
        else:
            source = contents / place.strip("/").replace("/", "+")
            source.write_bytes(node.content)
            yield f"{name} {rights} {source}"


def _type(node: Node) -> str:
    """Type, set-user-id and set-group-id as a prototype spells them."""
    letter = {"file": "-", "directory": "d", "symlink": "l"}[node.kind]
    return f"{letter}{'u' if node.mode & 0o4000 else '-'}{'g' if node.mode & 0o2000 else '-'}"
