"""Durations, sizes and rates: from what people type to numbers, and back."""

from __future__ import annotations

import math
import re
from typing import Final

from imgmove.core.errors import usage_error

_DURATION_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SIZE_BYTES: Final = {
    "": 1, "B": 1,
    "K": 1 << 10, "KIB": 1 << 10, "KB": 10**3,
    "M": 1 << 20, "MIB": 1 << 20, "MB": 10**6,
    "G": 1 << 30, "GIB": 1 << 30, "GB": 10**9,
    "T": 1 << 40, "TIB": 1 << 40, "TB": 10**12,
}  # fmt: skip
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_MAX_DURATION_SECONDS: Final = 3650 * 86400.0


def parse_duration(text: str) -> float:
    """Seconds from `90s`, `30m`, `6h`, `1h30m`, `1.5h`, `500ms`, or a bare number of seconds.

    Raises a usage error for anything else, for negative values and for more than ten years.
    """
    stripped = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", stripped):
        return _bounded(float(stripped), text)
    parts = _DURATION_PART.findall(stripped)
    if not parts or "".join(number + unit for number, unit in parts) != stripped.replace(" ", ""):
        raise usage_error(f"{text!r} is not a duration", "write it like 90s, 30m, 6h or 1h30m")
    return _bounded(sum(float(number) * _DURATION_SECONDS[unit] for number, unit in parts), text)


def _bounded(seconds: float, text: str) -> float:
    if not math.isfinite(seconds) or seconds > _MAX_DURATION_SECONDS:
        raise usage_error(f"{text!r} is too long for a duration", "the longest is 3650d")
    return seconds


def parse_size(text: str) -> int:
    """Bytes from `5MiB`, `16M`, `1.5GiB`, `100KB` (decimal), or a bare number of bytes; a usage error else."""
    match = _SIZE.fullmatch(text.strip())
    factor = _SIZE_BYTES.get(match.group(2).upper()) if match else None
    if match is None or factor is None:
        raise usage_error(f"{text!r} is not a size", "write it like 5MiB, 512KiB, 2GiB or a number of bytes")
    return int(float(match.group(1)) * factor)


def parse_rate(text: str) -> int:
    """Bytes per second from `50MiB`, `50MiB/s` or `0`/`off` (no limit); a usage error else."""
    stripped = text.strip()
    if stripped.lower() in {"0", "off", "unlimited"}:
        return 0
    return parse_size(stripped.removesuffix("/s"))


def format_duration(seconds: float) -> str:
    """`0:07`, `12:05`, `3:04:05`: for people, rounded down to seconds."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def format_size(size_bytes: float) -> str:
    """`512 B`, `5.0 MiB`, `1.2 TiB`: for people."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
