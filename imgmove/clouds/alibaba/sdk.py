"""The vendor's SDKs, imported late and quietly: they attach handlers to loggers and warn as they are imported."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Loggers to which the SDKs attach stream handlers as they are imported (alibaba.md 5.3).
_NOISY_LOGGERS: Final = (
    "credentials", "darabonba-core", "alibabacloud-tea", "oss2", "aliyunsdkcore.http.http_response",
)  # fmt: skip


@contextmanager
def quiet() -> Iterator[None]:
    """Import SDKs inside: handlers that they attach are gone afterwards, and their warnings unheard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    for name in _NOISY_LOGGERS:
        _silence(logging.getLogger(name))


def _silence(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if logger.level < logging.WARNING:
        logger.setLevel(logging.WARNING)
