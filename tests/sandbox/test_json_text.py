"""JSON that strangers wrote: read, or refused with one kind of error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.json_text import MAX_DEPTH, read_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(ANY_JSON)
def test_what_is_written_is_read(value: object) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_depth() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(ValueError, match="nests too deep"):
            read_json("[" * depth + "]" * depth)
        with pytest.raises(ValueError, match="nests too deep"):
            read_json('{"a":' * depth + "1" + "}" * depth)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b'"\\ud800"', '"\ud800"'.encode("utf-8", "surrogatepass"), b'{"\\udfff": 1}', b"9" * 5000],
)
def test_what_could_not_be_written_again(content: bytes) -> None:
    with pytest.raises(ValueError):  # that it is this kind, and no other, is what callers rely on
        read_json(content)


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert read_json('"\\ud83d\\ude00"') == "😀"
