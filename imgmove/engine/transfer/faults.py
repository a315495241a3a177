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


class RangeFault(PartFault):
    """An answer that is not the range asked for: the source is not what it was, or is no store."""


class AnswerFault(PartFault):
    """An answer that is a refusal: the store's adapter knows what it means."""

    def __init__(self, leg: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(leg, f"HTTP {status}")
        self.args = (leg, status, dict(headers), body)
        self.status = status
        self.headers = dict(headers)
        self.body = body
