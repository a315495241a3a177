"""How moving a part can fail: the answer of one end, or a connection. Picklable: it travels back from a worker."""

from __future__ import annotations

from collections.abc import Mapping


class PartFault(Exception):  # noqa: N818 - a fault of a part is not an error of the copy: it is tried again
    """A part did not get across. `leg` is `read` or `write`."""

    def __init__(self, leg: str, text: str) -> None:
        super().__init__(leg, text)
        self.leg = leg
        self.text = text

    def __str__(self) -> str:
        return f"{self.leg}: {self.text}"


class ConnectionFault(PartFault):
    """No answer, or a connection that broke."""


class ForeignFault(PartFault):
    """An answer that is none of a store's: a page of a proxy in between, bytes that nobody asked for."""


class ChangedFault(PartFault):
    """The source is not what it was when the copy began."""

    def __init__(self, text: str) -> None:
        super().__init__("read", text)
        self.args = (text,)


class AnswerFault(PartFault):
    """An answer that is a refusal: the store's adapter knows what it means."""

    def __init__(self, leg: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(leg, f"HTTP {status}")
        self.args = (leg, status, dict(headers), body)
        self.status = status
        self.headers = dict(headers)
        self.body = body
