"""How a broken disk is described, and sound ones of a size that nobody warns of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from imgmove.core.findings import Severity
from tests.images.real import recipes
from tests.images.real.guests.debian import Outline
from tests.images.real.tree import Change, Tree
from tests.images.real.workshop import Disk, Workshop

GIB = 1 << 30
LETTERS = {"B": Severity.BLOCK, "W": Severity.WARN, "I": Severity.INFO}
DESTINATIONS = ("tencent", "ecm", "alibaba")


@dataclass(frozen=True)
class Broken:
    """A disk, and all that is found on it: `{"G03/fstab-absent": "BBB"}` by destination, `-` where it is none of its
    business. `boot_mode` is what the import would say; `file_gib` is how large the image is made (no room taken)."""

    disk: Callable[[], Disk]
    found: dict[str, str]
    boot_mode: str | None = None
    container: str = "raw"
    file_gib: int = 0

    def image(self, workshop: Workshop) -> Path:
        made = workshop.disk(self.disk(), self.container)
        return workshop.enlarged(made, self.file_gib * GIB) if self.file_gib else made

    def expected(self, provider: str) -> dict[str, Severity]:
        place = DESTINATIONS.index(provider)
        return {name: LETTERS[letters[place]] for name, letters in self.found.items() if letters[place] != "-"}


def bios(*changes: Change, outline: Outline | None = None, lvm: bool = False, file_system: str = "ext4",
         features: str = "") -> Callable[[], Disk]:  # fmt: skip
    """A Debian on an MBR with these changes."""
    return lambda: large(
        recipes.debian_disk(*changes, outline=outline, lvm=lvm, file_system=file_system, features=features)
    )


def uefi(*changes: Change, esp: Tree | None = None) -> Callable[[], Disk]:
    return lambda: large(recipes.uefi_disk(*changes, esp=esp))


def redhat(*changes: Change) -> Callable[[], Disk]:
    return lambda: large(recipes.redhat_disk(*changes))


def large(disk: Disk, gib: int = 20) -> Disk:
    return replace(disk, size=gib * GIB)


def write(path: str, text: str, mode: int = 0o644) -> Change:
    return lambda tree: tree.file(path, text, mode)


def append(path: str, text: str) -> Change:
    return lambda tree: tree.append(path, text)


def edit(path: str, old: str, new: str) -> Change:
    return lambda tree: tree.edit(path, old, new)


def remove(*paths: str) -> Change:
    def change(tree: Tree) -> None:
        for path in paths:
            tree.remove(path)

    return change
