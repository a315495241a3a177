"""What a look at an image found out."""

from __future__ import annotations

from dataclasses import dataclass

from imgmove.core.formats import DiskFormat


@dataclass(frozen=True)
class Facts:
    """An image that passed. `format` None: bytes that may be a raw disk, nothing says so."""

    format: DiskFormat | None
    virtual_bytes: int | None = None
    """The size of the disk that a guest sees; None where only unpacking tells."""
    variant: str = ""
    """`dynamic`, `streamOptimized`: the dialect of the format."""
    notes: tuple[str, ...] = ()
    """What an operator may want to know, and what does not speak against the image."""
