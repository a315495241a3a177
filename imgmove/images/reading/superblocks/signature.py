"""What lies at a place, by its own first blocks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """The part of a FileSystem that its superblock tells; the names are the same."""

    kind: str
    uuid: str = ""
    label: str = ""
    features: tuple[str, ...] = ()
    is_clean: bool | None = None
    free_bytes: int | None = None
    size_bytes: int | None = None
    """Its own idea of its size: what lies in a larger place leaves the rest of it alone."""


def uuid_of(raw: bytes) -> str:
    """Sixteen bytes as they are written; empty for none."""
    return str(uuid.UUID(bytes=raw)) if len(raw) == 16 and any(raw) else ""


def text_of(raw: bytes) -> str:
    """A label in a field of fixed length."""
    return raw.split(b"\0")[0].decode("utf-8", "replace").rstrip()


def names_of(bits: int, names: dict[int, str], kind: str) -> list[str]:
    """The names of the bits that are set; `KIND_0x80` for those that nobody has a name for."""
    return [names.get(1 << bit, f"{kind}_{1 << bit:#x}") for bit in range(bits.bit_length()) if bits >> bit & 1]
