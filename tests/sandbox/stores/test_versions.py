"""Versioned buckets through both official SDKs: what overwriting and deleting leaves behind, and how it goes for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import oss2
import pytest
from oss2.models import (
    BatchDeleteObjectVersion,
    BatchDeleteObjectVersionList,
    BucketLifecycle,
    BucketVersioningConfig,
    LifecycleExpiration,
    LifecycleRule,
    NoncurrentVersionExpiration,
)

from imgmove.sandbox import Sandbox
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore, OssStore, RefusedError

DAY = 24 * 3600


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of its own, whose time stands still."""
    with Sandbox(seed=worlds.fill) as running:
        running.clock.freeze()
        yield running


def _cos_versions(cos: CosStore) -> list[tuple[str, str, bool, bool]]:
    """Key, id, whether it is the latest, whether it is a marker; as listed, versions before markers."""
    shown = cos.sdk.list_objects_versions(cos.bucket)
    return [
        (each["Key"], each["VersionId"], each["IsLatest"] == "true", kind == "DeleteMarker")
        for kind in ("Version", "DeleteMarker")
        for each in shown.get(kind, [])
    ]


def test_cos_keeps_what_is_overwritten_and_deleted(cos: CosStore) -> None:
    cos.put("a", b"before")
    cos.sdk.put_bucket_versioning(cos.bucket, "Enabled")
    first = cos.sdk.put_object(cos.bucket, b"one", "a")["x-cos-version-id"]
    second = cos.sdk.put_object(cos.bucket, b"two", "a")["x-cos-version-id"]
    assert cos.get("a").body == b"two"
    assert cos.sdk.get_object(cos.bucket, "a", VersionId=first)["Body"].get_raw_stream().read() == b"one"
    assert cos.sdk.get_object(cos.bucket, "a", VersionId="null")["Body"].get_raw_stream().read() == b"before"
    gone = cos.sdk.delete_object(cos.bucket, "a")
    assert gone["x-cos-delete-marker"] == "true"
    marker = gone["x-cos-version-id"]
    assert cos.listing().names == []
    with pytest.raises(RefusedError, match="NoSuchKey"):
        cos.get("a")
    assert _cos_versions(cos) == [
        ("a", second, False, False),
        ("a", first, False, False),
        ("a", "null", False, False),
        ("a", marker, True, True),
    ]
    with pytest.raises(Exception, match="BucketNotEmpty"):
        cos.sdk.delete_bucket(cos.bucket)
    cos.sdk.delete_object(cos.bucket, "a", VersionId=marker)
    assert cos.get("a").body == b"two", "without its marker, the newest version is back"
    cos.sdk.delete_object(cos.bucket, "a", VersionId=second)
    assert cos.get("a").body == b"one"


def test_a_suspended_bucket_has_one_version_without_id(cos: CosStore) -> None:
    cos.sdk.put_bucket_versioning(cos.bucket, "Enabled")
    first = cos.sdk.put_object(cos.bucket, b"one", "a")["x-cos-version-id"]
    cos.sdk.put_bucket_versioning(cos.bucket, "Suspended")
    for body in (b"two", b"three"):
        assert "x-cos-version-id" not in cos.sdk.put_object(cos.bucket, body, "a")
    assert _cos_versions(cos) == [("a", "null", True, False), ("a", first, False, False)]
    cos.delete("a")
    assert _cos_versions(cos) == [("a", first, False, False), ("a", "null", True, True)]


def test_a_version_that_is_none(cos: CosStore) -> None:
    cos.put("a", b"1")
    with pytest.raises(Exception, match="NoSuchVersion"):
        cos.sdk.get_object(cos.bucket, "a", VersionId="nothing")
    cos.sdk.delete_object(cos.bucket, "a", VersionId="nothing")
    assert cos.get("a").body == b"1"
    cos.sdk.delete_object(cos.bucket, "a", VersionId="null")
    assert cos.listing().names == []


