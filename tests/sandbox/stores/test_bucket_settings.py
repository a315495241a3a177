"""Buckets as they are set up: lifecycle rules that are carried out, versioning, classes, policies; by the official SDKs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import oss2
import pytest
from oss2.models import (
    AbortMultipartUpload,
    BucketCreateConfig,
    BucketLifecycle,
    BucketVersioningConfig,
    LifecycleExpiration,
    LifecycleRule,
    ServerSideEncryptionRule,
    StorageTransition,
)

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Key, Policy
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore, OssStore, RefusedError, oss_auth
from tests.sandbox.stores.worlds import ALIBABA, APP_ID, UIN, Credentials

DAY = 24 * 3600
COS_RULES = {
    "Rule": [
        {
            "ID": "stage",
            "Filter": {"Prefix": "stage/"},
            "Status": "Enabled",
            "Expiration": {"Days": 7},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        },
        {
            "ID": "cold",
            "Filter": {"Prefix": "keep/"},
            "Status": "Enabled",
            "Transition": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 90, "StorageClass": "ARCHIVE"},
            ],
        },
        {"ID": "off", "Filter": {"Prefix": ""}, "Status": "Disabled", "Expiration": {"Days": 1}},
    ]
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of its own, whose time stands still."""
    with Sandbox(seed=worlds.fill) as running:
        running.clock.freeze()
        yield running


@contextmanager
def _refused(status: int, code: str) -> Iterator[None]:
    with pytest.raises(RefusedError) as caught:
        yield
    assert (caught.value.status, caught.value.code) == (status, code)


