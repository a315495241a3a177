"""The files of one file system, as the collectors of facts see them. All contents are hostile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class FileTreeError(Exception):
    """The file system cannot be read here: damaged, absurd, or of a kind that the reader does not know."""


@dataclass(frozen=True)
class FileStat:
    """`kind`: `file`, `directory`, `symlink` or `other`. `mode` are the permission bits, None where there are none."""

    kind: str
    size_bytes: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


class FileTree(Protocol):
    """One mounted-looking tree. Paths are absolute, `/` between names; `.` and `..` never leave the tree.

    Symbolic links are followed inside the tree, also across file systems that are mounted below (`/boot`,
    `/boot/efi`, `/usr`, `/var`, by the guest's own fstab), at most 40 of them; a loop is as good as absent. On NTFS and
    FAT names are compared without case. Every method raises only FileTreeError, for damage; absence is None or empty.
    """

    def stat(self, path: str, *, follow: bool = True) -> FileStat | None:
        """What is at `path`, None where nothing is."""

    def list(self, path: str, limit: int = 4096) -> list[str]:
        """The names in a directory, sorted, at most `limit`; empty where it is none."""

    def read(self, path: str, limit_bytes: int = 1 << 20) -> bytes | None:
        """The first `limit_bytes` of a file, None where there is none."""

    def read_at(self, path: str, offset: int, length: int) -> bytes | None:
        """`length` bytes of a file at `offset`, fewer at its end; None where there is no such file."""

    def stream(self, path: str, piece_bytes: int = 1 << 20) -> Iterator[bytes] | None:
        """The contents in pieces, to be left off at any time; None where there is no such file."""

    def readlink(self, path: str) -> str | None:
        """The target of a symbolic link as it is written, None where `path` is none."""
