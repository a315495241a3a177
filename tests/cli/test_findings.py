"""Findings as they are shown: worst first, whole lines in a pipe, wrapped on a terminal, harmless everywhere."""

import io
import re

import pytest

from imgmove.cli.findings import finding_json, print_findings, summary_line
from imgmove.core.findings import Finding, Severity

MISSING = Finding(
    "bucket-missing", Severity.BLOCK, "there is no such bucket", "the copy would have nowhere to go",
    "make it:\n$ aliyun oss mb oss://stage --region cn-hangzhou", 4, "oss://stage", code="NoSuchBucket", request_id="5F",
)  # fmt: skip
NOTE = Finding("way", Severity.INFO, "exported as qcow2")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, *findings: Finding) -> list[str]:
    print_findings(findings, stream)
    return stream.getvalue().splitlines()


def test_in_a_pipe_each_text_is_one_line_and_the_worst_comes_first() -> None:
    assert printed(io.StringIO(), NOTE, MISSING) == [
        "block oss://stage: there is no such bucket  [bucket-missing, NoSuchBucket, exit 4, request id 5F]",
        "      why  the copy would have nowhere to go",
        "      fix  make it:",
        "           $ aliyun oss mb oss://stage --region cn-hangzhou",
        "info  exported as qcow2  [way]",
    ]


def test_on_a_terminal_texts_are_wrapped_and_commands_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("NO_COLOR", "1")
    long = Finding("x", Severity.WARN, "word " * 30, "because " * 20, "$ imgmove roles create --provider tencent " * 2)
    lines = printed(Terminal(), long)
    assert any("$ imgmove roles create --provider tencent $ imgmove" in line for line in lines)
    shown = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert [line for line in shown if len(line) > 50 and "$" not in line] == []


def test_what_others_wrote_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    evil = Finding(
        "x", Severity.BLOCK, "na\x1b[2Jme\r\n", "\x07bell", "a\x9bb\u202ec [red]d", 4, "\x1b]0;t", "c\x1b", code="\x1b"
    )
    for stream in (io.StringIO(), Terminal()):
        text = "\n".join(printed(stream, evil))
        assert not set(text) & set("\x07\x9b\u202e\r")
        assert not any(sequence in text for sequence in ("\x1b[2J", "\x1b]", "\x1b,"))
        assert "[red]d" in text


def test_the_summary_counts() -> None:
    assert summary_line([]) == "nothing found"
    assert summary_line([MISSING, NOTE, NOTE]) == "1 block, 2 notes"


def test_json_has_the_contracts_fields() -> None:
    document = finding_json(MISSING)
    assert list(document)[:6] == ["id", "severity", "what", "why", "fix", "exit_code"]
    assert (document["severity"], document["exit_code"], document["about"]) == ("block", 4, "oss://stage")
