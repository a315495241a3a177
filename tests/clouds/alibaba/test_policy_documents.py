"""RAM's policy documents: what they allow, deny and leave open, and that no document breaks the reader."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.clouds.alibaba.policy_documents import extended, missing_actions, statements, trusted_services, trusts
from imgmove.clouds.alibaba.service_roles import EXPORT_ROLE, ROLES, SYSTEM_POLICIES, TRUST_POLICY

GET, PUT, INFO = "oss:GetObject", "oss:PutObject", "oss:GetBucketInfo"


def policy(*entries: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(entries)})


def allow(actions: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def deny(actions: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": actions, "Resource": resource, **more}


def missing(*entries: dict[str, Any], needed: tuple[str, ...] = (GET, PUT, INFO), bucket: str = "bkt") -> set[str]:
    found = statements(policy(*entries))
    assert found is not None
    return set(missing_actions([found], needed, (bucket,) if bucket else ()))


@pytest.mark.parametrize(
    "entry",
    [
        allow("*"), allow("oss:*"), allow(["oss:Get*", "oss:PutObject"]), allow("OSS:*"), allow("oss:???*"),
        allow("oss:*", "acs:oss:*:*:*"), allow("oss:*", ["acs:oss:*:*:bkt", "acs:oss:*:*:bkt/*"]),
        allow("oss:*", "acs:oss:*:*:bkt*"), allow("oss:*", "acs:oss:oss-cn-hangzhou:1:b?t*"), allow("oss:*", "acs:oss:*"),
        allow("oss:*", ["acs:oss:*:*:bkt", "acs:oss:*:*:bkt/images/*"]), allow("*", "acs:*:*:*:*"),
        {"Effect": "Allow", "NotAction": "ecs:*", "Resource": "*"}, {"Effect": "Allow", "Action": "oss:*"},
        allow("oss:*", Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}),
    ],
)  # fmt: skip
def test_what_is_allowed(entry: dict[str, Any]) -> None:
    assert missing(entry) == set()


@pytest.mark.parametrize(
    ("entry", "lacking"),
    [
        (allow("ecs:*"), {GET, PUT, INFO}),
        (allow("oss:Get*"), {PUT}),
        (allow("oss:*", "acs:oss:*:*:other*"), {GET, PUT, INFO}),
        (allow("oss:*", "acs:ecs:*:*:*"), {GET, PUT, INFO}),
        (allow("oss:*", "acs:oss:*:*:bkt/*"), {INFO}),
        (allow("oss:*", "acs:oss:*:*:bkt"), {GET, PUT}),
        (allow("oss:*", "acs:oss:*:*:bk[t]*"), {GET, PUT, INFO}),
        ({"Effect": "Allow", "NotAction": ["oss:Put*"], "Resource": "*"}, {PUT}),
        ({"Effect": "Allow"}, {GET, PUT, INFO}),
    ],
)
def test_what_is_not_allowed(entry: dict[str, Any], lacking: set[str]) -> None:
    assert missing(entry) == lacking


@pytest.mark.parametrize(
    ("entry", "lacking"),
    [
        (deny("oss:Put*"), {PUT}),
        (deny("oss:*", "acs:oss:*:*:bkt/*"), {GET, PUT}),
        (deny("oss:*", "acs:oss:*:*:bkt"), {INFO}),
        (deny("oss:*", "acs:oss:*:*:bkt*"), {GET, PUT, INFO}),
        (deny("oss:*", "acs:oss:*:*:bkt/private/*"), set()),
        (deny("oss:*", "acs:oss:*:*:other/*"), set()),
        (deny("oss:*", Condition={"Bool": {"acs:SecureTransport": "false"}}), set()),
        ({"Effect": "Deny", "NotAction": "oss:Get*", "Resource": "*"}, {PUT}),
        ({"Effect": "Deny", "Action": "oss:*", "NotResource": "acs:oss:*:*:bkt/*"}, set()),
    ],
)
def test_what_is_denied_although_it_is_allowed(entry: dict[str, Any], lacking: set[str]) -> None:
    assert missing(allow("*"), entry) == lacking


def test_without_a_bucket_a_right_on_any_counts() -> None:
    assert missing(allow("oss:*", "acs:oss:*:*:some/*"), bucket="") == set()
    assert missing(allow("oss:*", "acs:ecs:*:*:*"), bucket="") == {GET, PUT, INFO}
    assert missing(allow("oss:*"), deny("oss:Put*", "acs:oss:*:*:some/*"), bucket="") == set()
    assert missing(allow("oss:*"), deny("oss:Put*", "acs:oss:*:*:*"), bucket="") == {PUT}


def test_the_roles_have_what_they_need_and_the_vendors_policies_give_it() -> None:
    for role in ROLES:
        own = statements(role.policy)
        assert own is not None
        assert missing_actions([own], role.needed_actions, ()) == ()
        assert SYSTEM_POLICIES[role.policy_name] == role.policy
        trust = statements(role.trust_policy)
        assert trust is not None
        assert trusted_services(trust) == ("ecs.aliyuncs.com",)
    reading = statements(SYSTEM_POLICIES["AliyunOSSReadOnlyAccess"])
    assert reading is not None
    assert set(missing_actions([reading], EXPORT_ROLE.needed_actions, ())) == {
        "oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload",
    }  # fmt: skip


def test_documents_come_plain_encoded_and_parsed() -> None:
    document = policy(allow("oss:*"))
    plain = statements(document)
    assert plain
    assert statements(quote(document)) == plain
    assert statements(json.loads(document)) == plain
    assert statements(json.dumps({"Statement": allow("oss:*")})) == plain


@pytest.mark.parametrize("document", [None, "", "{", "[]", "3", 3, [], {}, '{"Statement": 3}', "%7B", "[" * 100_000])
def test_what_is_no_document(document: Any) -> None:
    assert statements(document) is None
    assert extended(document, TRUST_POLICY) is None


@pytest.mark.parametrize(
    ("entries", "services"),
    [
        ([allow("sts:AssumeRole", Principal={"Service": "ecs.aliyuncs.com"})], ("ecs.aliyuncs.com",)),
        ([allow("sts:*", Principal={"Service": ["a", "b", "a"]})], ("a", "b")),
        ([allow("sts:TagSession", Principal={"Service": ["a"]})], ()),
        ([allow("sts:AssumeRole", Principal={"RAM": ["acs:ram::1:root"]})], ()),
        ([allow("sts:AssumeRole", Principal="*")], ()),
        ([allow("sts:AssumeRole", Principal={"Service": ["a", "b"]}),
          deny("sts:AssumeRole", Principal={"Service": ["a"]})], ("b",)),
    ],
)  # fmt: skip
def test_whom_a_role_trusts(entries: list[dict[str, Any]], services: tuple[str, ...]) -> None:
    trust = statements(policy(*entries))
    assert trust is not None
    assert trusted_services(trust) == services
    assert trusts(trust, "ECS.aliyuncs.com") is ("ecs.aliyuncs.com" in services)


def test_a_trust_policy_is_extended_and_loses_nothing() -> None:
    before = {
        "Version": "1",
        "Note": "x",
        "Statement": allow("sts:AssumeRole", Principal={"Service": ["rds.aliyuncs.com"]}),
    }
    wanted = extended(quote(json.dumps(before)), TRUST_POLICY)
    assert wanted is not None
    after = json.loads(wanted)
    assert after["Statement"] == [before["Statement"], *json.loads(TRUST_POLICY)["Statement"]]
    assert after["Note"] == "x"
    trust = statements(wanted)
    assert trust is not None
    assert trusted_services(trust) == ("rds.aliyuncs.com", "ecs.aliyuncs.com")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["Statement", "Effect", "Action", "NotAction", "Resource", "Principal", "Service", "Condition"]),
        inner, max_size=5,
    ), max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_no_document_breaks_the_reader(content: Any) -> None:
    for document in (content, json.dumps(content), json.dumps({"Statement": content})):
        found = statements(document)
        if found is not None:
            trusted_services(found)
            missing_actions([found], EXPORT_ROLE.needed_actions, ("bkt",))
            extended(document, TRUST_POLICY)
