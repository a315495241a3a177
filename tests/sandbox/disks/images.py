"""Disk contents to test with, and qemu-img, which judges what is made of them."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

QEMU_NAMES = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc", "vmdk": "vmdk", "vdi": "vdi"}
"""Our name of a format -> qemu-img's."""


class QemuImg:
    """qemu-img as a judge."""

    def __init__(self, program: str) -> None:
        self._program = program

    def run(self, *arguments: str | Path) -> str:
        """Runs it and returns what it printed; fails the test where it fails."""
        done = subprocess.run([self._program, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"qemu-img {arguments}: {done.stdout} {done.stderr}"
        return done.stdout

    def create(self, format_name: str, path: Path, size: int | str, *options: str) -> None:
        self.run("create", "-q", "-f", QEMU_NAMES[format_name], *options, path, str(size))

    def convert(self, raw: Path, format_name: str, path: Path, *options: str) -> None:
        self.run("convert", "-f", "raw", "-O", QEMU_NAMES[format_name], *options, raw, path)

    def info(self, path: Path, format_name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("info", "--output=json", "-f", QEMU_NAMES[format_name], path))
        return found

    def judge(self, raw: Path, path: Path, format_name: str) -> None:
        """The file is sound, and holds what the raw file holds (with zeros behind it where it is larger)."""
        if format_name in ("qcow2", "vmdk", "vdi"):  # it has no check for the others
            self.run("check", "-f", QEMU_NAMES[format_name], path)
        self.run("compare", "-f", "raw", "-F", QEMU_NAMES[format_name], raw, path)


def required(program: str) -> str:
    """The path of an external judge; skips the test where it is not installed."""
    found = shutil.which(program, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin") or shutil.which(
        program
    )
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def write_pieces(path: Path, size: int, pieces: dict[int, bytes]) -> Path:
    """A sparse file of `size` bytes with these pieces."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in pieces.items():
            file.seek(offset)
            file.write(data)
        file.truncate(size)
    return path


def speckled(path: Path, size: int, *, pieces: int = 30, seed: int = 1) -> Path:
    """Random data of random lengths at random, unaligned places; some of it repeats itself, and some is zeros."""
    dice = random.Random(seed)
    content = {}
    for _ in range(pieces):
        length = dice.randrange(1, min(300_000, max(2, size)))
        kinds = (dice.randbytes(length), (dice.randbytes(100) * (length // 100 + 1))[:length], bytes(length))
        content[dice.randrange(max(1, size - length))] = dice.choice(kinds)
    return write_pieces(path, size, content)


def same_content(left: Path, right: Path) -> bool:
    """Whether two raw files hold the same, the longer one zeros where the other has ended."""
    with left.open("rb") as one, right.open("rb") as other:
        while True:
            first, second = one.read(MIB), other.read(MIB)
            if not first and not second:
                return True
            length = max(len(first), len(second))
            if first.ljust(length, b"\0") != second.ljust(length, b"\0"):
                return False
