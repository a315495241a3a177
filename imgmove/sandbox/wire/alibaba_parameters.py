"""Parameters of Alibaba RPC calls: schemas as data, and reading them from flattened names or from a JSON body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from imgmove.sandbox.wire.alibaba_errors import invalid, missing
from imgmove.sandbox.wire.numbers import natural

Tree = dict[str, Any]
"""Parameters nested by the dots of their names, names in lower case; leaves are strings."""

WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}")


class Kind(Enum):
    """What type a parameter's text has to be of."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action. With `fields` it is a structure; `repeated` ones are sent as `Name.1`, `Name.2`."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    repeated: bool = False
    fields: tuple[Parameter, ...] = ()

    def read(self, node: Any, path: str) -> Any:
        """The value in its type. Raises RpcError InvalidParameter when the text is not of that type."""
        if not self.repeated:
            return self._one(node, path)
        if not isinstance(node, dict):
            raise invalid(path)
        places = sorted((key for key in node if natural(key) is not None), key=int)
        return [self._one(node[place], f"{path}.{place}") for place in places]

    def _one(self, node: Any, path: str) -> Any:
        if self.fields:
            if not isinstance(node, dict):
                raise invalid(path)
            return read_tree(self.fields, node, f"{path}.")
        if isinstance(node, dict):
            raise invalid(path)
        return _typed(self.kind, node, path)


def text(*names: str, required: bool = False) -> tuple[Parameter, ...]:
    """Parameters that are text."""
    return tuple(Parameter(name, required=required) for name in names)


def number(*names: str, required: bool = False) -> tuple[Parameter, ...]:
    """Parameters that are whole numbers."""
    return tuple(Parameter(name, Kind.NUMBER, required) for name in names)


def flag(*names: str) -> tuple[Parameter, ...]:
    """Parameters that are true or false, in any case."""
    return tuple(Parameter(name, Kind.FLAG) for name in names)


def repeated(name: str, *fields: Parameter, required: bool = False) -> tuple[Parameter, ...]:
    """A list, of structures when fields are given and of texts otherwise."""
    return (Parameter(name, required=required, repeated=True, fields=fields),)


class Arguments:
    """The parameters of one call, read by their schema. What was not sent, or sent empty, is absent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """A text parameter."""
        return str(self._values.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        """A number."""
        return int(self._values.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """A flag."""
        return bool(self._values.get(name, default))

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        return list(self._values.get(name, ()))

    def each(self, name: str) -> list[Arguments]:
        """A list of structures."""
        return [Arguments(item) for item in self._values.get(name, ())]

    def part(self, name: str) -> Arguments:
        """A structure; empty when it was not sent."""
        return Arguments(self._values.get(name, {}))

    def values(self) -> Mapping[str, Any]:
        """Everything, as plain values."""
        return self._values


def plant(pairs: Iterable[tuple[str, str]]) -> Tree:
    """The tree of flattened parameters: `Tag.1.Key=a` becomes {"tag": {"1": {"key": "a"}}}.

    The service does not mind the case of names (alibaba.md 2.1). Of two that clash the later counts.
    """
    tree: Tree = {}
    for name, value in pairs:
        *branches, leaf = name.lower().split(".")
        node = tree
        for branch in branches:
            node = _branch(node, branch)
        if not isinstance(node.get(leaf), dict):
            node[leaf] = value
    return tree


def plant_json(content: Any) -> Any:
    """The same tree from a JSON body: lists count from 1, numbers and booleans become text, null is left out."""
    if isinstance(content, dict):
        return {str(name).lower(): plant_json(value) for name, value in content.items() if value is not None}
    if isinstance(content, list):
        return {str(place): plant_json(value) for place, value in enumerate(content, 1) if value is not None}
    return str(content).lower() if isinstance(content, bool) else str(content)


def read_tree(schema: Iterable[Parameter], tree: Tree, prefix: str = "") -> dict[str, Any]:
    """The values of a schema's parameters under their proper names; what the schema does not know is ignored.

    Raises RpcError: MissingParameter for a required one that is absent or empty, InvalidParameter for a wrong type.
    """
    values: dict[str, Any] = {}
    for parameter in schema:
        node = tree.get(parameter.name.lower(), "")
        if node in ("", {}):
            if parameter.required:
                raise missing(prefix + parameter.name)
            continue
        values[parameter.name] = parameter.read(node, prefix + parameter.name)
    return values


def _branch(node: Tree, name: str) -> Tree:
    child = node.get(name)
    if not isinstance(child, dict):
        child = node[name] = {}
    return child


def _typed(kind: Kind, value: str, path: str) -> str | int | bool:
    if kind is Kind.NUMBER:
        if not WHOLE_NUMBER.fullmatch(value.strip()):
            raise invalid(path)
        return int(value)
    if kind is Kind.FLAG:
        if value.lower() not in ("true", "false"):
            raise invalid(path)
        return value.lower() == "true"
    return value
