"""Gathering the facts of a guest from its files. Runs in the reader's process: every byte here is hostile."""

from __future__ import annotations

from collections.abc import Mapping

from imgmove.images.guest.facts import GuestFacts
from imgmove.images.guest.files import FileTree
from imgmove.images.guest.layout import DiskLayout


def collect(
    layout: DiskLayout, tree: FileTree | None, root_where: str, others: Mapping[str, FileTree] | None = None
) -> GuestFacts:
    """The facts of the guest whose root `tree` is (`root_where`: its `FileSystem.where`; None where none was found).

    `others` are further file systems that the guest's own fstab does not mount, by `FileSystem.where`: an EFI system
    partition, or the small partition that Windows starts from. Never raises for what is in the image.
    """
    del layout, tree, others
    return GuestFacts(root_where=root_where)
