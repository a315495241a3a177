"""What a guest mounts at boot: /etc/fstab."""

from __future__ import annotations

import re
from typing import Final

from imgmove.images.guest.collect.text_files import lines
from imgmove.images.guest.facts import LIST_LIMIT, FstabEntry, bounded
from imgmove.images.guest.files import FileTree

FSTAB: Final = "/etc/fstab"
_SECRETS: Final = re.compile(r"pass|cred|user|secret|key|token", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def collect_fstab(tree: FileTree) -> tuple[FstabEntry, ...]:
    """The entries that are in force, in their order; lines that no mount understands are left out."""
    found = []
    for line in lines(tree, FSTAB):
        words = line.text.split()
        if len(words) >= 2:
            device, mount_point, kind, options = (*words, "", "")[:4]
            found.append(
                FstabEntry(
                    line=line.number,
                    device=bounded(re.sub(r"(://|^//)[^/@]*@", r"\1", _plain(device))),
                    mount_point=bounded(_plain(mount_point)),
                    kind=bounded(kind),
                    options=tuple(bounded(_without_secret(word)) for word in options.split(",")[:20] if word),
                )
            )
    return tuple(found[:LIST_LIMIT])


def _without_secret(option: str) -> str:
    """An option without its value where that may be a password."""
    name = option.partition("=")[0]
    return f"{name}=…" if _SECRETS.search(name) and "=" in option else option


def _plain(word: str) -> str:
    """A word without fstab's escapes (`\\040` is a blank) and quotes around the value of `UUID="…"`."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8) & 0x7F), word).replace('"', "")
