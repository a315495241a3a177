"""What a Linux kernel's file says of itself: the release in an x86 image's header (kernel: arch/x86/boot.rst)."""

from __future__ import annotations

from typing import Final

from imgmove.images.guest.facts import bounded

#: The text lies in the setup code, which is at most 64 sectors long.
HEADER_BYTES: Final = 1 << 15
_MAGIC_AT: Final = 0x202
_TEXT_AT: Final = 0x20E
_BEHIND: Final = 0x200
"""Where the text's offset is counted from."""
_LONGEST: Final = 64


def release_in(head: bytes) -> str:
    """The release (`6.6.31-0-virt`) that a kernel whose file begins with `head` will call itself; empty if unknown."""
    if head[_MAGIC_AT : _MAGIC_AT + 4] != b"HdrS":
        return ""
    start = int.from_bytes(head[_TEXT_AT : _TEXT_AT + 2], "little") + _BEHIND
    text = head[start : start + _LONGEST + 1].split(b"\0")[0].split(b" ")[0]
    release = bounded(text) if start > _BEHIND else ""
    return release if release.isprintable() and "/" not in release and len(release) <= _LONGEST else ""
