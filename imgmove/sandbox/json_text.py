"""Reading JSON that strangers wrote: one kind of error for all that is wrong, and nothing that can't be written again."""

from __future__ import annotations

import json
from typing import Any

MAX_DEPTH = 64


def read_json(content: bytes | str) -> Any:
    """The value. Raises ValueError for what is no JSON, nests deeper than MAX_DEPTH, or has half a surrogate pair in
    it, which no answer and no state file could hold."""
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    _check_depth(value, MAX_DEPTH)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict | list):
        if left == 0:
            raise ValueError("it nests too deep")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, left - 1)
