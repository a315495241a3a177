"""Properties: parameters survive flattening, signatures survive any text, policies mean what they say, state persists."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.wire.acs import canonical_query
from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_parameters import (
    Arguments,
    Kind,
    Parameter,
    plant,
    plant_json,
    read_tree,
    repeated,
    text,
)
from imgmove.sandbox.world.alibaba import Alibaba, AlibabaState
from imgmove.sandbox.world.alibaba_policy import (
    MalformedPolicyError,
    allows,
    read,
    system_policies,
    trusted_services,
    trusts,
)
from imgmove.sandbox.world.alibaba_records import IMAGE_STATES, TASK_STATES, Image, Task, move
from tests.sandbox.alibaba.cloud import IMAGE, TRUST_ECS, Cloud
from tests.sandbox.alibaba.signing import canonical

SCHEMA = (
    *text("Name"),
    Parameter("Size", Kind.NUMBER),
    Parameter("Force", Kind.FLAG),
    *repeated("Ids"),
    *repeated("Tag", *text("Key", "Value")),
    Parameter("Features", fields=text("Nvme")),
)
WORDS = st.text(min_size=1, max_size=20).filter(str.strip)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "Name": WORDS,
        "Size": st.integers(-(10**17), 10**17),
        "Force": st.booleans(),
        "Ids": st.lists(WORDS, min_size=1, max_size=12),
        "Tag": st.lists(st.fixed_dictionaries({"Key": WORDS, "Value": WORDS}), min_size=1, max_size=12),
        "Features": st.fixed_dictionaries({"Nvme": WORDS}),
    },
)


def flatten(value: Any, name: str = "") -> list[tuple[str, str]]:
    """As the vendor's clients flatten: lists count from 1."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in flatten(inner, f"{name}.{key}" if name else key)]
    if isinstance(value, list):
        return [pair for place, inner in enumerate(value, 1) for pair in flatten(inner, f"{name}.{place}")]
    return [(name, str(value))]


@given(VALUES, st.randoms())
def test_flattened_parameters_come_back_in_any_order(values: dict[str, Any], shuffler: Any) -> None:
    pairs = flatten(values)
    shuffler.shuffle(pairs)
    assert read_tree(SCHEMA, plant(pairs)) == values


@given(VALUES)
def test_a_json_body_means_the_same(values: dict[str, Any]) -> None:
    assert read_tree(SCHEMA, plant_json(json.loads(json.dumps(values)))) == values


@given(st.lists(st.tuples(st.text(alphabet="aA.1Tag0", max_size=12), st.text(max_size=5)), max_size=20))
def test_odd_names_never_break_the_reader(pairs: list[tuple[str, str]]) -> None:
    with suppress(RpcError):
        read_tree(SCHEMA, plant(pairs))


@given(st.dictionaries(st.text(), st.text()))
def test_both_spell_a_canonical_query_alike(parameters: dict[str, str]) -> None:
    try:
        expected = canonical(parameters)
    except UnicodeEncodeError:  # lone surrogates cannot be sent
        return
    assert canonical_query(parameters.items()) == expected


def test_arguments_have_defaults() -> None:
    empty = Arguments({})
    assert (empty.text("A"), empty.number("A", 7), empty.flag("A"), empty.texts("A"), empty.each("A")) == (
        "",
        7,
        False,
        [],
        [],
    )
    assert "A" not in empty.part("B")


@pytest.mark.parametrize(
    ("content", "action", "resource", "allowed"),
    [
        ({"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}, "oss:GetObject", "acs:oss:*:1:b/k", True),
        ({"Effect": "Allow", "Action": "OSS:GETOBJECT", "Resource": "*"}, "oss:GetObject", "x", True),
        ({"Effect": "Allow", "Action": ["oss:PutObject"], "Resource": "*"}, "oss:GetObject", "x", False),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, "oss:GetObject", "x", False),
        ({"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"}, "oss:GetObject", "x", True),
        ({"Effect": "Allow", "NotAction": "oss:*", "Resource": "*"}, "oss:GetObject", "x", False),
        ({"Effect": "Allow", "Action": "*", "Resource": "acs:oss:*:*:b/*"}, "oss:GetObject", "acs:oss:*:1:b/k", True),
        ({"Effect": "Allow", "Action": "*", "Resource": "acs:oss:*:*:b/*"}, "oss:GetObject", "acs:oss:*:1:c/k", False),
        ({"Effect": "Allow", "Action": "*", "Resource": "a[1]*"}, "oss:GetObject", "a[1]b", True),
    ],
)
def test_policies(content: dict[str, Any], action: str, resource: str, allowed: bool) -> None:
    assert allows([json.dumps({"Version": "1", "Statement": [content]})], action, resource) is allowed


def test_no_policy_allows_nothing() -> None:
    assert not allows([], "oss:GetObject", "*")


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"Version":"1"}',
        '{"Version":"2","Statement":[{"Effect":"Allow","Action":"*"}]}',
        '{"Version":"1","Statement":[]}',
        '{"Version":"1","Statement":["x"]}',
        '{"Version":"1","Statement":[{"Effect":"Perhaps","Action":"*"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":[1]}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Principal":"*"}]}',
    ],
)
def test_malformed_policies(document: str) -> None:
    with pytest.raises(MalformedPolicyError):
        read(document)


def test_trust() -> None:
    assert trusted_services(TRUST_ECS) == ["ecs.aliyuncs.com"]
    assert trusts(TRUST_ECS, "Service", ["ecs.aliyuncs.com"])
    assert not trusts(TRUST_ECS, "RAM", ["ecs.aliyuncs.com"])


def test_system_policies_can_be_read() -> None:
    for policy in system_policies():
        assert read(policy.document)
        assert policy.scope == "System"


def image(status: str) -> Image:
    return Image("m", "n", "r", "o", [], status=status)


@given(st.sampled_from(sorted(IMAGE_STATES)), st.sampled_from(sorted(IMAGE_STATES)))
def test_images_move_by_their_table(before: str, after: str) -> None:
    moved = image(before)
    if after in IMAGE_STATES[before]:
        move(moved, after)
        assert moved.status == after
    else:
        with pytest.raises(ValueError, match="cannot go from"):
            move(moved, after)


@given(st.lists(st.sampled_from(sorted(TASK_STATES)), max_size=6))
def test_a_task_that_is_over_stays_so(steps: list[str]) -> None:
    task = Task("t", "ExportImage", "r", "o", "m", 0.0, 0.0)
    for step in steps:
        before, over = task.status, task.over
        try:
            move(task, step)
        except ValueError:
            assert task.status == before
        else:
            assert not over


def test_everything_persists(cloud: Cloud) -> None:
    cloud.ask("CreateImage", instance_id="i-bp1test0000000000001", client_token="t")
    cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")
    state = cloud.world.alibaba.state
    assert msgspec.json.decode(msgspec.json.encode(state), type=AlibabaState) == state
    assert Alibaba.State is AlibabaState


def test_a_world_goes_on_after_a_restart(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    kept = msgspec.json.encode(cloud.world.alibaba.state)
    cloud.world.alibaba.state = msgspec.json.decode(kept, type=AlibabaState)
    cloud.finish()
    assert cloud.task(task_id)["TaskStatus"] == "Finished"
    assert cloud.keys() == [f"{IMAGE}_system.raw.tar.gz"]
