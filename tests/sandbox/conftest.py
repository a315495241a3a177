"""Fixtures for the sandbox's own machinery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.echo import Echo, echo_server


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Echo]:
    """A server with a wire that belongs to no vendor."""
    with echo_server(tmp_path) as running:
        yield running
