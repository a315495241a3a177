"""Making text from outside harmless: names and messages of a cloud are data, never terminal commands."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Unicode categories that move the cursor, hide or reorder text: control, format (bidi overrides), surrogates,
#: private use, unassigned, line and paragraph separators.
_HARMFUL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: object, limit: int = 2000) -> str:
    """`text` in one line without control, format or unassigned characters, at most `limit` characters long.

    Line breaks and tabs become single spaces; every other harmful character becomes U+FFFD, so that nobody
    takes the cleaned text for the original. Printable text, Chinese too, stays as it is.
    """
    raw = " ".join(str(text).split()) if any(mark in str(text) for mark in "\n\r\t") else str(text)
    safe = "".join(_REPLACEMENT if unicodedata.category(c) in _HARMFUL_CATEGORIES else c for c in raw)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
