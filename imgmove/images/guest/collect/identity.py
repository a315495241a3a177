"""Who a guest was, and small things that single rules ask for. Only whether ids and keys are there, never what they are."""

from __future__ import annotations

from typing import Final

from imgmove.images.guest.collect.text_files import files_in, first_existing, lines
from imgmove.images.guest.facts import LIST_LIMIT, Identity, Mention, Sundries, bounded
from imgmove.images.guest.files import FileTree

_GROWPART: Final = ("/usr/bin/growpart", "/usr/sbin/growpart", "/bin/growpart")


def collect_identity(tree: FileTree) -> Identity:
    """What would be the same on every machine that is made of this disk."""
    keys = [path for path in files_in(tree, "/etc/ssh", ("_key",)) if path.startswith("/etc/ssh/ssh_host_")]
    instances = [name for name in tree.list("/var/lib/cloud/instances", LIST_LIMIT) if not name.startswith(".")]
    return Identity(
        machine_id=_machine_id(tree),
        host_keys=tuple(bounded(path) for path in keys[:16]),
        cloud_instances=len(instances),
    )


def _machine_id(tree: FileTree) -> str:
    data = tree.read("/etc/machine-id", 64)
    if data is None:
        return ""
    text = data.strip()
    return "empty" if not text else "uninitialized" if text == b"uninitialized" else "set"


def collect_sundries(tree: FileTree) -> Sundries:
    """Growing the root, the hardware clock, encrypted volumes."""
    return Sundries(
        has_growpart=bool(first_existing(tree, _GROWPART)),
        local_clock_at=_local_clock_at(tree),
        crypttab=tuple(_crypttab(tree)),
    )


def _local_clock_at(tree: FileTree) -> str:
    return next((line.at for line in lines(tree, "/etc/adjtime") if line.text == "LOCAL"), "")


def _crypttab(tree: FileTree) -> list[Mention]:
    """Names and devices of volumes that are unlocked at boot; key files and options are left out."""
    found = [(line, line.text.split()) for line in lines(tree, "/etc/crypttab")]
    return [line.mention(" ".join(words[:2])) for line, words in found if len(words) >= 2][:16]
