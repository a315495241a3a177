"""Links and paths that the pages name exist; pages are reached; no page names what is not the project's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, blocks_of, links, pages, prose

_IDS = [str(page.relative_to(ROOT)) for page in pages()]
_PATH = re.compile(r"`((?:imgmove|tests|scripts|examples|docs)/[\w./-]+)`")
#: Directories of somebody's own machine have no place in a page.
_FOREIGN = re.compile(r"/home/\w+/|/Users/\w+/|/root/|/tmp/[a-z]")


@pytest.mark.parametrize("page", pages(), ids=_IDS)
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in links(page):
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (fragment and fragment not in anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=_IDS)
def test_paths_that_are_named_exist(page: Path) -> None:
    assert [path for path in _PATH.findall(prose(page)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=_IDS)
def test_nothing_names_a_foreign_place(page: Path) -> None:
    assert _FOREIGN.findall(page.read_text("utf-8")) == []


def test_every_page_is_reached_from_the_index() -> None:
    start = ROOT / "docs" / "README.md"
    seen, waiting = set[Path](), [start]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in links(page)]
    assert [str(page.relative_to(ROOT)) for page in pages() if page not in seen and page.parent != ROOT] == []


def test_documents_that_the_code_refers_to_exist() -> None:
    referred = re.compile(r"docs/[\w./-]+\.md")
    places = [*(ROOT / "imgmove").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "pyproject.toml"]
    named = {name for path in places for name in referred.findall(path.read_text("utf-8"))}
    assert named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("page", pages(), ids=_IDS)
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert page.read_text("utf-8").startswith("# ")
    assert all(block.language for block in blocks_of(page)), "every code block says its language"
