"""The text in which LVM2 writes its metadata down: sections, numbers, strings, lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*                                          # nothing
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<number>-?\d+(?:\.\d+)?(?![\w.+-]))
    |(?P<name>[\w.+/-]+)
    |(?P<sign>[{}\[\]=,])""",
    re.VERBOSE,
)
#: Sections lie in each other four deep.
_MOST_DEPTH: Final = 16

Section = dict[str, Any]
"""Values are int, float, str, lists of these, and sections."""


class LvmTextError(ValueError):
    """It is no such text."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Section:
    """The outermost section. Raises LvmTextError."""
    parser = _Parser(_tokens(text))
    return parser.section(0, None)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise LvmTextError(f"unexpected characters at {position}")
        position = match.end()
        if match.lastgroup:
            found.append(_Token(match.lastgroup, match.group()))
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def section(self, depth: int, end: str | None) -> Section:
        """Everything up to the closing brace, or to the end of the text (`end` None)."""
        if depth > _MOST_DEPTH:
            raise LvmTextError("sections that lie too deep")
        found: Section = {}
        while True:
            token = self._next(may_end=end is None)
            if token is None or (token.kind == "sign" and token.text == end):
                return found
            if token.kind not in {"name", "number"}:
                raise LvmTextError(f"{token.text[:20]} where a name should be")
            following = self._sign("{", "=")
            found[token.text] = self.section(depth + 1, "}") if following == "{" else self._value()

    def _value(self) -> Any:
        token = self._next()
        if token is not None and token.text == "[" and token.kind == "sign":
            return self._list()
        return _scalar(token)

    def _list(self) -> list[Any]:
        found: list[Any] = []
        while True:
            token = self._next()
            if token is not None and token.kind == "sign":
                if token.text == "]":
                    return found
                if token.text != ",":
                    raise LvmTextError("a list that does not end")
                continue
            found.append(_scalar(token))

    def _sign(self, *signs: str) -> str:
        token = self._next()
        if token is None or token.kind != "sign" or token.text not in signs:
            raise LvmTextError(f"none of {signs} after a name")
        return token.text

    def _next(self, *, may_end: bool = False) -> _Token | None:
        if self._position >= len(self._tokens):
            if may_end:
                return None
            raise LvmTextError("it ends early")
        self._position += 1
        return self._tokens[self._position - 1]


def _scalar(token: _Token | None) -> Any:
    if token is None or token.kind in {"sign", "name"}:
        raise LvmTextError("no value where one should be")
    if token.kind == "string":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1])
    if len(token.text) > 20:
        raise LvmTextError("a number that is too long")
    return float(token.text) if "." in token.text else int(token.text)