def _oss_refusal(call: object, *arguments: object) -> tuple[int, str]:
    with pytest.raises(oss2.exceptions.OssError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.status, caught.value.code


# Lifecycle


def test_cos_keeps_the_rules_as_they_were_put(cos: CosStore) -> None:
    cos.sdk.put_bucket_lifecycle(cos.bucket, COS_RULES)
    shown = cos.sdk.get_bucket_lifecycle(cos.bucket)["Rule"]
    assert [rule["ID"] for rule in shown] == ["stage", "cold", "off"]
    assert shown[0] == {
        "ID": "stage",
        "Filter": {"Prefix": "stage/"},
        "Status": "Enabled",
        "Expiration": {"Days": "7"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "2"},
    }
    assert shown[1]["Transition"] == [
        {"Days": "30", "StorageClass": "STANDARD_IA"},
        {"Days": "90", "StorageClass": "ARCHIVE"},
    ]
    cos.sdk.delete_bucket_lifecycle(cos.bucket)
    with pytest.raises(Exception, match="NoSuchLifecycleConfiguration"):
        cos.sdk.get_bucket_lifecycle(cos.bucket)


def test_cos_carries_the_rules_out_on_the_sandbox_s_clock(sandbox: Sandbox, cos: CosStore) -> None:
    cos.sdk.put_bucket_lifecycle(cos.bucket, COS_RULES)
    cos.put("stage/a", b"1")
    cos.put("keep/a", b"1")
    cos.begin("stage/b")
    sandbox.clock.advance(2 * DAY)
    assert cos.uploads().names == []
    assert cos.listing().names == ["keep/a", "stage/a"]
    sandbox.clock.advance(5 * DAY)
    assert cos.listing().names == ["keep/a"]
    sandbox.clock.advance(23 * DAY)
    assert cos.head("keep/a")["x-cos-storage-class"] == "STANDARD_IA"
    sandbox.clock.advance(60 * DAY)
    assert cos.head("keep/a")["x-cos-storage-class"] == "ARCHIVE"
    with _refused(403, "InvalidObjectState"):
        cos.get("keep/a")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"Status": "Enabled", "Filter": {"Prefix": ""}}, "MalformedXML"),
        ({"Status": "On", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}, "MalformedXML"),
        ({"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 0}}, "MalformedXML"),
        ({"Status": "Enabled", "Transition": {"Days": 1, "StorageClass": "FROZEN"}}, "MalformedXML"),
        ({"Status": "Enabled", "Transition": {"StorageClass": "ARCHIVE"}}, "MalformedXML"),
        ({"Status": "Enabled", "Expiration": {"Date": "2026-01-01"}}, "MalformedXML"),
        (
            {"Status": "Enabled", "Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 1}},
            "NotImplemented",
        ),
    ],
)
def test_rules_that_cos_refuses(cos: CosStore, rule: dict[str, object], code: str) -> None:
    with pytest.raises(Exception, match=code):
        cos.sdk.put_bucket_lifecycle(cos.bucket, {"Rule": [rule]})


def _oss_rule(prefix: str, **actions: object) -> LifecycleRule:
    return LifecycleRule(prefix.strip("/"), prefix, status=LifecycleRule.ENABLED, **actions)


def test_oss_keeps_and_carries_out_lifecycle_rules(sandbox: Sandbox, oss: OssStore) -> None:
    rules = [
        _oss_rule(
            "stage/", expiration=LifecycleExpiration(days=7), abort_multipart_upload=AbortMultipartUpload(days=2)
        ),
        _oss_rule("keep/", storage_transitions=[StorageTransition(days=60, storage_class="Archive")]),
    ]
    oss.sdk.put_bucket_lifecycle(BucketLifecycle(rules))
    shown = oss.sdk.get_bucket_lifecycle().rules
    assert [(rule.id, rule.prefix, rule.status) for rule in shown] == [
        ("stage", "stage/", "Enabled"),
        ("keep", "keep/", "Enabled"),
    ]
    assert (shown[0].expiration.days, shown[0].abort_multipart_upload.days) == (7, 2)
    (moved,) = shown[1].storage_transitions
    assert (moved.days, moved.storage_class) == (60, "Archive")
    oss.put("stage/a", b"1")
    oss.put("keep/a", b"1")
    oss.begin("stage/b")
    sandbox.clock.advance(7 * DAY)
    assert (oss.listing().names, oss.uploads().names) == (["keep/a"], [])
    sandbox.clock.advance(53 * DAY)
    assert oss.head("keep/a")["x-oss-storage-class"] == "Archive"
    with _refused(403, "InvalidObjectState"):
        oss.get("keep/a")
    oss.sdk.delete_bucket_lifecycle()
    assert _oss_refusal(oss.sdk.get_bucket_lifecycle) == (404, "NoSuchLifecycle")


def test_oss_expires_what_was_written_before_a_date(oss: OssStore) -> None:
    oss.put("old", b"1")
    rule = _oss_rule("", expiration=LifecycleExpiration(created_before_date=date(2099, 1, 1)))
    oss.sdk.put_bucket_lifecycle(BucketLifecycle([rule]))
    assert oss.listing().names == ["old"], "the date is still to come"
    rule = _oss_rule("", expiration=LifecycleExpiration(created_before_date=date(2020, 1, 1)))
    oss.sdk.put_bucket_lifecycle(BucketLifecycle([rule]))
    assert oss.listing().names == ["old"], "it was written later"


def test_rules_that_oss_refuses(oss: OssStore) -> None:
    nothing = BucketLifecycle([_oss_rule("a/")])
    assert _oss_refusal(oss.sdk.put_bucket_lifecycle, nothing) == (400, "MalformedXML")
    by_access = StorageTransition(days=1, storage_class="IA", is_access_time=True, return_to_std_when_visit=False)
    rule = BucketLifecycle([_oss_rule("a/", storage_transitions=[by_access])])
    assert _oss_refusal(oss.sdk.put_bucket_lifecycle, rule) == (501, "NotImplemented")


# Versioning, as a setting


def test_versioning_is_told(cos: CosStore, oss: OssStore) -> None:
    assert cos.sdk.get_bucket_versioning(cos.bucket) == {"VersioningConfiguration": None}
    assert oss.sdk.get_bucket_versioning().status is None
    assert oss.sdk.get_bucket_info().versioning_status is None
    for status in ("Enabled", "Suspended"):
        cos.sdk.put_bucket_versioning(cos.bucket, status)
        oss.sdk.put_bucket_versioning(BucketVersioningConfig(status))
        assert cos.sdk.get_bucket_versioning(cos.bucket) == {"Status": status}
        assert oss.sdk.get_bucket_versioning().status == status
        assert oss.sdk.get_bucket_info().versioning_status == status


# What a bucket is


def _new_oss_bucket(sandbox: Sandbox, name: str) -> oss2.Bucket:
    return OssStore(sandbox.endpoint("oss"), worlds.ALIBABA_KEY, name).sdk


@pytest.mark.parametrize("kind", ["Standard", "IA", "Archive", "ColdArchive"])
def test_an_oss_bucket_s_class_is_its_objects_class(sandbox: Sandbox, kind: str) -> None:
    bucket = _new_oss_bucket(sandbox, f"of-{kind.lower()}")
    bucket.create_bucket("private", BucketCreateConfig(kind, "ZRS"))
    info = bucket.get_bucket_info()
    assert (info.storage_class, info.data_redundancy_type, info.acl.grant) == (kind, "ZRS", "private")
    bucket.put_object("a", b"1")
    assert bucket.head_object("a").headers["x-oss-storage-class"] == kind
    if "Archive" in kind:
        assert _oss_refusal(bucket.get_object, "a") == (403, "InvalidObjectState")
        bucket.restore_object("a")
        sandbox.clock.advance(5 * 3600)
    assert bucket.get_object("a").read() == b"1"


def test_get_bucket_info_is_complete(oss: OssStore) -> None:
    oss.sdk.put_bucket_encryption(ServerSideEncryptionRule("KMS", "key-1"))
    oss.sdk.put_bucket_public_access_block(True)
    info = oss.sdk.get_bucket_info()
    assert (info.bucket_encryption_rule.sse_algorithm, info.bucket_encryption_rule.kms_master_keyid) == ("KMS", "key-1")
    assert (info.location, info.owner.id) == ("oss-cn-hangzhou", ALIBABA)
    assert info.access_monitor == info.transfer_acceleration == info.cross_region_replication == "Disabled"
    assert oss.sdk.get_bucket_public_access_block().block_public_access
    oss.sdk.delete_bucket_public_access_block()
    assert not oss.sdk.get_bucket_public_access_block().block_public_access


def test_what_is_blocked_is_public_no_more(sandbox: Sandbox, oss: OssStore) -> None:
    oss.put("a", b"1")
    oss.sdk.put_bucket_acl("public-read")
    stranger = OssStore(sandbox.endpoint("oss"), worlds.OTHER_ALIBABA_KEY, oss.bucket)
    assert stranger.get("a").body == b"1"
    oss.sdk.put_bucket_public_access_block(True)
    with _refused(403, "AccessDenied"):
        stranger.get("a")


def test_a_cos_bucket_over_several_zones(sandbox: Sandbox) -> None:
    store = CosStore(sandbox.endpoint("cos"), worlds.TENCENT, f"zones-{APP_ID}")
    store.sdk.create_bucket(store.bucket, BucketAZConfig="MAZ")
    assert store.sdk.head_bucket(store.bucket)["x-cos-bucket-az-type"] == "MAZ"
    store.put("a", b"1")
    assert store.head("a")["x-cos-storage-class"] == "MAZ_STANDARD"
    assert "x-cos-bucket-az-type" not in store.sdk.head_bucket(worlds.COS_BUCKET)


# Policies of buckets


def _cos_policy(effect: str, principal: str, *actions: str) -> dict[str, object]:
    statement = {
        "Principal": {"qcs": [principal]},
        "Effect": effect,
        "Action": [f"name/cos:{action}" for action in actions],
        "Resource": [f"qcs::cos:ap-guangzhou:uid/{APP_ID}:{worlds.COS_BUCKET}/*"],
    }
    return {"Statement": [statement], "version": "2.0"}


def test_a_cos_policy_denies_its_own_and_lets_others_in(sandbox: Sandbox, cos: CosStore) -> None:
    cos.put("a", b"1")
    other = CosStore(sandbox.endpoint("cos"), worlds.OTHER_TENCENT, cos.bucket)
    friend = f"qcs::cam::uin/{worlds.OTHER_UIN}:uin/{worlds.OTHER_UIN}"
    policy = _cos_policy("allow", friend, "GetObject")
    cos.sdk.put_bucket_policy(cos.bucket, policy)
    assert json.loads(cos.sdk.get_bucket_policy(cos.bucket)["Policy"]) == policy
    assert other.get("a").body == b"1"
    with _refused(403, "AccessDenied"):
        other.put("b", b"2")
    cos.sdk.put_bucket_policy(cos.bucket, _cos_policy("deny", "qcs::cam::anyone:anyone", "PutObject"))
    with _refused(403, "AccessDenied"):
        cos.put("b", b"2")
    cos.sdk.delete_bucket_policy(cos.bucket)
    assert cos.put("b", b"2")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("nonsense", "MalformedPolicy"),
        ('{"version": "2.0", "Statement": [{"effect": "allow", "action": "*"}]}', "MalformedPolicy"),
        (
            '{"version": "2.0", "Statement": [{"effect": "deny", "action": "*", "principal": {"qcs": ["*"]},'
            ' "condition": {"ip_equal": {"qcs:ip": "10.0.0.0/8"}}}]}',
            "NotImplemented",
        ),
    ],
)
def test_policies_that_cos_refuses(cos: CosStore, document: str, code: str) -> None:
    with pytest.raises(Exception, match=code):
        cos.sdk.put_bucket_policy(cos.bucket, document)


