"""Copies whose conversion needs random access: local files, by `qemu-img`, straight to a file or by way of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Resource
from imgmove.core.ports import ObjectStore
from imgmove.engine.steps import StepContext
from imgmove.engine.transfer.object_copy import copy_object
from imgmove.engine.transfer.record import Comparison, CopyRecord
from imgmove.engine.transfer.surroundings import Copied, CopyOptions, Surroundings
from imgmove.images.qemu import can_convert_files, convert_file

_COMPARED = "qemu-img compare: the result holds the same disk as the source"
#: As the local store marks what is not whole: its lists leave such names out.
_MARK = ".imgmove-"


@dataclass(frozen=True)
class _ByQemu(Comparison):
    """A comparison of a disk with itself in another format; `upload` where the result went to a store afterwards."""

    upload: Comparison | None = None

    def describe(self) -> list[str]:
        return [_COMPARED, *(self.upload.describe() if self.upload else [])]


@dataclass(frozen=True)
class FileConversion:
    """One conversion of a local file. `destination_path` is None where the result goes to an object store."""

    context: StepContext
    around: Surroundings
    source: Path
    found: DiskFormat
    wanted: DiskFormat
    destination_path: Path | None

    def run(self, destination: ObjectStore, key: str, local: Callable[[Path], ObjectStore], options: CopyOptions,
            record: CopyRecord) -> Copied:  # fmt: skip
        """Convert and, where the destination is a store, copy there. Safe to repeat: a result that is whole is used."""
        if self.destination_path is not None:
            return self._to_file(self.destination_path, destination, key)
        return self._to_store(destination, key, local, options, record)

    def _to_file(self, path: Path, destination: ObjectStore, key: str) -> Copied:
        self._convert(path)
        info = destination.head(key)
        if info is None:
            raise ImgmoveError(Kind.CONFLICT, f"{path} vanished as soon as it was written", code="NoSuchKey")
        return Copied(replace(info, crc64=destination.measure(key)), _ByQemu(), info.size_bytes, 0)

    def _to_store(
        self, destination: ObjectStore, key: str, local: Callable[[Path], ObjectStore], options: CopyOptions,
        record: CopyRecord,
    ) -> Copied:  # fmt: skip
        staged = self._beside(self.source, self.wanted.value)
        self.around.note(
            f"{self.wanted.value} cannot be written on the way: it is made as {staged} first, and removed again"
        )
        self._made(staged)
        if not _is_newer(staged, self.source):
            self._convert(staged)
        try:
            copied = copy_object(local(staged), staged.name, destination, key, options, self.around, record)
        except ImgmoveError as error:
            if error.kind not in TAKEN_UP_AGAIN:
                self._remove(staged)
            raise
        self._remove(staged)
        return replace(copied, comparison=_ByQemu(upload=copied.comparison))

    def _convert(self, target: Path) -> None:
        partial = self._beside(target, "partial")
        self._made(partial)
        convert_file(
            self.source, self.found, target, self.wanted, partial,
            check=lambda: self.around.check(f"converting {self.source} to {self.wanted.value}"), moved=self.around.moved,
        )  # fmt: skip
        self._forget(partial)

    def _beside(self, path: Path, suffix: str) -> Path:
        """A hidden name in the same directory that only this job uses."""
        return path.with_name(f".{path.name.removeprefix('.')}{_MARK}{self.context.job.id}.{suffix}")

    def _made(self, path: Path) -> None:
        now = self.context.clock.now()
        self.context.journal.made(self.context.job.id, Resource(str(path), "object", "file", "", None, now))

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self.around.note(f"{path} could not be removed: {error.strerror}")
            return
        self._forget(path)

    def _forget(self, path: Path) -> None:
        self.context.journal.removed(self.context.job.id, str(path), self.context.clock.now())


#: Errors after which a copy is not over: a later run takes it up where it is.
TAKEN_UP_AGAIN = frozenset({Kind.INTERRUPTED, Kind.TIMEOUT, Kind.UNAVAILABLE, Kind.THROTTLED, Kind.QUOTA})


def check_file_conversion(source: str, is_local: bool, found: DiskFormat, wanted: DiskFormat) -> None:
    """UNSUPPORTED, with the way round, where `source` cannot become `wanted` by way of files."""
    if not can_convert_files(found, wanted):
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"{source} is {found.value}: nothing here makes {wanted.value} of that", code="NoConversion",
            hint="unpack it to a file first: `imgmove copy SOURCE ./disk.raw --format raw`"
            if found is DiskFormat.RAW_TAR_GZ else "choose --format raw, qcow2, vhd or vmdk",
        )  # fmt: skip
    if not is_local:
        name = f"./disk.{found.value}"
        raise ImgmoveError(
            Kind.UNSUPPORTED,
            f"{source} is {found.value}: to become {wanted.value} it must be read to and fro, which needs a local file",
            code="NoConversion",
            hint=f"copy it to a file first: `imgmove copy {source} {name}`, then "
            f"`imgmove copy {name} DESTINATION --format {wanted.value}` (that runs qemu-img)",
        )  # fmt: skip


def _is_newer(path: Path, than: Path) -> bool:
    """Is there a whole result of an earlier run, made after the source was last written?"""
    try:
        return path.stat().st_mtime_ns >= than.stat().st_mtime_ns
    except FileNotFoundError:
        return False
