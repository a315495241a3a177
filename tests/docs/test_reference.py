"""Generated parts are what the code says; and what is written by hand beside them leaves nothing out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from imgmove.app.results import artifact_json, error_json, finding_json, job_summary, leftover_json
from imgmove.core.errors import EXIT_MEANINGS, ImgmoveError, Kind
from imgmove.core.findings import Finding, Severity
from imgmove.core.jobs import Job, Resource
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings
from imgmove.core.tasks import Artifact
from scripts import write_reference
from scripts.reference import commands, errors, source
from scripts.reference.markdown import anchor, paragraphs, table
from scripts.write_reference import PARTS, UnknownPartError, rewritten
from tests.docs.pages import ROOT, anchors

REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@pytest.mark.parametrize("path", write_reference.pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_is_what_the_script_would_write(path: Path) -> None:
    text = path.read_text("utf-8")
    assert rewritten(text) == text, "run `make docs`"


def test_every_part_stands_in_a_page() -> None:
    everything = "".join(path.read_text("utf-8") for path in write_reference.pages())
    assert [name for name in PARTS if f"<!-- generated: {name} -->" not in everything] == []


@pytest.mark.parametrize("words", [words for words, _ in commands.commands()], ids=" ".join)
def test_every_command_has_an_entry_and_a_help(words: tuple[str, ...]) -> None:
    assert anchor(f"imgmove {' '.join(words)}") in anchors(REFERENCE / "commands.md")
    command = dict(commands.commands())[words]
    assert command.help


def test_every_exit_code_is_explained() -> None:
    assert [code for code in EXIT_MEANINGS if f"| **{code}** |" not in page("exit-codes.md")] == []


def test_every_field_of_the_documents_is_explained() -> None:
    job = Job("j", Operation.EXPORT, 1.0, {}, ())
    documents = [
        artifact_json(Artifact("cos://b/k")),
        error_json(ImgmoveError(Kind.USAGE, "")) or {},
        job_summary(job),
        leftover_json("j", Resource("cos://b/k", "object")),
        finding_json(Finding("x", Severity.INFO, "")),
    ]
    text = page("json.md")
    assert [name for document in documents for name in document if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "tencent://ap-guangzhou/img-seed0001", "alibaba://cn-hangzhou", "--name", "web"),
        ("check", "imgmove/sandbox/seed/seed-disk.qcow2", "--for", "alibaba"),
        ("roles", "show", "--provider", "tencent"),
    ],
    ids=lambda words: words[0],
)
def test_every_field_of_a_look_beforehand_is_explained(environment: Mapping[str, str], words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "imgmove", *words, "-o", "json"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    text = page("json.md")
    assert [name for name in names_in(json.loads(done.stdout)) if f"`{name}`" not in text] == []


def names_in(document: object) -> Iterator[str]:
    """Names of fields at any depth; the vendors' own documents are theirs to explain."""
    if isinstance(document, dict):
        yield from document
        for name, value in document.items():
            if name not in {"policy", "trust_policy"}:
                yield from names_in(value)
    elif isinstance(document, list):
        for item in document:
            yield from names_in(item)


def test_every_option_of_a_profile_is_explained() -> None:
    """Whatever the adapters read of a profile's words stands on the page of the configuration."""
    assert "options" in {item.name for item in fields(Settings)}
    read = re.compile(r'settings\.options\.get\("(\w+)"')
    names = {
        name for path in (ROOT / "imgmove" / "clouds").rglob("*.py") for name in read.findall(path.read_text("utf-8"))
    }
    assert names
    assert [name for name in names if name not in page("configuration.md")] == []


def test_every_vendor_code_has_a_kind_an_exit_code_and_a_hint() -> None:
    rows = errors.error_rows()
    assert len(rows) > 300
    for row in rows:
        assert Kind(row.kind)
        assert row.meaning, row
        assert row.hint or Kind(row.kind) in {Kind.THROTTLED, Kind.UNAVAILABLE}, row


def test_every_section_that_is_cited_is_explained() -> None:
    cited = re.compile(r"\b(tencent|alibaba)\.md (\d+(?:\.\d+)?)")
    places = [*(ROOT / "imgmove").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    found = {match for path in places for match in cited.findall(path.read_text("utf-8"))}
    parts = {vendor: _sections(vendor) for vendor in ("tencent", "alibaba")}
    assert len(found) > 50
    assert sorted((vendor, number) for vendor, number in found if number not in parts[vendor]) == []


def _sections(vendor: str) -> set[str]:
    text = page("vendor-facts.md").split(f"## {vendor}.md")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([\d., ]+) \|", text, re.MULTILINE)
    return {number.strip() for cell in cells for number in cell.split(",")}


# ------------------------------------------------------------------------------------------------- the script itself


def test_a_part_is_put_between_its_marks() -> None:
    text = "before\n<!-- generated: x -->\nold\n<!-- end of x -->\nafter\n"
    made = rewritten(text, {"x": lambda: "new\n"})
    assert made == "before\n<!-- generated: x -->\n\nnew\n\n<!-- end of x -->\nafter\n"
    assert rewritten(made, {"x": lambda: "new\n"}) == made


@pytest.mark.parametrize(
    "text",
    [
        "<!-- generated: y -->\n<!-- end of y -->\n",
        "<!-- generated: x -->\n",
        "<!-- generated: x -->\n<!-- end of y -->\n",
        "<!-- end of x -->\n",
    ],
)
def test_a_part_that_nobody_writes_or_that_has_no_end(text: str) -> None:
    with pytest.raises(UnknownPartError):
        rewritten(text, {"x": lambda: ""})


def test_check_changes_nothing_and_says_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(write_reference, "ROOT", tmp_path)
    monkeypatch.setattr(write_reference, "DOCS", tmp_path)
    monkeypatch.setattr(write_reference, "PARTS", {"x": lambda: "new"})
    old = "<!-- generated: suffixes -->\nold\n<!-- end of suffixes -->\n"
    (tmp_path / "page.md").write_text(old, "utf-8")
    assert write_reference.main(["--check"]) == 1
    assert "page.md" in capsys.readouterr().out
    assert (tmp_path / "page.md").read_text("utf-8") == old
    assert write_reference.main([]) == 0
    assert write_reference.main(["--check"]) == 0


class Documented:
    """For the test below."""

    # Group one
    first: int = 1
    """What the first
    one is."""
    second: int = 2
    # Group two
    third: int = 3
    """The third."""


def test_docstrings_of_attributes_and_their_groups() -> None:
    assert source.attribute_docs(Documented) == {"first": "What the first one is.", "second": "", "third": "The third."}
    assert source.attribute_groups(Documented) == {"first": "Group one", "second": "Group one", "third": "Group two"}


def test_own_codes_are_read_from_the_source(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        'raise ImgmoveError(Kind.CORRUPT, f"{name}: broken", code="Broken")\nusage_error("no", code="No")\n'
        'ImgmoveError(Kind.DENIED, "x", code=given)\n',
        "utf-8",
    )
    assert source.own_codes(tmp_path) == [
        source.OwnCode("Broken", 7, "…: broken"),
        source.OwnCode("No", 2, "no"),
    ]


def test_markdown() -> None:
    assert table(("a", "b"), [("x|y", "two\nlines")]) == "| a | b |\n| --- | --- |\n| x\\|y | two lines |"
    assert anchor("The `control` API, v1.2") == "the-control-api-v12"
    assert paragraphs("One\n    line.\n\n    Two.") == "One line.\n\nTwo."
