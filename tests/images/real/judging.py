"""A disk image looked into and judged, as `imgmove check` does it, without the command line around it."""

from __future__ import annotations

from pathlib import Path

from imgmove.core.findings import Finding, Severity
from imgmove.core.formats import DiskFormat
from imgmove.images.guest.rules import Target, Verdict, judge
from imgmove.images.reading.containers import open_container
from imgmove.images.reading.guest_tree import Guest, find_guest
from imgmove.images.reading.inspection import Inspection, Limits
from imgmove.images.reading.pages import Pages
from imgmove.images.reading.process import look_inside
from imgmove.images.reading.source import ImageSource
from imgmove.images.reading.survey import survey

CLOUDS = ("tencent", "ecm", "alibaba")


def inspect(path: Path, disk_format: str = "raw", limits: Limits | None = None) -> Inspection:
    """What is in the image, by the reader in its own process. It must have gone through without trouble."""

    def read(offset: int, length: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    source = ImageSource(path.name, path.stat().st_size, read)
    return look_inside(source, DiskFormat(disk_format), limits or Limits())


def verdict(inspection: Inspection, provider: str, boot_mode: str | None = None) -> Verdict:
    """The rules' verdict for one destination."""
    target = Target(provider, boot_mode)
    return judge(target, inspection.layout, inspection.facts, inspection.trouble)


def name(finding: Finding) -> str:
    return f"{finding.id}/{finding.case}"


def findings(inspection: Inspection, provider: str, boot_mode: str | None = None) -> dict[str, Severity]:
    """What was found, by name; what is only good to know is left out."""
    found = verdict(inspection, provider, boot_mode).findings
    return {name(item): item.severity for item in found if item.severity is not Severity.INFO}


def opened(path: Path, disk_format: str = "raw") -> Guest:
    """The guest's tree by the reader's own parts, in this process: for what no fact tells."""

    def fetch(offset: int, length: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    size = path.stat().st_size
    pages = Pages(size, fetch, 1 << 40, 1 << 30)
    return find_guest(survey(open_container(DiskFormat(disk_format), pages), DiskFormat(disk_format), size))
