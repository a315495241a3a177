"""Looking into an initramfs for drivers: archives one after the other, each packed in its own way, microcode in front."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from imgmove.images.guest.collect import cpio
from imgmove.images.guest.collect.byte_source import ByteSource, UnpackError
from imgmove.images.guest.collect.unpack import unpacked

#: Most bytes of an initramfs, as it is stored and unpacked.
STORED_LIMIT: Final = 512 << 20
UNPACKED_LIMIT: Final = 1 << 30
_MODULE: Final = re.compile(r"(?:usr/)?lib/modules/([^/]+)/.*?([^/]+)\.ko(?:\.(?:xz|zst|gz|bz2))?$")
_LVM_TOOL: Final = re.compile(r"(?:usr/)?s?bin/lvm$")
#: Not a driver: the program that starts logical volumes.
LVM_TOOLS: Final = "lvm tools"


@dataclass
class Contents:
    """What was found before the search ended."""

    found: set[str] = field(default_factory=set)
    """Of what was wanted: drivers (with `_`), and LVM_TOOLS."""
    packing: str = ""
    """How the archive with the last files is packed: `none`, `gzip`…"""
    problem: str = ""
    """Why it could not be read to its end, in words."""
    is_whole: bool = False
    """Read to its end: what was not found is not there."""
    versions: set[str] = field(default_factory=set)
    """Kernel versions that it has modules for."""


def driver_name(module_file: str) -> str:
    """A module's name as the kernel says it: `virtio-blk` and `virtio_blk` are one."""
    return module_file.replace("-", "_")


def look_into(
    pieces: Iterator[bytes], wanted: frozenset[str], version: str, also: frozenset[str] = frozenset()
) -> Contents:
    """Search for `wanted` modules of the kernel `version`; left off as soon as all are found. `also` is noted on the way.

    Never raises UnpackError: what cannot be unpacked is the `problem`.
    """
    contents = Contents()
    try:
        for name in _names(ByteSource(pieces, STORED_LIMIT), contents):
            _note(name, wanted | also, version, contents)
            if wanted <= contents.found:
                return contents
        contents.is_whole = True
    except UnpackError as error:
        contents.problem = str(error)
    return contents


def _note(name: str, wanted: frozenset[str], version: str, contents: Contents) -> None:
    module = _MODULE.match(name)
    if module:
        if len(contents.versions) < 10:
            contents.versions.add(module[1][:100])
        driver = driver_name(module[2])
        if driver in wanted and version in {"", module[1]}:
            contents.found.add(driver)
    elif LVM_TOOLS in wanted and _LVM_TOOL.match(name):
        contents.found.add(LVM_TOOLS)


def _names(source: ByteSource, contents: Contents) -> Iterator[str]:
    """Names of all files, as the kernel would unpack them: plain archives, packed ones, zeros between them."""
    while source.skip_zeros():
        if source.peek(6) in cpio.MAGICS:
            contents.packing = contents.packing or "none"
            for entry in cpio.entries(source):
                yield entry.name
            continue
        contents.packing, pieces = unpacked(source)
        inner = ByteSource(pieces, UNPACKED_LIMIT)
        while inner.skip_zeros():
            for entry in cpio.entries(inner):
                yield entry.name