def _oss_policy(effect: str, *actions: str, principal: str = "*", **more: object) -> str:
    statement = {
        "Effect": effect,
        "Action": [f"oss:{action}" for action in actions],
        "Principal": [principal],
        "Resource": [f"acs:oss:*:*:{worlds.OSS_BUCKET}", f"acs:oss:*:*:{worlds.OSS_BUCKET}/*"],
        **more,
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def test_an_oss_policy_lets_others_in_and_denies(sandbox: Sandbox, oss: OssStore) -> None:
    oss.put("a", b"1")
    with sandbox.world.lock:
        accounts = sandbox.world.accounts
        accounts.add_key(Key("alibaba", "LTAIroot", worlds.SECRET, ALIBABA, f"acs:ram::{ALIBABA}:root"))
        accounts.add_key(
            Key("alibaba", "LTAIthem", worlds.SECRET, worlds.OTHER_ALIBABA, f"acs:ram::{worlds.OTHER_ALIBABA}:root")
        )
    root, stranger = (
        OssStore(sandbox.endpoint("oss"), Credentials(key_id, worlds.SECRET), oss.bucket)
        for key_id in ("LTAIroot", "LTAIthem")
    )
    policy = _oss_policy("Allow", "GetObject", principal=worlds.OTHER_ALIBABA)
    oss.sdk.put_bucket_policy(policy)
    assert oss.sdk.get_bucket_policy().policy == policy
    assert stranger.get("a").body == b"1"
    oss.sdk.put_bucket_policy(_oss_policy("Deny", "PutObject"))
    with _refused(403, "AccessDenied"):
        oss.put("b", b"2")
    assert root.put("b", b"2"), "* without a condition does not mean the bucket's owner"
    oss.sdk.delete_bucket_policy()
    assert _oss_refusal(oss.sdk.get_bucket_policy) == (404, "NoSuchBucketPolicy")


def test_policies_that_oss_refuses(oss: OssStore) -> None:
    assert _oss_refusal(oss.sdk.put_bucket_policy, "{}") == (400, "InvalidPolicyDocument")
    conditional = _oss_policy("Deny", "*", Condition={"Bool": {"acs:SecureTransport": ["false"]}})
    assert _oss_refusal(oss.sdk.put_bucket_policy, conditional) == (501, "NotImplemented")


# Users whose policies limit them


def test_users_may_do_what_their_policies_allow(sandbox: Sandbox, cos: CosStore, oss: OssStore) -> None:
    with sandbox.world.lock:
        accounts = sandbox.world.accounts
        accounts.add_policy("alibaba", ALIBABA, Policy("reader", _ram("oss:Get*", "oss:List*")))
        accounts.add_policy("tencent", UIN, Policy("reader", _cam("cos:Get*", "cos:Head*")))
        accounts.add_key(
            Key("alibaba", "LTAIr", worlds.SECRET, ALIBABA, f"acs:ram::{ALIBABA}:user/r", policies=["reader"])
        )
        accounts.add_key(
            Key("tencent", "AKIDr", worlds.SECRET, UIN, f"qcs::cam:{UIN}:uin/100000000009", policies=["reader"])
        )
    cos.put("a", b"1")
    oss.put("a", b"1")
    for store in (
        CosStore(sandbox.endpoint("cos"), Credentials("AKIDr", worlds.SECRET), cos.bucket),
        OssStore(sandbox.endpoint("oss"), Credentials("LTAIr", worlds.SECRET), oss.bucket),
    ):
        assert store.get("a").body == b"1"
        with _refused(403, "AccessDenied"):
            store.put("a", b"2")


def _ram(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]})


