"""Job ids: sortable by time, easy to read aloud, never taken for a vendor's id."""

from __future__ import annotations

import random
import re
from typing import Final

#: No i, l, o, u: an id is copied from screens and said over telephones (Crockford's base 32, in lower case).
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PATTERN: Final = re.compile(r"j[0-9a-hjkmnp-tv-z]{13}")


def new_job_id(now: float, chance: random.Random) -> str:
    """`j` and 13 characters: eight of milliseconds since 1970 (40 bits, so that ids sort), five of chance."""
    return "j" + _digits(int(now * 1000) & ((1 << 40) - 1), 8) + _digits(chance.getrandbits(25), 5)


def is_job_id(text: str) -> bool:
    return _PATTERN.fullmatch(text) is not None


def _digits(value: int, count: int) -> str:
    return "".join(_ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(count)))
