"""Conversions that need random access: `qemu-img` on local files, after the guard, with limits, the result whole or not there."""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect, inspect_file
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import file_bytes
from imgmove.images.vhd_writer import vhd_bytes

MIB: Final = 1 << 20
_TICK_SECONDS: Final = 0.1
_PROGRESS: Final = re.compile(rb"\((\d+(?:\.\d+)?)/100%\)")
_READS: Final = {
    DiskFormat.RAW: "raw",
    DiskFormat.QCOW2: "qcow2",
    DiskFormat.VHD: "vpc",
    DiskFormat.VMDK: "vmdk",
    DiskFormat.VDI: "vdi",
}
_WRITES: Final = {
    DiskFormat.RAW: ("raw", ""),
    DiskFormat.QCOW2: ("qcow2", "compat=1.1"),
    DiskFormat.VHD: ("vpc", "subformat=dynamic,force_size=on"),
    DiskFormat.VMDK: ("vmdk", "subformat=monolithicSparse"),
}
#: A dynamic VHD of qemu-img has blocks of 2 MiB, and importers want MaxTableEntries x BlockSize to be the size
#: (alibaba.md 3.2).
_VHD_BLOCK_BYTES: Final = 2 * MIB
INSTALL_HINT: Final = (
    "install it: `apt install qemu-utils` (Debian, Ubuntu), `dnf install qemu-img` (Fedora, RHEL, Alibaba Cloud Linux, "
    "TencentOS), `zypper install qemu-tools` (SUSE), `apk add qemu-img` (Alpine), `brew install qemu` (macOS)"
)
#: What qemu-img says, and what it means for us.
_FAILURES: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("No space left on device", Kind.QUOTA, "free some space, then run the same command again"),
    ("Disk quota exceeded", Kind.QUOTA, "free some space, then run the same command again"),
    ("Permission denied", Kind.DENIED, "check the permissions of both files and of their directories"),
    ("Read-only file system", Kind.DENIED, "choose a directory that can be written to"),
    ("lock", Kind.CONFLICT, "another program has the image open: stop the machine that uses it first"),
)
#: Run by a Python of its own, which becomes qemu-img: limits set between fork and exec could lock up a process with
#: threads. Arguments: pairs of limit and value, then the command.
_LIMITER: Final = """
import os, resource, sys
for pair in sys.argv[1].split(","):
    name, value = pair.split("=")
    which = getattr(resource, name)
    hard = resource.getrlimit(which)[1]
    value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
    resource.setrlimit(which, (value, value))
os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Limits:
    """What one run of `qemu-img` may take: it is C code that reads foreign bytes."""

    memory_bytes: int = 2 << 30
    """Of address space; on Linux only, other systems do not keep such a limit."""
    cpu_seconds: int = 600
    """And a second more for each 32 MiB of the disk."""


def can_convert_files(source: DiskFormat, wanted: DiskFormat) -> bool:
    """Can `convert_file` make `wanted` of `source`?"""
    return source in _READS and wanted in _WRITES and source is not wanted


def convert_file(
    source: Path,
    found: DiskFormat,
    destination: Path,
    wanted: DiskFormat,
    partial: Path,
    *,
    check: Callable[[], None] = lambda: None,
    moved: Callable[[int, int], None] = lambda _done, _total: None,
    limits: Limits | None = None,
) -> Facts:
    """Write the disk of `source`, which is of the format `found`, to `destination`; what the result is.

    `source` passes the guard first. Written to `partial`, in the same directory as `destination`, compared with the
    source (`qemu-img compare`), looked at by the guard (the disk of a guest may itself begin like an image that names
    other files), and renamed; on failure nothing is left. `check` is called all the time and stops the work by raising.
    A dynamic VHD's disk is filled up to whole 2 MiB. Safe to repeat. Raises CORRUPT, UNSUPPORTED (no qemu-img, or a
    disk that the format cannot hold), CONFLICT (the source changed meanwhile), QUOTA, DENIED, FAILED.
    """
    program = find_program()
    facts = inspect_file(source, found)
    size_bytes = facts.virtual_bytes or 0
    before = source.stat()
    tool = _Tool(program, limits or Limits(), size_bytes, check)
    with _removed_on_failure(partial):
        reading = ["-f", _READS[found]]
        _write(tool, [*reading, str(source.absolute())], size_bytes, wanted, partial, moved)
        tool.run("compare", ["-q", *reading, "-F", _WRITES[wanted][0], str(source.absolute()), str(partial.absolute())])
        after = source.stat()
        if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
            raise ImgmoveError(
                Kind.CONFLICT, f"{source} changed while it was converted", code="SourceChanged",
                hint="stop what writes to it, then run the same command again",
            )  # fmt: skip
        made = inspect(str(destination), file_bytes(partial), wanted, system_disk=False)
        _put_in_place(partial, destination)
    return made


def find_program() -> str:
    """The path of `qemu-img`; UNSUPPORTED, with the packages that have it, where it is not installed."""
    found = shutil.which("qemu-img")
    if found is None:
        raise ImgmoveError(
            Kind.UNSUPPORTED, "this conversion needs qemu-img, which is not installed here", code="QemuImgMissing",
            hint=INSTALL_HINT,
        )  # fmt: skip
    return found


def _write(
    tool: _Tool,
    source: Sequence[str],
    size_bytes: int,
    wanted: DiskFormat,
    partial: Path,
    moved: Callable[[int, int], None],
) -> None:
    name, options = _WRITES[wanted]
    stated = ["-o", options] if options else []
    target = str(partial.absolute())

    def percent(value: float) -> None:
        moved(min(size_bytes, int(size_bytes * value / 100)), size_bytes)

    if wanted is not DiskFormat.VHD:
        tool.run("convert", ["-p", *source[:-1], "-O", name, *stated, source[-1], target], percent)
        return
    size = -(-vhd_bytes(size_bytes) // _VHD_BLOCK_BYTES) * _VHD_BLOCK_BYTES
    tool.run("create", ["-q", "-f", name, *stated, target, str(size)])
    tool.run("convert", ["-p", "-n", "--target-is-zero", *source[:-1], "-O", name, source[-1], target], percent)


@contextmanager
def _removed_on_failure(partial: Path) -> Iterator[None]:
    try:
        partial.unlink(missing_ok=True)
        yield
    except OSError as error:
        partial.unlink(missing_ok=True)
        kind = Kind.DENIED if isinstance(error, PermissionError) else Kind.UNAVAILABLE
        raise ImgmoveError(
            kind, f"{partial}: {error.strerror}", code=type(error).__name__, hint="check the directory and the disk"
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _put_in_place(partial: Path, destination: Path) -> None:
    _sync(partial)
    partial.replace(destination)
    _sync(destination.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Tool:
    """`qemu-img`, run with limits that fit one disk."""

    def __init__(self, program: str, limits: Limits, size_bytes: int, check: Callable[[], None]) -> None:
        self._program, self._check = program, check
        bounds = {
            "RLIMIT_CPU": limits.cpu_seconds + size_bytes // (32 * MIB),
            "RLIMIT_FSIZE": size_bytes + size_bytes // 32 + 64 * MIB,
            "RLIMIT_CORE": 0,
        }
        if sys.platform == "linux":
            bounds["RLIMIT_AS"] = limits.memory_bytes
        self._bounds = ",".join(f"{name}={value}" for name, value in bounds.items())

    def run(self, command: str, words: Sequence[str], percent: Callable[[float], None] = lambda _value: None) -> None:
        """One command to its end. Whatever `check` raises stops it."""
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LIMITER, self._bounds, self._program, command, *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "MALLOC_ARENA_MAX": "2"},
            )  # fmt: skip
            try:
                self._follow(process, percent)
            finally:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
            if process.returncode:
                raise _failure(command, process.returncode, said)

    def _follow(self, process: subprocess.Popen[bytes], percent: Callable[[float], None]) -> None:
        if process.stdout is None:
            raise AssertionError("its output is a pipe")
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                self._check()
                if selector.select(_TICK_SECONDS):
                    piece = os.read(process.stdout.fileno(), 4096)
                    if not piece:
                        break
                    for value in _PROGRESS.findall(piece)[-1:]:
                        percent(float(value))
        while process.poll() is None:
            self._check()
            try:
                process.wait(_TICK_SECONDS)
            except subprocess.TimeoutExpired:
                continue


def _failure(command: str, status: int, said: IO[bytes]) -> ImgmoveError:
    said.seek(0)
    text = " ".join(said.read(2000).decode("utf-8", "replace").split())
    if status < 0:
        name = signal.strsignal(-status) or f"signal {-status}"
        return ImgmoveError(
            Kind.CORRUPT, f"qemu-img {command} was ended by {name}: it ran into its limits, or crashed. {text}".strip(),
            code="QemuImgDied", hint="do not trust the image; if you do, convert it by hand, without limits",
        )  # fmt: skip
    if command == "compare" and status == 1:
        return ImgmoveError(
            Kind.CORRUPT, "the converted disk differs from its source", code="ConversionDiffers",
            hint="look for a faulty disk or memory, then run the same command again",
        )  # fmt: skip
    for words, kind, hint in _FAILURES:
        if words in text:
            return ImgmoveError(kind, f"qemu-img {command}: {text}", code="QemuImgFailed", hint=hint)
    return ImgmoveError(
        Kind.FAILED, f"qemu-img {command} failed: {text}", code="QemuImgFailed", hint="`qemu-img check` may tell more"
    )
