"""Types of Tencent API parameters as data, and how a request's parameters are checked and converted by them.

The gateway is strict: a number where a string belongs is refused (`InvalidParameter`, "The value type of
parameter `X` is not valid, input type should be `string`"), a name that the action does not define is
`UnknownParameter`, an absent required one `MissingParameter`. A JSON null counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.tencent_errors import ApiError

Parameters = dict[str, Any]
"""Checked parameters: str, int, bool, lists and dicts of them, by the vendor's names."""


class Scalar(StrEnum):
    """The simple types, by the names that the gateway's messages use."""

    STRING = "string"
    INTEGER = "int64"
    UNSIGNED = "uint64"
    BOOLEAN = "bool"


@dataclass(frozen=True)
class ListOf:
    """A list whose items are all of one type."""

    item: Type


@dataclass(frozen=True)
class Struct:
    """An object with named members. `required` lists those that must be there."""

    members: Mapping[str, Type] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    @classmethod
    def of(cls, required: Mapping[str, Type] | None = None, **optional: Type) -> Struct:
        """A struct of required members and, by keyword, optional ones."""
        needed = dict(required or {})
        return cls({**needed, **optional}, frozenset(needed))


Type = Scalar | ListOf | Struct

STRINGS = ListOf(Scalar.STRING)
INTEGERS = ListOf(Scalar.INTEGER)
FILTERS = ListOf(Struct.of({"Name": Scalar.STRING, "Values": STRINGS}))
NOTHING = Struct()

_INTEGER = re.compile(r"-?\d{1,19}")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def check(value: Any, kind: Type, path: str = "", *, numbers_as_text: bool = False) -> Any:
    """`value`, decoded JSON, checked against `kind`. `numbers_as_text` lets "5" pass for a number (CAM's way)."""
    match kind:
        case Struct():
            return _check_struct(value, kind, path, numbers_as_text)
        case ListOf():
            if not isinstance(value, list):
                raise _wrong_type(path, "array")
            return [
                check(item, kind.item, f"{path}.{index}", numbers_as_text=numbers_as_text)
                for index, item in enumerate(value)
            ]
        case Scalar():
            if numbers_as_text and isinstance(value, str):
                value = _from_text(value, kind)
            return _check_scalar(value, kind, path)


def _check_struct(value: Any, kind: Struct, path: str, numbers_as_text: bool) -> Parameters:
    if not isinstance(value, dict):
        raise _wrong_type(path, "object")
    given = {name: item for name, item in value.items() if item is not None}
    for name in given:
        if name not in kind.members:
            raise ApiError("UnknownParameter", f"The parameter `{_join(path, name)}` is not recognized.")
    for name in kind.members:
        if name in kind.required and name not in given:
            raise missing(_join(path, name))
    return {
        name: check(item, kind.members[name], _join(path, name), numbers_as_text=numbers_as_text)
        for name, item in given.items()
    }


def _check_scalar(value: Any, kind: Scalar, path: str) -> Any:
    match kind:
        case Scalar.STRING:
            good = isinstance(value, str)
        case Scalar.BOOLEAN:
            good = isinstance(value, bool)
        case Scalar.INTEGER:
            good = _is_integer(value)
        case Scalar.UNSIGNED:
            good = _is_integer(value) and value >= 0
    if not good:
        raise _wrong_type(path, kind.value)
    return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64


def missing(name: str) -> ApiError:
    """The gateway's answer to an absent required parameter."""
    return ApiError("MissingParameter", f"The request is missing a required parameter `{name}`.")


def invalid_value(name: str, value: object) -> ApiError:
    """The gateway's answer to a value of the right type that cannot be."""
    return ApiError("InvalidParameterValue", f"The value `{value}` specified in the parameter `{name}` is not valid.")


def _wrong_type(path: str, expected: str) -> ApiError:
    return ApiError(
        "InvalidParameter",
        f"The value type of parameter `{path or 'Body'}` is not valid, input type should be `{expected}`.",
    )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def from_json(body: bytes, kind: Struct, *, numbers_as_text: bool = False) -> Parameters:
    """The parameters of a POST. An empty body counts as `{}`."""
    try:
        value = read_json(body or b"{}")
    except ValueError as error:
        raise ApiError("InvalidParameter", f"The request body is not valid JSON: {error}.") from error
    result: Parameters = check(value, kind, numbers_as_text=numbers_as_text)
    return result


def from_pairs(pairs: Iterable[tuple[str, str]], kind: Struct) -> Parameters:
    """The parameters of a GET or a form, where lists and members are flattened: `Filters.0.Values.1=x`."""
    tree: dict[str, Any] = {}
    for name, text in pairs:
        _place(tree, name, text)
    result: Parameters = check(_shape(tree, kind), kind)
    return result


def _place(tree: dict[str, Any], name: str, text: str) -> None:
    *parents, leaf = name.split(".")
    node = tree
    for part in parents:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise ApiError("InvalidParameter", f"The parameter `{name}` collides with another one.")
        node = child
    if leaf in node:
        raise ApiError("InvalidParameter", f"The parameter `{name}` is given more than once.")
    node[leaf] = text


def _shape(value: Any, kind: Type) -> Any:
    """Text and dicts of a flattened request in the form that JSON would have had; what does not fit is left."""
    match kind:
        case Struct() if isinstance(value, dict):
            return {name: _shape(item, kind.members.get(name, Scalar.STRING)) for name, item in value.items()}
        case ListOf() if isinstance(value, dict) and all(natural(name) is not None for name in value):
            return [_shape(value[name], kind.item) for name in sorted(value, key=int)]
        case Scalar() if isinstance(value, str):
            return _from_text(value, kind)
    return value


def _from_text(text: str, kind: Scalar) -> Any:
    if kind in (Scalar.INTEGER, Scalar.UNSIGNED) and _INTEGER.fullmatch(text):
        return int(text)
    if kind is Scalar.BOOLEAN:
        return _BOOLEANS.get(text.lower(), text)
    return text
