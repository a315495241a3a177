"""How a disk is divided: GPT, MBR, or not at all; and what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.layout import Partition
from imgmove.images.reading import mbr
from imgmove.images.reading.boot_code import has_code, owner
from imgmove.images.reading.device import Device
from imgmove.images.reading.gpt import Gpt, read_gpt
from imgmove.images.reading.partition_types import PROTECTIVE


@dataclass(frozen=True)
class Division:
    """The part of a DiskLayout that the tables tell; the names are the same."""

    table: str = ""
    is_hybrid: bool = False
    has_boot_code: bool = False
    boot_code: str = ""
    table_problem: str = ""
    sector_bytes: int = 512
    partitions: tuple[Partition, ...] = ()


_EMPTY: Final = Division()


def read_division(device: Device) -> Division:
    """The partitions of a disk. A disk that is one file system has no table."""
    sector = device.read_at(0, 512)
    if len(sector) < 512:
        return _EMPTY
    entries = mbr.entries(sector)
    gpt = read_gpt(device, is_announced=any(entry.type == PROTECTIVE for entry in entries))
    if gpt is not None:
        others = [entry for entry in entries if entry.is_used and entry.type != PROTECTIVE]
        return _division("gpt", sector, gpt.partitions, list(gpt.problems), device, gpt, is_hybrid=bool(others))
    if mbr.is_table(sector, max(1, device.size_bytes // 512)):
        table = mbr.Table(device)
        return _division("mbr", sector, table.partitions, table.problems, device)
    return Division(has_boot_code=has_code(sector), boot_code=owner(sector))


def _division(
    table: str, sector: bytes, partitions: tuple[Partition, ...], problems: list[str], device: Device,
    gpt: Gpt | None = None, *, is_hybrid: bool = False,
) -> Division:  # fmt: skip
    problems = [*problems, *_misplaced(partitions, device.size_bytes)]
    return Division(
        table=table,
        is_hybrid=is_hybrid,
        has_boot_code=has_code(sector),
        boot_code=owner(sector),
        table_problem="; ".join(problems),
        sector_bytes=gpt.sector_bytes if gpt else 512,
        partitions=partitions,
    )


def _misplaced(partitions: Sequence[Partition], disk_bytes: int) -> list[str]:
    """Partitions that leave the disk, and those that lie in each other."""
    problems = [
        f"partition {item.number} ends at {item.offset_bytes + item.size_bytes}, and the disk has {disk_bytes} bytes"
        for item in partitions
        if item.offset_bytes + item.size_bytes > disk_bytes
    ]
    data = sorted((item for item in partitions if item.role != "extended"), key=lambda item: item.offset_bytes)
    end, last = 0, 0
    for item in data:
        if item.offset_bytes < end:
            problems.append(f"partitions {last} and {item.number} overlap")
        if item.offset_bytes + item.size_bytes > end:
            end, last = item.offset_bytes + item.size_bytes, item.number
    return problems[:8]
