"""Archives in cpio's "newc" format, of which initial RAM disks are made (kernel: driver-api/early-userspace)."""

from __future__ import annotations

from tests.images.real.tree import Node, Tree

TYPES = {"file": 0o100000, "directory": 0o040000, "symlink": 0o120000}
BLOCK = 512


def archive(tree: Tree) -> bytes:
    """The tree as an archive, filled up to whole blocks as cpio(1) does."""
    entries = [_entry(number, path.lstrip("/"), node) for number, (path, node) in enumerate(tree, start=1)]
    data = _entry(0, ".", Node("directory")) + b"".join(entries) + _entry(0, "TRAILER!!!", None)
    return data + bytes(-len(data) % BLOCK)


def _entry(number: int, name: str, node: Node | None) -> bytes:
    mode = TYPES[node.kind] | node.mode if node else 0
    content = node.content if node else b""
    links = 2 if node and node.kind == "directory" else 1
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _filled(header) + _filled(content)


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
