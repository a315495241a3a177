"""The fuzzer's targets hold for where it begins, and for every find that it ever made."""

from __future__ import annotations

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS
from tests.tools import needs_qemu_img

pytestmark = needs_qemu_img


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    count = 0
    for seed in SEEDS[name]():
        TARGETS[name](seed)
        TARGETS[name](seed[: len(seed) // 2])
        count += 1
    assert count


def test_the_command_knows_every_target() -> None:
    assert set(command._NAMES) == set(TARGETS) == set(SEEDS)
