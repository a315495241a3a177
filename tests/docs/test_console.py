"""The tutorial, and every other page with `console` blocks, typed line by line into a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.docs.console import Shell, Typed, typed
from tests.docs.pages import ROOT, Block, blocks_of, pages

PAGES = [page for page in pages() if any(block.language == "console" for block in blocks_of(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_happens(
    page: Path, sandbox: Sandbox, environment: Mapping[str, str], tmp_path: Path
) -> None:
    sandbox.reset()
    with sandbox.world.lock:
        sandbox.world.tencent.settings.rate_limits = False
    with Shell(environment, tmp_path) as shell:
        for block in blocks_of(page):
            if block.language == "console":
                for given in typed(block):
                    shell.run(given)


def test_the_tutorial_is_among_them() -> None:
    assert ROOT / "docs" / "tutorial" / "first-migration.md" in PAGES


# ------------------------------------------------------------------------------------------------- the runner itself


def block(text: str) -> Block:
    return Block(ROOT / "page.md", 10, "console", text)


def test_commands_and_what_they_show() -> None:
    found = list(typed(block("$ one \\\n> two\nshown\n…\n$ three\n")))
    assert found == [Typed(10, "one \\\ntwo", ("shown", "…")), Typed(14, "three", ())]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell({"PATH": "/usr/bin:/bin"}, tmp_path)


def test_ids_may_differ_and_are_remembered(shell: Shell) -> None:
    with shell:
        shell.run(Typed(1, "echo job jm7ya00000000a; echo more", ("job jm7yakd7zv3ft0",)))
        shell.run(Typed(2, "echo again jm7yakd7zv3ft0", ("again jm7yakd7zv3ft0",)))
        assert shell.names == {"jm7yakd7zv3ft0": "jm7ya00000000a"}
        with pytest.raises(AssertionError, match="where it was"):
            shell.run(Typed(3, "echo job jm7ya00000000b", ("job jm7yakd7zv3ft0",)))


@pytest.mark.parametrize(
    ("command", "expected"),
    [("false", ()), ("echo something", ("something else",)), ("printf 'b\\na\\n'", ("a", "b"))],
    ids=["a failure", "other words", "another order"],
)
def test_what_is_not_as_shown_fails(shell: Shell, command: str, expected: tuple[str, ...]) -> None:
    with shell, pytest.raises(AssertionError):
        shell.run(Typed(1, command, expected))


def test_a_shell_that_ends_is_no_success(shell: Shell) -> None:
    with shell, pytest.raises(AssertionError, match="ended"):
        shell.run(Typed(1, "exit 0", ()))