def _oss_versions(oss: OssStore, **options: Any) -> tuple[list[tuple[str, str, bool]], list[tuple[str, str, bool]]]:
    shown = oss.sdk.list_object_versions(**options)
    return (
        [(each.key, each.versionid, each.is_latest) for each in shown.versions],
        [(each.key, each.versionid, each.is_latest) for each in shown.delete_marker],
    )


def test_oss_keeps_what_is_overwritten_and_deleted(oss: OssStore) -> None:
    oss.sdk.put_bucket_versioning(BucketVersioningConfig("Enabled"))
    first = oss.sdk.put_object("a", b"one").versionid
    second = oss.sdk.put_object("a", b"two", headers={"x-oss-forbid-overwrite": "true"}).versionid
    gone = oss.sdk.delete_object("a")
    assert gone.delete_marker
    assert _oss_versions(oss) == ([("a", second, False), ("a", first, False)], [("a", gone.versionid, True)])
    assert oss.sdk.get_object("a", params={"versionId": first}).read() == b"one"
    with pytest.raises(oss2.exceptions.NoSuchKey):
        oss.sdk.get_object("a")
    with pytest.raises(oss2.exceptions.ServerError, match="MethodNotAllowed"):
        oss.sdk.get_object("a", params={"versionId": gone.versionid})
    listed = BatchDeleteObjectVersionList(
        [BatchDeleteObjectVersion(key="a", versionid=each) for each in (first, second, gone.versionid)]
    )
    done = oss.sdk.delete_object_versions(listed)
    assert [each.versionid for each in done.delete_versions] == [first, second, gone.versionid]
    assert _oss_versions(oss) == ([], [])
    oss.sdk.delete_bucket()


def test_versions_are_listed_by_pages(oss: OssStore) -> None:
    oss.sdk.put_bucket_versioning(BucketVersioningConfig("Enabled"))
    made = [(key, oss.sdk.put_object(key, b"x").versionid) for key in ("a", "a", "b/1", "b/2")]
    first = oss.sdk.list_object_versions(max_keys=1)
    assert (first.is_truncated, first.next_key_marker, first.next_versionid_marker) == (True, *made[1])
    rest = oss.sdk.list_object_versions(key_marker="a", versionid_marker=made[1][1])
    assert [(each.key, each.versionid) for each in rest.versions] == [made[0], *made[2:]]
    rolled = oss.sdk.list_object_versions(delimiter="/", key_marker="a")
    assert (rolled.common_prefix, rolled.versions) == (["b/"], [])


def test_lifecycle_rules_clear_old_versions_away(sandbox: Sandbox, oss: OssStore) -> None:
    oss.sdk.put_bucket_versioning(BucketVersioningConfig("Enabled"))
    rules = [
        LifecycleRule("old", "", status=LifecycleRule.ENABLED,
                      noncurrent_version_expiration=NoncurrentVersionExpiration(3),
                      expiration=LifecycleExpiration(expired_detete_marker=True)),
    ]  # fmt: skip
    oss.sdk.put_bucket_lifecycle(BucketLifecycle(rules))
    oss.put("a", b"1")
    oss.put("a", b"2")
    sandbox.clock.advance(2 * DAY)
    oss.delete("a")
    assert len(_oss_versions(oss)[0]) == 2
    sandbox.clock.advance(DAY)
    assert len(_oss_versions(oss)[0]) == 1
    sandbox.clock.advance(2 * DAY)
    assert _oss_versions(oss) == ([], [])


def test_versions_outlive_a_restart(tmp_path: Any) -> None:
    with Sandbox(tmp_path / "state", seed=worlds.fill) as sandbox:
        oss = OssStore(sandbox.endpoint("oss"), worlds.ALIBABA_KEY, worlds.OSS_BUCKET)
        oss.sdk.put_bucket_versioning(BucketVersioningConfig("Enabled"))
        first = oss.sdk.put_object("a", b"one").versionid
        oss.delete("a")
    with Sandbox(tmp_path / "state") as sandbox:
        oss = OssStore(sandbox.endpoint("oss"), worlds.ALIBABA_KEY, worlds.OSS_BUCKET)
        assert oss.sdk.get_object("a", params={"versionId": first}).read() == b"one"
