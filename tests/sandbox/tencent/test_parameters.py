"""A flattened query and a JSON body that mean the same are read the same, whatever they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.wire.cvm import ACTIONS as CVM_ACTIONS
from imgmove.sandbox.wire.ecm import ACTIONS as ECM_ACTIONS
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct, Type, from_json, from_pairs

STRUCTS = [action.parameters for action in (*CVM_ACTIONS.values(), *ECM_ACTIONS.values())]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def values(kind: Type) -> st.SearchStrategy[Any]:
    """Values of a type. Lists and structs inside are never empty: a flattened query cannot show those."""
    match kind:
        case Struct():
            required = {name: values(member) for name, member in kind.members.items() if name in kind.required}
            optional = {name: values(member) for name, member in kind.members.items() if name not in kind.required}
            return st.fixed_dictionaries(required, optional=optional)
        case ListOf():
            return st.lists(values(kind.item), min_size=1, max_size=12)
        case Scalar.BOOLEAN:
            return st.booleans()
        case Scalar.INTEGER:
            return st.integers(-(2**63), 2**63 - 1)
        case Scalar.UNSIGNED:
            return st.integers(0, 10**18)
        case Scalar.STRING:
            return TEXT


def flattened(value: Any, path: str = "") -> list[tuple[str, str]]:
    """As the SDKs flatten parameters for a GET."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = ((str(index), item) for index, item in enumerate(value))  # type: ignore[assignment]
    else:
        return [(path, str(value))]
    return [pair for name, item in members for pair in flattened(item, f"{path}.{name}" if path else name)]


@given(st.sampled_from(STRUCTS).flatmap(lambda struct: st.tuples(st.just(struct), values(struct))))
def test_both_forms_mean_the_same(case: tuple[Struct, dict[str, Any]]) -> None:
    struct, parameters = case
    assert from_json(json.dumps(parameters).encode(), struct) == parameters
    query = urlencode(flattened(parameters))
    assert from_pairs(parse_qsl(query, keep_blank_values=True), struct) == parameters


def refusal(call: Callable[[], object]) -> str:
    """The code that the parameters are refused with, "" when they are taken."""
    try:
        call()
    except ApiError as error:
        return error.code
    return ""


CODES = {"", "InvalidParameter", "UnknownParameter", "MissingParameter"}
LEAVES = st.none() | st.booleans() | st.floats() | TEXT
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=6)


@given(st.sampled_from(STRUCTS), ANY_JSON)
def test_any_json_is_taken_or_refused_with_a_code(struct: Struct, document: Any) -> None:
    assert refusal(lambda: from_json(json.dumps(document).encode(), struct)) in CODES


@given(st.sampled_from(STRUCTS), st.lists(st.tuples(st.text("AIFD.01ImageIds", max_size=9), TEXT), max_size=6))
def test_any_query_is_taken_or_refused_with_a_code(struct: Struct, pairs: list[tuple[str, str]]) -> None:
    assert refusal(lambda: from_pairs(pairs, struct)) in CODES


def test_indices_may_begin_anywhere_and_come_in_any_order() -> None:
    struct = Struct.of(ImageIds=ListOf(Scalar.STRING))
    assert from_pairs([("ImageIds.10", "c"), ("ImageIds.2", "b"), ("ImageIds.1", "a")], struct) == {
        "ImageIds": ["a", "b", "c"]
    }


@pytest.mark.parametrize("pairs", [[("A", "1"), ("A", "2")], [("A", "1"), ("A.0", "2")], [("A.0", "1"), ("A", "2")]])
def test_names_that_collide(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(ApiError) as caught:
        from_pairs(pairs, Struct.of(A=Scalar.STRING))
    assert caught.value.code == "InvalidParameter"
