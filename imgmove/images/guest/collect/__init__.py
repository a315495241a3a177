"""Gathering the facts of a guest from its files. Runs in the reader's process: every byte here is hostile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from imgmove.images.guest.collect.access import collect_access
from imgmove.images.guest.collect.boot import collect_boot
from imgmove.images.guest.collect.byte_source import UnpackError
from imgmove.images.guest.collect.cloud_init import collect_cloud_init
from imgmove.images.guest.collect.fstab import collect_fstab
from imgmove.images.guest.collect.identity import collect_identity, collect_sundries
from imgmove.images.guest.collect.kernels import collect_kernels
from imgmove.images.guest.collect.leftovers import collect_leftovers
from imgmove.images.guest.collect.network import collect_network
from imgmove.images.guest.collect.operating_system import collect_os
from imgmove.images.guest.collect.registry import RegistryError
from imgmove.images.guest.collect.windows import collect_windows
from imgmove.images.guest.facts import Boot, GuestFacts, NotLooked, bounded
from imgmove.images.guest.files import FileTree, FileTreeError
from imgmove.images.guest.layout import DiskLayout

T = TypeVar("T")

#: What damage in an image may lead to in a collector; each costs that collector's facts, and no others.
_DAMAGE: Final = (
    FileTreeError, UnpackError, RegistryError, OSError, EOFError, MemoryError, RecursionError,
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
)  # fmt: skip


def collect(
    layout: DiskLayout, tree: FileTree | None, root_where: str, others: Mapping[str, FileTree] | None = None
) -> GuestFacts:
    """The facts of the guest whose root `tree` is (`root_where`: its `FileSystem.where`; None where none was found).

    `others` are further file systems that the guest's own fstab does not mount, by `FileSystem.where`: an EFI system
    partition, or the small partition that Windows starts from. Never raises for what is in the image.
    """
    if tree is None:
        return GuestFacts(root_where=bounded(root_where))
    return _Collection(layout, tree, bounded(root_where), others or {}).all()


@dataclass
class _Collection:
    """One run over one guest."""

    layout: DiskLayout
    tree: FileTree
    root_where: str
    others: Mapping[str, FileTree]
    missed: list[NotLooked] = field(default_factory=list)

    def all(self) -> GuestFacts:
        os = self._try("os", "/etc/os-release", lambda: collect_os(self.tree))
        if os and os.kind == "windows":
            windows = self._try(
                "windows", "/Windows/System32/config", lambda: collect_windows(self.layout, self.tree, self.others)
            )
            return GuestFacts(
                self.root_where, os=os, windows=windows,
                boot=self._try("boot", "EFI system partition", self._boot),
                leftovers=self._try("leftovers", "/Program Files", lambda: collect_leftovers(self.tree)),
                not_looked=tuple(self.missed),
            )  # fmt: skip
        boot = self._try("boot", "/boot", self._boot)
        facts = GuestFacts(
            root_where=self.root_where,
            os=os,
            boot=boot,
            fstab=self._try("fstab", "/etc/fstab", lambda: collect_fstab(self.tree)),
            kernels=self._try(
                "kernels", "/boot", lambda: collect_kernels(self.layout, self.tree, self.root_where, boot)
            ),
            cloud_init=self._try("cloud_init", "/etc/cloud", lambda: collect_cloud_init(self.tree, boot)),
            network=self._try("network", "/etc", lambda: collect_network(self.tree)),
            leftovers=self._try("leftovers", "/etc", lambda: collect_leftovers(self.tree)),
            access=self._try("access", "/etc/ssh", lambda: collect_access(self.tree)),
            identity=self._try("identity", "/etc/machine-id", lambda: collect_identity(self.tree)),
            sundries=self._try("sundries", "/etc", lambda: collect_sundries(self.tree)),
        )
        return GuestFacts(**{**vars(facts), "not_looked": tuple(self.missed)})

    def _boot(self) -> Boot:
        return collect_boot(self.layout, self.tree, self.others)

    def _try(self, area: str, path: str, gather: Callable[[], T]) -> T | None:
        try:
            return gather()
        except _DAMAGE as error:
            why = bounded(error) if isinstance(error, FileTreeError | RegistryError) else _described(error)
            self.missed.append(NotLooked(path, why or "it cannot be read", area))
            return None


def _described(error: BaseException) -> str:
    return bounded(f"it cannot be made sense of ({type(error).__name__})")
