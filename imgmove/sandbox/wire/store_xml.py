"""XML as the object stores speak it: writing answers, and reading small request documents safely."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.parsers import expat
from xml.sax.saxutils import escape

from imgmove.sandbox.http import Body

MAX_DOCUMENT_BYTES = 8 << 20
"""10,000 parts in the list of a completion are a quarter of this."""
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
QUOTES = {'"': "&quot;", "\r": "&#13;"}


class Xml(str):
    """Text that is XML already and is not escaped again."""

    __slots__ = ()


def tag(name: str, *content: Xml | str | int) -> Xml:
    """An element. Content that is no `Xml` is escaped; none at all gives an empty element."""
    inner = "".join(each if isinstance(each, Xml) else escape(str(each), QUOTES) for each in content)
    return Xml(f"<{name}>{inner}</{name.split()[0]}>" if inner else f"<{name}/>")


def document(root: Xml) -> bytes:
    """A whole document. There is no namespace: oss2 does not read replies that have one (alibaba.md 5.7)."""
    return (DECLARATION + root).encode()


def timestamp(wall: float) -> str:
    """`2019-05-24T10:56:40.000Z`."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class XmlError(ValueError):
    """A request's document is not well-formed, not what was expected, or tries something clever."""


@dataclass
class Element:
    """An element of a request's document; its name without a namespace."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """The children of that name."""
        return [child for child in self.children if child.name == name]

    def get(self, path: str, default: str = "") -> str:
        """The text of the element at a path of names, `Owner/ID`; blanks around it removed."""
        here = self
        for name in path.split("/"):
            found = here.all(name)
            if not found:
                return default
            here = found[0]
        return here.text.strip()


def parse_body(body: Body, root: str) -> Element:
    """The document in a request's body, as of `parse`. Raises XmlError also for one beyond MAX_DOCUMENT_BYTES."""
    if body.size_bytes > MAX_DOCUMENT_BYTES:
        raise XmlError(f"a document may have {MAX_DOCUMENT_BYTES} bytes, not {body.size_bytes}")
    return parse(body.read(), root)


def parse(content: bytes, root: str) -> Element:
    """The document's root element. Raises XmlError, also for another root and for any entity declaration."""
    top = Element("")
    stack = [top]
    parser = expat.ParserCreate(namespace_separator="\n")

    def start(name: str, _attributes: dict[str, str]) -> None:
        element = Element(name.rpartition("\n")[2])
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def characters(data: str) -> None:
        stack[-1].text += data

    def refuse_declarations(*_details: object) -> None:
        raise XmlError("document type declarations are not accepted")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse_declarations
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise XmlError(str(error)) from error
    if top.children[0].name != root:
        raise XmlError(f"expected {root}, not {top.children[0].name}")
    return top.children[0]