def _cam(*actions: str) -> str:
    return json.dumps({"version": "2.0", "statement": [{"effect": "allow", "action": list(actions), "resource": "*"}]})


# Where a bucket is, and by which name it may be reached


def test_a_bucket_of_another_region_as_cos_may_say_it(sandbox: Sandbox) -> None:
    elsewhere = CosStore(sandbox.endpoint("cos"), worlds.TENCENT, worlds.COS_BUCKET, region="ap-shanghai")
    assert elsewhere.sdk.head_bucket(elsewhere.bucket)["x-cos-bucket-region"] == "ap-guangzhou", "the SDK passes a 301"
    sandbox.world.tencent.settings.wrong_region_code = "NoSuchBucket"
    with _refused(404, "NoSuchBucket"):
        elsewhere.listing()


def test_a_young_account_needs_another_endpoint_and_signature(sandbox: Sandbox, oss: OssStore) -> None:
    sandbox.world.alibaba.settings.public_endpoint_forbidden = True
    with _refused(400, "PublicEndpointForbidden"):
        oss.listing()
    assert oss.sdk.get_bucket_info().name == oss.bucket, "buckets can still be managed"
    singapore = OssStore(sandbox.endpoint("oss"), worlds.ALIBABA_KEY, worlds.SINGAPORE_BUCKET, region=worlds.SINGAPORE)
    assert singapore.listing().names == []
    sandbox.world.alibaba.settings.signature_v1_closed = True
    old = OssStore(sandbox.endpoint("oss"), worlds.ALIBABA_KEY, oss.bucket, oss_auth("v1"))
    with _refused(403, "AccessDenied"):
        old.listing()
