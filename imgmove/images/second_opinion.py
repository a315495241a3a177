"""A second opinion on a header: the format inspectors of oslo.utils, where the extra `imgmove[check]` is installed.

They see the beginning and the end that the guard has read, and nothing more is read for them. What they refuse is
refused, but for their known mistakes: the bytes are shown to them without what they misunderstand (`_shown`), and a
partition table that they find odd is a note, because nobody follows it out of the disk. docs/explanation/adr/0013.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from imgmove.core.formats import DiskFormat
from imgmove.core.text import clean
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import HEAD_BYTES, TAIL_BYTES, ImageBytes, refuse

#: What they call our containers. Fixed VHDs they take for raw disks: they look at the beginning only.
_NAMES: Final = {
    DiskFormat.QCOW2: "qcow2",
    DiskFormat.VMDK: "vmdk",
    DiskFormat.VHD: "vhd",
    DiskFormat.VDI: "vdi",
}
#: What a raw disk may be for them: every disk with a boot sector is `gpt`; the guard has its own rules for the others.
_ON_DISKS: Final = frozenset({"gpt", "luks", "iso"})
_HINT: Final = "write it again with a current qemu-img, from a source that is trusted"


@dataclass(frozen=True)
class _Opinion:
    name: str
    matches: bool
    complaint: str = ""


def ask(facts: Facts, image: ImageBytes) -> tuple[str, ...]:
    """CORRUPT where oslo.utils refuses what passed the guard as `facts`; its remarks. Nothing where it is missing."""
    own = _own_name(facts)
    opinions = [_asked(name, inspector, _shown(own, image)) for name, inspector in _inspectors().items()]
    for opinion in opinions:
        if opinion.matches and opinion.name != own and (own or opinion.name not in _ON_DISKS):
            refuse(
                "AmbiguousFormat", f"is {opinion.name} too for those who look at it as OpenStack does",
                "write it again in one format, from a source that is trusted",
            )  # fmt: skip
    for opinion in opinions:
        if own and opinion.name == own and (opinion.complaint or not opinion.matches):
            complaint = opinion.complaint or "it does not recognise the format"
            refuse("UnsafeImage", f"is refused by the second opinion (oslo.utils): {complaint}", _HINT)
    # The bytes of an archive are compressed: what looks like a boot sector is chance.
    return () if facts.format is DiskFormat.RAW_TAR_GZ else tuple(_remarks(opinions))


def _own_name(facts: Facts) -> str:
    if facts.format is None or (facts.format is DiskFormat.VHD and facts.variant == "fixed"):
        return ""
    return _NAMES.get(facts.format, "")


def _remarks(opinions: list[_Opinion]) -> list[str]:
    odd = [opinion.complaint for opinion in opinions if opinion.name == "gpt" and opinion.complaint]
    return [f"OpenStack would not take its partition table ({complaint})" for complaint in odd]


@cache
def _inspectors() -> dict[str, Any]:
    try:
        from oslo_utils.imageutils import format_inspector
    except ImportError:
        return {}
    # It tells every finding to the log as well; where nobody has set one up, that is standard error.
    logger = logging.getLogger(format_inspector.__name__)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return {name: inspector for name, inspector in format_inspector.ALL_FORMATS.items() if name != "raw"}


def _asked(name: str, kind: Any, pieces: tuple[bytes, ...]) -> _Opinion:
    """One inspector's opinion. It may stumble over hostile bytes in any way: for its own format that is a complaint."""
    inspector = kind()
    try:
        for piece in pieces:
            inspector.eat_chunk(piece)
        inspector.finish()
        if not inspector.format_match:
            return _Opinion(name, matches=False)
    except Exception as error:  # noqa: BLE001 - AttributeError, struct.error: whatever its parsing comes to
        return _Opinion(name, matches=False, complaint=_words(error))
    try:
        inspector.safety_check()
    except Exception as error:  # noqa: BLE001 - as above
        return _Opinion(name, matches=True, complaint=_words(error))
    return _Opinion(name, matches=True)


def _words(error: Exception) -> str:
    failures = getattr(error, "failures", None)
    text = (
        "; ".join(f"check {name!r} failed: {failure}" for name, failure in failures.items())
        if isinstance(failures, dict)
        else f"{error}"
    )
    return clean(text or type(error).__name__)[:200]


def _shown(own: str, image: ImageBytes) -> tuple[bytes, ...]:
    """Beginning and end, without what it takes for something else."""
    head = bytearray(image.head)
    if own == "qcow2" and head[7] == 2:
        head[72:80] = bytes(8)  # version 2 has no feature bits: extensions stand here
    elif own == "qcow2":
        head[79] &= ~0x10  # extended L2 entries: a feature since QEMU 5.2, not known there
    elif own == "vmdk":
        head[512:] = bytes(head[512:]).translate(_ASCII)  # file names that are not in English
    rest = image.tail(TAIL_BYTES) if image.size_bytes > HEAD_BYTES else b""
    return (bytes(head), rest) if rest else (bytes(head),)


_ASCII: Final = bytes(range(128)) + b"?" * 128
