"""The vendor's SDKs, imported late and quietly: they attach handlers to loggers and warn as they are imported."""

from __future__ import annotations

import importlib
import logging
import warnings
from functools import cache
from typing import Any, Final

#: Loggers to which the SDKs attach stream handlers as they are imported (alibaba.md 5.3).
_NOISY_LOGGERS: Final = ("credentials", "darabonba-core", "alibabacloud-tea", "oss2")


@cache
def load(module: str) -> Any:
    """An SDK's module. Handlers that it attached are gone and its warnings unheard when this returns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = importlib.import_module(module)
    for name in _NOISY_LOGGERS:
        _silence(logging.getLogger(name))
    return loaded


def _silence(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if logger.level < logging.WARNING:
        logger.setLevel(logging.WARNING)
