"""docs/reference/python-api.md: the public names, from their signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from types import FunctionType
from typing import Any

import imgmove
from imgmove.core import events
from imgmove.core.tasks import Artifact
from imgmove.engine.options import OnDoubt
from scripts.reference.markdown import block, code, paragraphs, sections, table
from scripts.reference.source import attribute_docs

#: What a caller meets besides the names of `imgmove.__all__`.
_FURTHER: tuple[type, ...] = (Artifact, OnDoubt)
_WIDTH = 100


def render() -> str:
    public = [getattr(imgmove, name) for name in imgmove.__all__ if name != "__version__"]
    order = sorted((item for item in public if isinstance(item, type)), key=lambda item: item is not imgmove.Session)
    return sections([*(_class(item) for item in order), *(_class(item) for item in _FURTHER), _events()])


def _class(owner: type) -> str:
    parts = [f"## {owner.__name__}", f"`{owner.__module__}.{owner.__name__}`", paragraphs(_own_doc(owner))]
    if issubclass(owner, Enum):
        return sections([*parts, _members(owner)])
    parts.append(_fields(owner) if is_dataclass(owner) else block("python", _signature("__init__", owner)))
    return sections([*parts, *_methods(owner)])


def _own_doc(owner: type) -> str:
    """The docstring that the class itself has; not the signature that `dataclass` writes in its place."""
    doc = owner.__dict__.get("__doc__") or ""
    return "" if doc.startswith(f"{owner.__name__}(") else doc


def _members(owner: type[Enum]) -> str:
    docs = attribute_docs(owner)
    rows = [(code(member.name), code(str(member.value)), docs[member.name]) for member in owner]
    return table(("member", "value", ""), rows)


def _fields(owner: Any) -> str:
    docs = attribute_docs(owner)
    rows = [(code(item.name), code(_annotation(item.type)), _default(item), docs[item.name]) for item in fields(owner)]
    return table(("field", "type", "default", ""), rows)


def _default(item: Field[Any]) -> str:
    if item.default is not MISSING:
        return code(_shown(item.default))
    return "a new one" if item.default_factory is not MISSING else "necessary"


def _shown(value: Any) -> str:
    if isinstance(value, FunctionType):
        return value.__name__
    return str(value) if isinstance(value, Enum) else repr(value)


def _methods(owner: type) -> Iterator[str]:
    for name, member in vars(owner).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            kind = _annotation(inspect.signature(member.fget).return_annotation) if member.fget else ""
            yield sections(
                [f"### {owner.__name__}.{name}", f"A property: `{kind}`.", paragraphs(inspect.getdoc(member))]
            )
        elif isinstance(member, FunctionType):
            yield sections(
                [f"### {owner.__name__}.{name}", block("python", _signature(name, member)), paragraphs(member.__doc__)]
            )


def _signature(name: str, called: Callable[..., Any]) -> str:
    """The call as it is written, one parameter a line where it does not fit."""
    signature = inspect.signature(called)
    kept = [item for item in signature.parameters.values() if item.name != "self"]
    result = "" if isinstance(called, type) else f" -> {_annotation(signature.return_annotation)}"
    words = list(_parameters(kept))
    line = f"def {name}({', '.join(words)}){result}: ..."
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"def {name}(", *(f"    {word}," for word in words), f"){result}: ..."])


def _parameters(parameters: list[inspect.Parameter]) -> Iterator[str]:
    keyword_only = False
    for item in parameters:
        if item.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            yield "*"
        default = "" if item.default is inspect.Parameter.empty else f" = {_quoted(item.default)}"
        yield f"{item.name}: {_annotation(item.annotation)}{default}"


def _quoted(value: Any) -> str:
    """A default as the code base writes it: texts in double quotes."""
    return f'"{value}"' if type(value) is str and '"' not in value else repr(value)


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _events() -> str:
    kinds = [item for item in vars(events).values() if isinstance(item, type) and issubclass(item, events.Event)]
    rows = []
    for item in kinds:
        own = [field.name for field in fields(item) if item is events.Event or field.name not in _common()]
        rows.append((code(item.__name__), ", ".join(code(name) for name in own), paragraphs(_own_doc(item))))
    return sections(["## Events", table(("event", "fields", ""), rows)])


def _common() -> set[str]:
    return {field.name for field in fields(events.Event)}
