"""NTFS by mkntfs and libntfs-3g, filled from a tree. The library is called; nothing is mounted."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import empty, patch
from tests.images.real.tree import Node, Tree
from tests.tools import not_run

S_IFDIR, S_IFREG = 0o040000, 0o100000
AT_DATA = 0x80
SERIAL_OFFSET = 0x48


def make(path: Path, tree: Tree, size: int, *, uuid: str, label: str = "Windows") -> Path:
    """A file system of `size` bytes in `path`, with the tree in it. `uuid` is as blkid writes it: sixteen digits."""
    empty(path, size)
    run("ntfs-3g", "mkntfs", "-q", "-F", "-Q", "-L", label, "-p", "2048", "-H", "255", "-S", "63", "-s", "512", path)
    library = _library()
    volume = _sound(library.ntfs_mount(str(path).encode(), 0), f"mounting {path}")
    try:
        for name, node in tree:
            _put(library, volume, name, node)
    finally:
        assert library.ntfs_umount(volume, 0) == 0
    serial = int(uuid, 16).to_bytes(8, "little")
    patch(path, SERIAL_OFFSET, serial)
    patch(path, -512 + SERIAL_OFFSET, serial)
    return path


def _put(library: Any, volume: int, path: str, node: Node) -> None:
    parent, name = PurePosixPath(path).parent, PurePosixPath(path).name
    folder = _sound(library.ntfs_pathname_to_inode(volume, None, str(parent).encode()), f"opening {parent}")
    wide = name.encode("utf-16-le")
    kind = S_IFDIR if node.kind == "directory" else S_IFREG
    inode = _sound(library.ntfs_create(folder, 0, wide, len(wide) // 2, kind), f"creating {path}")
    if node.kind == "file" and node.content:
        _write(library, inode, node.content, path)
    assert library.ntfs_inode_close_in_dir(inode, folder) == 0
    assert library.ntfs_inode_close(folder) == 0


def _write(library: Any, inode: int, content: bytes, path: str) -> None:
    stream = _sound(library.ntfs_attr_open(inode, AT_DATA, None, 0), f"opening the data of {path}")
    assert library.ntfs_attr_pwrite(stream, 0, len(content), content) == len(content), path
    library.ntfs_attr_close(stream)


def _sound(handle: int | None, what: str) -> int:
    assert handle, f"libntfs-3g: {what} failed: errno {ctypes.get_errno()}"
    return handle


@cache
def _library() -> Any:
    name = ctypes.util.find_library("ntfs-3g")
    if name is None:
        not_run("libntfs-3g is not installed (ntfs-3g)")
    library = ctypes.CDLL(name, use_errno=True)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "ntfs_mount": (pointer, [text, ctypes.c_ulong]),
        "ntfs_umount": (ctypes.c_int, [pointer, ctypes.c_int]),
        "ntfs_pathname_to_inode": (pointer, [pointer, pointer, text]),
        "ntfs_create": (pointer, [pointer, ctypes.c_uint32, text, ctypes.c_uint8, ctypes.c_uint32]),
        "ntfs_inode_close": (ctypes.c_int, [pointer]),
        "ntfs_inode_close_in_dir": (ctypes.c_int, [pointer, pointer]),
        "ntfs_attr_open": (pointer, [pointer, ctypes.c_uint32, pointer, ctypes.c_uint32]),
        "ntfs_attr_pwrite": (number, [pointer, number, number, text]),
        "ntfs_attr_close": (None, [pointer]),
    }
    for call, (result, arguments) in signatures.items():
        function = getattr(library, call)
        function.restype, function.argtypes = result, arguments
    return library
