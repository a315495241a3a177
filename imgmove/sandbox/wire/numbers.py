"""Whole numbers in requests. Python's own `int` takes other scripts' digits, and raises for thousands of them."""

from __future__ import annotations

import re

_NATURAL = re.compile(r"[0-9]{1,18}")


def natural(text: str) -> int | None:
    """The number, None for what is no run of at most 18 digits."""
    return int(text) if _NATURAL.fullmatch(text) else None
