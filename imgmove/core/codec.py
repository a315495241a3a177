"""Dataclasses to JSON values and back, for the journal and for machine-readable output.

Fields that a reader does not know are ignored and fields that are missing take their defaults, so that a newer
and an older imgmove can read each other's records.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


@cache
def _type_hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


JSON = dict[str, Any]


def encode(value: Any) -> Any:
    """`value` as JSON types. Takes dataclasses, enums, mappings, sequences and JSON scalars; TypeError else."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def decode(kind: type[T], value: Mapping[str, Any]) -> T:
    """An instance of the dataclass `kind` from what `encode` made; ValueError where a required field is missing."""
    hints = _type_hints(cast(Any, kind))
    arguments = {}
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass by contract
        if field.name in value:
            arguments[field.name] = _convert(hints[field.name], value[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{kind.__name__} without {field.name}")
    return kind(**arguments)


def _convert(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [option for option in get_args(hint) if option is not type(None)]
        return _convert(inner[0], value) if len(inner) == 1 else value
    if origin in (tuple, list):
        items = [_convert(get_args(hint)[0], item) for item in value]
        return tuple(items) if origin is tuple else items
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value)
    return value
