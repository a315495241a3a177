"""What the source's image says of its guest, in the destination's words: operating system, architecture, boot, licence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imgmove.core.requests import Architecture, BootMode
from imgmove.core.tasks import Image, OsChoice

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
    fitting = _fitting(named, choices) or _fitting(full, choices)
    own = _own_version(full)
    named_so = next((item for item in fitting if own and own in item.os_type.split()), None)
    if named_so is not None:  # Tencent: `Windows Server 2022` is a type by itself
        return named_so.os_type, "-" if "-" in named_so.versions else "", ()
    if not fitting:
        note = f"the destination knows no {full or 'such system'}: imported as its default" if full else ""
        return "", "", (note,) if note else ()
    found = fitting[0]
    version, exact = _version(full, found)
    note = "" if exact else f"the destination offers {found.os_type} {version or 'without a version'} for {full}"
    return found.os_type, version, (note,) if note else ()


def _fitting(name: str, choices: Sequence[OsChoice]) -> list[OsChoice]:
    """The choices that `name` may mean: those whose longest beginning fits it best, several where they share it."""
    letters = _letters(name)
    lengths = {
        index: max(
            (len(word) for word in item.beginnings or (_letters(item.os_type),) if word and letters.startswith(word)),
            default=0,
        )
        for index, item in enumerate(choices)
    }
    best = max(lengths.values(), default=0)
    return [choices[index] for index, length in lengths.items() if best and length == best]


def _letters(name: str) -> str:
    """A system's name by its letters alone: `CentOS 7.9 64位` is `centos`."""
    return re.sub(r"[^a-z]", "", name.lower())


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
