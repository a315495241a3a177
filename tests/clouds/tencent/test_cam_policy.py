"""CAM's policy language: what documents allow, deny and trust, in all the forms that they come in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.clouds.tencent.cam_policy import joined, missing, statements, trusted_services
from imgmove.clouds.tencent.service_roles import EXPORT_ACTIONS, export_role, trusts

PUT, PART, LIST = "name/cos:PutObject", "name/cos:UploadPart", "name/cos:GetBucket"
BUCKET = "b-125"


def policy(*items: dict[str, Any]) -> str:
    return json.dumps({"version": "2.0", "statement": list(items)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"effect": "allow", "action": action, "resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "effect": "Deny"}


def lacks(*items: dict[str, Any], buckets: tuple[str, ...] = (), actions: tuple[str, ...] = (PUT, PART)) -> list[str]:
    found = statements(policy(*items))
    assert found is not None
    return list(missing(found, actions, buckets))


def of(bucket: str, region: str = "ap-guangzhou", tail: str = "*") -> str:
    return f"qcs::cos:{region}:uid/125:{bucket}/{tail}"


@pytest.mark.parametrize("action", [
    "*", "*:*", "cos:*", "name/cos:*", "COS:*", ["name/cos:UploadPart", "cos:PutObject"],
    ["cos:Put*", "name/cos:UPLOADPART"],
])  # fmt: skip
def test_what_allows_it_all(action: Any) -> None:
    assert lacks(allow(action)) == []


def test_what_allows_a_part_of_it() -> None:
    assert lacks(allow("cos:P*t*")) == [PART]


@pytest.mark.parametrize("action", ["cvm:*", "cos:Get*", "cos:PutObject?", "name/cos:Put", "", [], None, 7])
def test_what_does_not_allow_it(action: Any) -> None:
    assert lacks(allow(action)) == [PUT, PART]


@pytest.mark.parametrize("resource", [
    "*", ["other", "*"], of(BUCKET), of(BUCKET, ""), of(BUCKET, "*"), "qcs::cos:*:uid/*:*", "qcs::cos:::*",
    "qcs::cos:ap-guangzhou:uid/125:*/*", "qcs::cos:gz:uid/125:prefix//125/b/*", of("b-*"), "qcs::*:*:*:*",
])  # fmt: skip
def test_resources_that_cover_the_bucket(resource: Any) -> None:
    assert lacks(allow("cos:*", resource), buckets=(BUCKET,)) == []
    assert lacks(allow("cos:*", resource)) == []


@pytest.mark.parametrize("resource", [
    of("other-125"), of(BUCKET, tail="exports/*"), of(BUCKET, tail=""), "qcs::cvm:ap-guangzhou:uid/125:b-125/*",
    "qcs::cos:ap-guangzhou", "b-125/*", "qcs::cos:gz:uid/125:prefix//125/other/*",
])  # fmt: skip
def test_resources_that_do_not(resource: Any) -> None:
    assert lacks(allow("cos:*", resource), buckets=(BUCKET,)) == [PUT, PART]


def test_every_bucket_has_to_be_covered() -> None:
    assert lacks(allow("cos:*", of("a-125")), allow("cos:Put*", of(BUCKET)), buckets=("a-125", BUCKET)) == [PART]


def test_rights_on_the_bucket_itself_may_name_it_without_a_key() -> None:
    item = allow("cos:*", of(BUCKET, tail=""))
    assert lacks(item, buckets=(BUCKET,), actions=(PUT, LIST)) == [PUT]


@pytest.mark.parametrize("resource", ["*", of(BUCKET), "qcs::cos:::*"])
def test_a_denial_wins(resource: str) -> None:
    assert lacks(allow("*"), deny("cos:UploadPart", resource), buckets=(BUCKET,)) == [PART]


def test_denials_of_something_else_do_not() -> None:
    items = (deny("cos:*", of("other-125")), deny("cos:*", of(BUCKET, tail="secret/*")), deny("cvm:*"))
    assert lacks(*items, allow("*"), buckets=(BUCKET,)) == []
    assert lacks(deny("cos:*", of("other-125")), allow("*")) == []  # of which bucket, nobody said
    assert lacks(deny("cos:*", "qcs::cos:::*"), allow("*")) == [PUT, PART]


def test_what_hangs_on_a_condition_counts_for_nothing() -> None:
    condition = {"ip_equal": {"qcs:ip": "10.0.0.0/8"}}
    assert lacks(allow("*", condition=condition)) == [PUT, PART]
    assert lacks(allow("*"), deny("*", condition=condition)) == []


def test_our_own_policy_allows_what_it_is_for() -> None:
    role = export_role()
    assert missing(statements(role.policy) or (), EXPORT_ACTIONS, (BUCKET,)) == ()
    assert trusted_services(statements(role.trust_policy) or ()) == ("cvm.qcloud.com",)


TRUST = {
    "action": "name/sts:AssumeRole",
    "effect": "allow",
    "principal": {"service": ["cvm.qcloud.com", "x.qcloud.com"]},
}


@pytest.mark.parametrize("document", [
    policy(TRUST), quote(policy(TRUST)), quote(policy(TRUST), safe=""),
    json.dumps({"Version": "2.0", "Statement": {"Action": ["sts:*"], "Effect": "Allow",
                "Principal": {"Service": ["cvm.qcloud.com", "x.qcloud.com"]}}}),
])  # fmt: skip
def test_trust_in_all_its_forms(document: str) -> None:
    assert trusted_services(statements(document) or ()) == ("cvm.qcloud.com", "x.qcloud.com")


def test_no_trust() -> None:
    items = (
        {**TRUST, "action": "cos:*"},
        {**TRUST, "principal": {"qcs": ["qcs::cam::uin/1:root"]}},
        {**TRUST, "principal": "*"},
    )
    assert trusted_services(statements(policy(*items)) or ()) == ()
    denied = {**TRUST, "effect": "deny", "principal": {"service": "cvm.qcloud.com"}}
    assert trusted_services(statements(policy(TRUST, denied)) or ()) == ("x.qcloud.com",)


@pytest.mark.parametrize(("service", "fits"), [
    ("cvm.qcloud.com", True), ("CVM.cloud.tencent.com", True), ("cvm.tencentcloudapi.com", True),
    ("scf.qcloud.com", False), ("cvm.example.com", False), ("xcvm.qcloud.com", False),
])  # fmt: skip
def test_whose_name_counts_as_cvm(service: str, fits: bool) -> None:
    assert trusts((service,), "cvm.qcloud.com") is fits


@pytest.mark.parametrize("document", [
    "", "no JSON", "[]", "null", "{}", '{"statement": null}', '{"statement": ["x"]}', '{"statement": 5}', "%7B", "[" * 9999,
])  # fmt: skip
def test_what_is_no_policy(document: str) -> None:
    assert statements(document) is None
    assert joined(document, policy(TRUST)) is None
    assert joined(policy(TRUST), document) is None


def test_joining_keeps_what_is_there() -> None:
    other = {**TRUST, "principal": {"service": "scf.qcloud.com"}}
    for before in (policy(other), quote(policy(other)), json.dumps({"version": "2.0", "statement": other})):
        found = json.loads(joined(before, policy(TRUST)) or "")
        assert found == {"version": "2.0", "statement": [other, TRUST]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["statement", "effect", "action", "resource", "principal", "service", "condition", "x"]), inner,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_hostile_documents_are_read_or_refused(content: Any) -> None:
    found = statements(json.dumps(content))
    if found is not None:
        assert set(missing(found, EXPORT_ACTIONS, (BUCKET,))) <= set(EXPORT_ACTIONS)
        assert all(isinstance(name, str) for name in trusted_services(found))


@given(st.text(alphabet="*?[]ab/:%", max_size=60))
def test_hostile_patterns_end(pattern: str) -> None:
    lacks(allow(pattern, f"qcs::cos:::{pattern}"), buckets=(BUCKET,))
