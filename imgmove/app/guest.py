"""What the source's image says of its guest, in the destination's words: operating system, architecture, boot, licence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imgmove.core.requests import Architecture, BootMode
from imgmove.core.tasks import Image, OsChoice

#: Words of an image's OS name that name no distribution.
_NOISE: Final = frozenset({"server", "linux", "gnu/linux", "64bit", "64位", "lts", "x86_64", "arm64", "bit", "core"})
_VERSION: Final = re.compile(r"\b(\d{1,4}(?:\.\d{1,2})?)\b")
_ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "x86_64": Architecture.X86_64, "amd64": Architecture.X86_64, "i386": Architecture.I386, "arm64": Architecture.ARM64,
    "arm": Architecture.ARM64, "arm_64": Architecture.ARM64, "aarch64": Architecture.ARM64,
}  # fmt: skip


@dataclass(frozen=True)
class Guest:
    """What an import is told about the image; empty fields are left to the destination's defaults."""

    os_type: str = ""
    os_version: str = ""
    architecture: Architecture | None = None
    boot_mode: BootMode | None = None
    license: str = ""
    notes: tuple[str, ...] = ()


def guest_of(image: Image, choices: Sequence[OsChoice], boot_modes: Sequence[BootMode]) -> Guest:
    """The guest of `image` in the words of a destination that offers `choices`.

    A system that the destination does not offer is left out, with a note: its importer then takes it as some other
    Linux. Windows must be offered, or be said by the operator.
    """
    details = image.details
    named = str(details.get("platform") or image.os)
    choice, version, notes = _system(named, image.os, choices)
    mode = boot_mode_of(image)
    return Guest(
        os_type=choice,
        os_version=version,
        architecture=_ARCHITECTURES.get(str(details.get("architecture", "")).lower()),
        boot_mode=mode if mode in boot_modes else None,
        license="BYOL" if details.get("os_type") == "windows" else "",
        notes=notes,
    )


def _system(named: str, full: str, choices: Sequence[OsChoice]) -> tuple[str, str, tuple[str, ...]]:
    wanted = _plain(named) or _plain(full)
    same = [item for item in choices if _plain(item.os_type) == wanted]
    like = [item for item in choices if wanted and _plain(item.os_type) and _plain(item.os_type) in wanted]
    own = _own_version(full)
    named_so = next((item for item in [*same, *like] if own and own in item.os_type.split()), None)
    if named_so is not None:  # Tencent: `Windows Server 2022` is a type by itself
        return named_so.os_type, "-" if "-" in named_so.versions else "", ()
    found = next(iter(same or like), None)
    if found is None:
        note = f"the destination knows no {full or 'such system'}: imported as its default" if full else ""
        return "", "", (note,) if note else ()
    version, exact = _version(full, found)
    note = "" if exact else f"the destination offers {found.os_type} {version or 'without a version'} for {full}"
    return found.os_type, version, (note,) if note else ()


def _plain(name: str) -> str:
    """A distribution's name without case, versions and noise: `CentOS 7.9 64位` is `centos`."""
    words = re.split(r"[\s_-]+", name.lower())
    return " ".join(word for word in words if word and word not in _NOISE and not word[0].isdigit())


def _own_version(full: str) -> str:
    match = _VERSION.search(full)
    return match.group(1) if match else ""


def _version(full: str, choice: OsChoice) -> tuple[str, bool]:
    """The version to say, and whether it is the image's own: exact, else by its first number, else the last offered."""
    own = _own_version(full)
    if not choice.versions:
        return own, True
    for wanted in (own, own.split(".")[0]):
        if wanted and wanted in choice.versions:
            return wanted, True
    return choice.versions[-1], False


def boot_mode_of(image: Image) -> BootMode | None:
    """How the image says that it starts; None where it says nothing."""
    word = str(image.details.get("boot_mode", "")).lower()
    if "uefi" in word:
        return BootMode.UEFI
    return BootMode.BIOS if "bios" in word else None
