"""A disk as a cloud exports it, for the bench of conversions: half of it data that compresses, the rest zeros."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

_BLOCK_BYTES = 1 << 20


def make_archive(folder: Path, size_bytes: int) -> Path:
    """`disk.raw.tar.gz` in `folder`, with `disk.raw` of `size_bytes` in it; both are left there. Made once."""
    disk, archive = folder / f"disk-{size_bytes}.raw", folder / f"disk-{size_bytes}.raw.tar.gz"
    if archive.exists():
        return archive
    chance = random.Random(1)
    with disk.open("wb") as file:
        file.truncate(size_bytes)
        for offset in range(0, size_bytes, _BLOCK_BYTES):
            if chance.random() < 0.5:
                file.seek(offset)
                file.write(_block(chance))
        file.truncate(size_bytes)
    subprocess.run(["tar", "-cf", f"{archive}.tar", "-C", str(folder), disk.name], check=True)
    with archive.open("wb") as file:
        subprocess.run(["gzip", "-6", "-c", f"{archive}.tar"], stdout=file, check=True)
    Path(f"{archive}.tar").unlink()
    return archive


def _block(chance: random.Random) -> bytes:
    """Like a file system's content: compresses to about a half."""
    words = [chance.randbytes(chance.randrange(8, 40)) for _ in range(400)]
    picked = b"".join(chance.choices(words, k=30_000))[: _BLOCK_BYTES // 2]
    return (picked + chance.randbytes(_BLOCK_BYTES // 4)).ljust(_BLOCK_BYTES, b"\xff")
