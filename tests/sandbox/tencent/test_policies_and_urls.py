"""CAM policies and object addresses, apart from any request."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.world.tencent_policy import PolicyError, allows, preset_policies, read
from imgmove.sandbox.world.tencent_records import IMAGE_STATES, ForbiddenMoveError, Image, Task
from imgmove.sandbox.world.tencent_urls import UrlError, may_read, parse

HOST = "images-1250000000.cos.ap-guangzhou.myqcloud.com"


def document(effect: str, action: str | list[str], resource: str | list[str] = "*") -> str:
    """A policy of one statement."""
    return json.dumps({"version": "2.0", "statement": [{"effect": effect, "action": action, "resource": resource}]})


@pytest.mark.parametrize(
    ("action", "asked", "allowed"),
    [
        ("*", "cvm:ExportImages", True),
        ("cvm:*", "cvm:ExportImages", True),
        ("name/cvm:exportimages", "cvm:ExportImages", True),
        (["cos:Get*", "cvm:Export*"], "cvm:ExportImages", True),
        ("cvm:Describe*", "cvm:ExportImages", False),
        ("cvm:Export", "cvm:ExportImages", False),
        ("cvm.ExportImages", "cvm:ExportImages", False),
    ],
)
def test_actions(action: str | list[str], asked: str, allowed: bool) -> None:
    assert allows([document("allow", action)], asked, "*") is allowed


def test_a_denial_outweighs_and_silence_is_no_consent() -> None:
    allow, deny = document("allow", "cvm:*"), document("deny", "cvm:Delete*")
    assert allows([allow, deny], "cvm:ExportImages", "x")
    assert not allows([allow, deny], "cvm:DeleteImages", "x")
    assert not allows([], "cvm:ExportImages", "x")


def test_resources() -> None:
    policy = document("allow", "cos:*", ["qcs::cos:ap-guangzhou:uid/1250000000:a-1250000000/*"])
    assert allows([policy], "cos:PutObject", "qcs::cos:ap-guangzhou:uid/1250000000:a-1250000000/key")
    assert not allows([policy], "cos:PutObject", "qcs::cos:ap-guangzhou:uid/1250000000:b-1250000000/key")


@pytest.mark.parametrize(
    ("pattern", "key", "allowed"),
    [("a/*", "a/x\ny", True), ("a?", "ab", False), ("a?", "A?", True), ("[a]*", "a", False), ("[a]*", "[a]\n", True)],
)
def test_only_the_star_stands_for_other_characters(pattern: str, key: str, allowed: bool) -> None:
    assert allows([document("allow", "cos:*", pattern)], "cos:PutObject", key) is allowed


def test_many_stars_are_no_trap() -> None:
    assert not allows([document("allow", "cos:*", "a*" * 60 + "b")], "cos:PutObject", "a" * 600)


def test_presets_can_be_read() -> None:
    assert all(read(policy.document) for policy in preset_policies())


NAMES = st.sampled_from(["version", "statement", "effect", "action", "principal", "resource"])
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["2.0", "allow", "*"])
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(ANY_JSON)
def test_any_json_is_a_policy_or_is_refused(content: object) -> None:
    with contextlib.suppress(PolicyError):
        assert read(json.dumps(content))


@pytest.mark.parametrize(
    ("url", "bucket", "region", "key"),
    [
        (f"https://{HOST}/a/b.qcow2", "images-1250000000", "ap-guangzhou", "a/b.qcow2"),
        (f"http://{HOST}/a%20b%C3%BC.raw?q-sign=1", "images-1250000000", "ap-guangzhou", "a bü.raw"),
        ("https://images-1250000000.cos.ap-shanghai.tencentcos.cn/k", "images-1250000000", "ap-shanghai", "k"),
        ("https://images-1250000000.cos-internal.ap-shanghai.tencentcos.cn/k", "images-1250000000", "ap-shanghai", "k"),
        ("http://111-1251233127.cosd.myqcloud.com/Windows%20Server.vmdk", "111-1251233127", "", "Windows Server.vmdk"),
        ("https://images-1250000000.cos.accelerate.myqcloud.com/k", "images-1250000000", "", "k"),
        ("http://127.0.0.1:8080/images-1250000000/a/k", "images-1250000000", "", "a/k"),
        ("http://images-1250000000.localhost:8080/a/k", "images-1250000000", "", "a/k"),
        ("http://[::1]:8080/images-1250000000/k", "images-1250000000", "", "k"),
    ],
)
def test_addresses(url: str, bucket: str, region: str, key: str) -> None:
    found = parse(url)
    assert (found.bucket, found.region, found.key) == (bucket, region, key)


@pytest.mark.parametrize(
    "url",
    [
        "", "disk.raw", "cos://images-1250000000/k", f"ftp://{HOST}/k", f"https://{HOST}", f"https://{HOST}/a/",
        "https://example.com/k", "https://192.0.2.1/images-1250000000/k", f"https://evil.example/{HOST}/k",
        f"https://{HOST}.example.com/k", "http://127.0.0.1/k", "http://[::1/k", "https://:80/k",
    ],
)  # fmt: skip
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(url)
    assert not caught.value.wrong_app_id or url == "http://127.0.0.1/k"


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    with contextlib.suppress(UrlError):
        assert parse(text).key


def test_who_may_read_from_where() -> None:
    assert may_read("ap-guangzhou", "ap-shanghai")
    assert not may_read("ap-singapore", "ap-guangzhou")
    assert not may_read("ap-guangzhou", "ap-singapore")
    assert not may_read("ap-shanghai-fsi", "ap-shanghai")
    assert may_read("ap-shanghai-fsi", "ap-shanghai-fsi")


@pytest.mark.parametrize("before", IMAGE_STATES)
@pytest.mark.parametrize("after", IMAGE_STATES)
def test_states_follow_the_table(before: str, after: str) -> None:
    image = Image("img-12345678", "1", "ap-guangzhou", "web", state=before)
    if after in IMAGE_STATES[before]:
        image.move(after)
        assert image.state == after
    else:
        with pytest.raises(ForbiddenMoveError):
            image.move(after)


def test_a_task_ends_once() -> None:
    task = Task(1, "cvm", "ExportImages", "1", "ap-guangzhou", 0, 0, 0)
    task.move("FAILED")
    with pytest.raises(ForbiddenMoveError):
        task.move("SUCCESS")
