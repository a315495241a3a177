"""Code in the pages: shell blocks are shell, `imgmove` lines are commands that exist, Python is Python, data is data."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from imgmove.cli.main import cli
from imgmove.clouds.registry import Registry
from imgmove.clouds.tencent import sdk
from imgmove.config import Configuration
from imgmove.sandbox import Sandbox
from imgmove.sandbox.faults import parse_faults_toml
from imgmove.sandbox.summary import summarise
from tests.docs.pages import ROOT, Block, blocks

#: Where a command line ends for the shell.
_STOPS = frozenset({"|", "||", "&&", "&", ";", ";;", ">", ">>", "2>&1", "<", "do", "then", "done"})


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_shell_blocks_are_shell(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_blocks_are_python(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", blocks("json", "toml"), ids=str)
def test_data_blocks_are_data(block: Block) -> None:
    tomllib.loads(block.text) if block.language == "toml" else json.loads(block.text)


def toml_with(mark: str) -> list[Block]:
    return [block for block in blocks("toml") if mark in block.text]


@pytest.mark.parametrize("block", toml_with("[profiles."), ids=str)
def test_configuration_files_are_taken(block: Block, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(block.text, "utf-8")
    environment = {"IMGMOVE_HOME": str(tmp_path)}
    names = tomllib.loads(block.text)["profiles"]
    for name in names:
        configuration = Configuration.load(name, environment, tmp_path, lambda: 0.0)
        assert configuration.profile.in_file
        for cloud in Registry.installed().clouds():
            settings = configuration.settings(cloud)
            if cloud.name == "tencent":
                assert sdk.endpoint_of(sdk.CVM, "ap-guangzhou", settings).host.endswith("tencentcloudapi.com")


@pytest.mark.parametrize("block", toml_with("[[fault]]"), ids=str)
def test_files_of_faults_are_taken(block: Block) -> None:
    assert parse_faults_toml(block.text)


@pytest.mark.parametrize("block", toml_with("[[role]]"), ids=str)
def test_changes_of_a_running_sandbox_are_taken(block: Block) -> None:
    with Sandbox() as sandbox:
        sandbox.sow(tomllib.loads(block.text))
        state = summarise(sandbox)
    (bucket,) = [each for each in state["alibaba"]["buckets"] if each["name"] == "imgmove-hz"]
    assert (bucket["encryption"], bucket["lifecycle_rules"]) == ("KMS", 1)
    assert "CVM_QcsRole" not in [role["name"] for role in state["tencent"]["roles"]]


@pytest.mark.parametrize("block", toml_with("[[image]]\nfile"), ids=str)
def test_seed_files_are_taken(block: Block, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    shutil.copy(ROOT / "imgmove" / "sandbox" / "seed" / "seed-disk.qcow2", tmp_path / "build" / "web.qcow2")
    (tmp_path / "seed.toml").write_text(block.text, "utf-8")
    with Sandbox(seed=tmp_path / "seed.toml") as sandbox:
        state = summarise(sandbox)
    assert ("web", "ap-shanghai") in [(image["name"], image["region"]) for image in state["tencent"]["images"]]
    assert "my-images" in [bucket["name"] for bucket in state["alibaba"]["buckets"]]


def imgmove_lines(text: str) -> Iterator[list[str]]:
    """The words of every `imgmove …` in a shell text, as far as they are one command's own."""
    joined = re.sub(r"\\\n>?\s*", " ", text)
    joined = re.sub(r"\$\((?!imgmove)[^()]*\)", "SUBSTITUTED", joined)
    for match in re.finditer(r"(?:^|[\s(])imgmove (.*)", joined):
        words = shlex.split(_without_substitutions(match.group(1)), comments=True)
        own = next((number for number, word in enumerate(words) if word in _STOPS), len(words))
        yield [word.rstrip(";)") for word in words[:own]]


def _without_substitutions(line: str) -> str:
    """Up to the end of the command: the `$(` that it stands in closes behind it, so may a quote."""
    depth = 0
    for index, letter in enumerate(line):
        depth += (letter == "(") - (letter == ")")
        if depth < 0 or (letter == "`" and depth == 0):
            return line[:index]
    return line if line.count('"') % 2 == 0 else line.rpartition('"')[0]


def parse(words: list[str]) -> None:
    """Parse without running; click's UsageError for what imgmove does not take."""
    command: click.Command = cli
    context = click.Context(cli, info_name="imgmove")
    rest = [word for word in words if word not in {"-h", "--help", "--version"}]
    while isinstance(command, click.Group) and rest:
        found = command.get_command(context, rest[0])
        if found is None:
            raise click.UsageError(f"there is no command {rest[0]!r}")
        command, rest = found, rest[1:]
    if not isinstance(command, click.Group) and rest != ["…"]:
        with command.make_context(command.name, [word for word in rest if word != "…"], parent=context):
            pass


@pytest.mark.parametrize("block", blocks("sh", "console"), ids=str)
def test_commands_are_commands(block: Block) -> None:
    for words in imgmove_lines(block.text):
        if "…" in words or words[:1] == [":"]:
            continue
        try:
            parse(words)
        except click.ClickException as error:
            pytest.fail(f"imgmove {shlex.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(script: object) -> None:
    done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_commands_are_found_in_shell_text() -> None:
    text = (
        'job=$(imgmove export a --bucket "b c" -o json | jq .job)\nimgmove status "$job" \\\n    --watch   # follow\n'
    )
    assert list(imgmove_lines(text)) == [
        ["export", "a", "--bucket", "b c", "-o", "json"],
        ["status", "$job", "--watch"],
    ]


@pytest.mark.parametrize("words", [["exprot"], ["export", "--bukket", "b"], ["status"]], ids=" ".join)
def test_what_is_no_command_is_found_out(words: list[str]) -> None:
    with pytest.raises(click.ClickException):
        parse(words)
