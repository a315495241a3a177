"""How Alibaba Cloud spells points in time: UTC, to the second or to the minute."""

from __future__ import annotations

from datetime import UTC, datetime

FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ")


def to_second(seconds: float) -> str:
    """Unix seconds as `2026-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime(FORMATS[0])


def to_minute(seconds: float | None) -> str:
    """Unix seconds as `2026-01-01T00:00Z`, "" for None: what tasks show (alibaba.md 1.3)."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime(FORMATS[1])


def from_text(text: str) -> float:
    """Unix seconds of either spelling. Raises ValueError for anything else."""
    for spelling in FORMATS:
        try:
            return datetime.strptime(text, spelling).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    raise ValueError(f"not a time: {text}")
