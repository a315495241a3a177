"""The scripts of examples/, the snippets and the policies of the pages, against the emulated clouds."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.summary import summarise
from imgmove.sandbox.world.accounts import Policy, Role
from tests.docs.pages import ROOT, blocks_of

COS_BUCKET, OSS_BUCKET = "imgmove-gz-1250000000", "imgmove-hz"
CVM_IMAGE, ECS_IMAGE = "tencent://ap-guangzhou/img-seed0001", "alibaba://cn-hangzhou/m-bp1seed0000000000001"
FAST = ("--poll-interval", "100ms")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(sandbox: Sandbox, environment: Mapping[str, str], tmp_path: Path) -> Run:
    """Runs a command in a sandbox as if new, as a reader would."""
    sandbox.reset()
    with sandbox.world.lock:
        sandbox.world.tencent.settings.rate_limits = False

    def call(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, env={**environment, **more}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    return call


@pytest.fixture
def quick(tmp_path: Path) -> str:
    """A PATH on which `imgmove` looks ten times a second: the scripts wait as long as operators do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "imgmove"
    program.write_text(
        f'#!/bin/sh\ncommand=$1; shift\ncase $command in export) set -- --poll-interval 100ms "$@" ;;\n'
        f'status) set -- --poll-interval 100ms "$@" ;; esac\nexec {sys.executable} -m imgmove "$command" "$@"\n',
        "utf-8",
    )
    program.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


# ---------------------------------------------------------------------------------------------------------- scripts


def example(name: str) -> str:
    return str(ROOT / "examples" / name)


def test_export_and_wait(run: Run, quick: str) -> None:
    done = run(example("export-and-wait.sh"), CVM_IMAGE, COS_BUCKET, PATH=quick)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"cos://{COS_BUCKET}/\S+_img-seed0001_system_\S+\.qcow2\n", done.stdout)


def test_export_and_wait_says_why_it_failed(run: Run, quick: str) -> None:
    done = run(example("export-and-wait.sh"), "tencent://ap-guangzhou/img-win00001", COS_BUCKET, PATH=quick)
    assert done.returncode == 4
    assert done.stdout == ""
    assert "WindowsImageExportUnsupported" in done.stderr


def test_export_and_come_back(run: Run, quick: str, sandbox: Sandbox) -> None:
    done = run(example("export-and-come-back.sh"), ECS_IMAGE, OSS_BUCKET, PATH=quick)
    assert done.returncode == 0, done.stderr
    assert "export on alibaba cn-hangzhou: succeeded" in done.stdout
    assert len(sandbox.requests("ecs", "ExportImage")) == 1


def test_nightly_backup_goes_on_where_one_cannot_be_exported(run: Run, quick: str, sandbox: Sandbox) -> None:
    done = run(example("nightly-backup.sh"), "alibaba", "cn-hangzhou", OSS_BUCKET, PATH=quick, PREFIX="20261121")
    assert done.returncode == 8, done.stderr
    assert "m-bp1windows0000000001 failed with exit code 4" in done.stderr
    buckets = summarise(sandbox)["alibaba"]["buckets"]
    keys = {item["key"] for bucket in buckets if bucket["name"] == OSS_BUCKET for item in bucket["objects"]}
    assert "20261121_m-bp1seed0000000000001_system.raw.tar.gz" in keys
    assert len([key for key in keys if "m-bp1seed0000000000002" in key]) == 2, "a system disk and a data disk"


