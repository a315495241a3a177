"""What oslo.utils says of whole images, asked directly: an oracle that knows nothing of the guard."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from oslo_utils.imageutils import format_inspector


@dataclass(frozen=True)
class Verdict:
    names: tuple[str, ...]
    """Every format that it takes the bytes for."""
    virtual_bytes: int
    failures: tuple[str, ...] = ()
    """The safety checks of these formats that failed, or the errors of its parsing."""

    @property
    def refuses(self) -> bool:
        return len(self.names) != 1 or bool(self.failures)


def verdict(data: bytes, step: int = 64 << 10) -> Verdict:
    logging.getLogger(format_inspector.__name__).setLevel(logging.CRITICAL)
    inspectors = [kind() for name, kind in format_inspector.ALL_FORMATS.items() if name != "raw"]
    matching = [each for each in inspectors if _eats(each, data, step)]
    names = tuple(sorted(each.NAME for each in matching)) or ("raw",)
    sizes = [each.virtual_size for each in matching] or [len(data)]
    return Verdict(names, sizes[0], tuple(failure for each in matching for failure in _failures(each)))


def _eats(inspector: Any, data: bytes, step: int) -> bool:
    try:
        for start in range(0, len(data), step):
            inspector.eat_chunk(data[start : start + step])
        inspector.finish()
        return bool(inspector.format_match)
    except Exception:
        # Its wrapper takes an inspector that stumbles for one that does not match.
        return False


def _failures(inspector: Any) -> list[str]:
    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        return [f"{inspector.NAME}: {name}" for name in error.failures]
    except format_inspector.ImageFormatError as error:
        return [f"{inspector.NAME}: {error}"]
    return []
