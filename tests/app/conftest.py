"""A session over a third party's cloud in memory: the app without any vendor."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgmove.app.session import Session
from imgmove.clouds.local import cloud as local
from imgmove.clouds.registry import Registry
from imgmove.testing.fake_clock import FakeClock

EXAMPLE = Path(__file__).parents[1] / "example_cloud"


@pytest.fixture
def example() -> Iterator[object]:
    """The example cloud, imported anew: nothing of it is left from another test."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        sys.modules.pop("exampleiaas", None)
        yield __import__("exampleiaas").ExampleCloud()
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture
def session(example: object, tmp_path: Path) -> Session:
    return Session(
        environment={"IMGMOVE_HOME": str(tmp_path / "home")},
        home=tmp_path,
        registry=Registry([example, local]),  # type: ignore[list-item]  # its class is known only at run time
        clock=FakeClock(),
    )