@pytest.mark.slow
def test_the_demo(run: Run) -> None:
    done = run(sys.executable, example("demo.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed (SIGKILL)" in done.stdout
    assert "    the same\n" in done.stdout


# --------------------------------------------------------------------------------------------------------- snippets


#: What runs before a snippet: it looks at the service more often than is polite to a real one.
_IMPATIENCE = """
import time
from imgmove.engine.clock import SystemClock
SystemClock.sleep = lambda self, seconds, stop: time.sleep(min(seconds, 0.1))
"""


def python_of(page: str) -> str:
    """The first Python block of a page."""
    return next(block.text for block in blocks_of(ROOT / page) if block.language == "python")


def test_the_python_of_the_readme_runs(run: Run) -> None:
    text = python_of("README.md")
    assert text == python_of("docs/reference/python-api.md")
    ours = text.replace("img-6pb6lrmy", "img-seed0001").replace("backup-1250000000", COS_BUCKET)
    done = run(sys.executable, "-c", _IMPATIENCE + ours)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"succeeded \['cos://{COS_BUCKET}/\S+\.qcow2'\]\n", done.stdout)


def test_the_faults_of_the_rehearsal_end_well(run: Run, sandbox: Sandbox) -> None:
    page = ROOT / "docs" / "how-to" / "rehearse-in-the-sandbox.md"
    text = next(block.text for block in blocks_of(page) if "drop-after" in block.text)
    words = shlex.split(text.replace("\\\n", " "))
    faults = [following for word, following in pairwise(words) if word == "--fault"]
    assert len(faults) == 3
    for fault in faults:
        sandbox.faults.add(fault.replace("after=3", "after=0"))
    migration = ("migrate", CVM_IMAGE, "alibaba://cn-hangzhou", "--source-bucket", COS_BUCKET, "--dest-bucket", OSS_BUCKET,
                 "--name", "web")  # fmt: skip
    for command in (("export", CVM_IMAGE, "--bucket", COS_BUCKET), migration):
        done = run("imgmove", *command, *FAST)
        assert done.returncode == 0, done.stderr
    assert all(fault.spent for fault in sandbox.faults.list())
    with sandbox.world.lock:
        names = [image.name for image in sandbox.world.alibaba.state.images]
    assert names.count("web") == 1


# --------------------------------------------------------------------------------------------------------- policies

TENCENT_UIN, ALIBABA_ACCOUNT, ROLE = "100000000001", "1000000000000001", "imgmove"


def policies() -> list[str]:
    page = ROOT / "docs" / "how-to" / "grant-the-rights.md"
    texts = [block.text for block in blocks_of(page) if block.language == "json"]
    replaced = (("stage-1250000000", COS_BUCKET), ("oss:*:*:stage", f"oss:*:*:{OSS_BUCKET}"))
    for old, new in replaced:
        texts = [text.replace(old, new) for text in texts]
    return texts


def give_role(sandbox: Sandbox, vendor: str, account: str, document: str, trust: Mapping[str, object]) -> None:
    """A role with this policy and no other, which the account may take on."""
    with sandbox.world.lock:
        accounts = sandbox.world.accounts
        accounts.add_policy(vendor, account, Policy("only-this", document, policy_id="900001"))
        accounts.add_role(Role(vendor, account, ROLE, "4600000000000000001", [], json.dumps(trust), ["only-this"]))


@pytest.fixture
def restricted(run: Run, sandbox: Sandbox, tmp_path: Path) -> Run:
    """Commands run with keys that have the rights of the page, and no others."""
    tencent, alibaba = (
        next(text for text in policies() if mark in text) for mark in ("cvm:ExportImages", "ecs:ExportImage")
    )
    give_role(sandbox, "tencent", TENCENT_UIN, tencent, {
        "version": "2.0", "statement": [{"action": "name/sts:AssumeRole", "effect": "allow",
                                         "principal": {"qcs": [f"qcs::cam::uin/{TENCENT_UIN}:root"]}}]})  # fmt: skip
    give_role(sandbox, "alibaba", ALIBABA_ACCOUNT, alibaba, {
        "Version": "1", "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow",
                                       "Principal": {"RAM": [f"acs:ram::{ALIBABA_ACCOUNT}:root"]}}]})  # fmt: skip
    environment = sandbox.environment()
    profile = {
        "name": "only-this", "mode": "RamRoleArn", "ram_role_arn": f"acs:ram::{ALIBABA_ACCOUNT}:role/{ROLE}",
        "ram_session_name": "docs", "access_key_id": environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        "access_key_secret": environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    }  # fmt: skip
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(
        json.dumps({"current": "only-this", "profiles": [profile]}), "utf-8"
    )

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return run(
            *words, TENCENTCLOUD_ROLE_ARN=f"qcs::cam::uin/{TENCENT_UIN}:roleName/{ROLE}",
            ALIBABA_CLOUD_ACCESS_KEY_ID="", ALIBABA_CLOUD_ACCESS_KEY_SECRET="",
        )  # fmt: skip

    return call


ALLOWED = (
    ("create", "tencent://ap-guangzhou/ins-seed0001", "--name", "docs-a"),
    ("create", "ecm://ap-hangzhou-ecm/ein-seed0001", "--name", "docs-b"),
    ("create", "alibaba://cn-hangzhou/i-bp1seed0000000000001", "--name", "docs-c"),
    ("import", CVM_IMAGE, "--provider", "ecm", "--region", "ap-hangzhou-ecm", "--name", "docs-d"),
    ("migrate", CVM_IMAGE, "tencent://ap-shanghai", "--name", "docs-e"),
    ("migrate", ECS_IMAGE, "alibaba://ap-southeast-1", "--name", "docs-f"),
    (
        "migrate",
        CVM_IMAGE,
        "alibaba://cn-hangzhou",
        "--source-bucket",
        COS_BUCKET,
        "--dest-bucket",
        OSS_BUCKET,
        "--name",
        "docs-g",
    ),
    (
        "migrate",
        ECS_IMAGE,
        "tencent://ap-guangzhou",
        "--source-bucket",
        OSS_BUCKET,
        "--dest-bucket",
        COS_BUCKET,
        "--name",
        "docs-h",
    ),
)


@pytest.mark.parametrize("words", ALLOWED, ids=lambda words: f"{words[0]} {words[1]} {words[2]}")
def test_the_policies_are_enough(restricted: Run, words: tuple[str, ...]) -> None:
    done = restricted("imgmove", *words, *FAST, "--quiet")
    assert done.returncode == 0, done.stderr


def test_the_policies_are_no_more_than_they_say(restricted: Run) -> None:
    """Buckets that the page does not name are out of reach: the keys are really restricted."""
    for bucket in ("cos://imgmove-sh-1250000000/x", "oss://imgmove-sg/x"):
        done = restricted("imgmove", "copy", str(ROOT / "LICENSE"), bucket, "--quiet")
        assert done.returncode == 3, done.stderr
