"""Regions, instances, snapshots and quotas with the official client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from imgmove.sandbox.world.alibaba_records import Instance
from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, IMAGE, INSTANCE, SINGAPORE, STRANGER, Cloud


def test_regions(cloud: Cloud) -> None:
    shown = {region["RegionId"]: region for region in cloud.ask("DescribeRegions")["Regions"]["Region"]}
    assert {HANGZHOU, SINGAPORE, "us-east-1", "cn-hongkong"} <= set(shown)
    assert shown[SINGAPORE]["LocalName"] == "Singapore"
    assert cloud.refused("DescribeRegions", accept_language="tlh").code == "InvalidAcceptLanguage.NotFound"


def test_instances(cloud: Cloud) -> None:
    cloud.world.alibaba.add_instance(
        Instance("i-2", HANGZHOU, ACCOUNT, "db-1", "m-other", [], status="Running", tags={"role": "db"}, locked=True)
    )
    cloud.world.alibaba.add_instance(Instance("i-3", HANGZHOU, STRANGER, "web-9", IMAGE, []))

    def found(**filters: Any) -> list[str]:
        return [each["InstanceId"] for each in cloud.ask("DescribeInstances", **filters)["Instances"]["Instance"]]

    assert found() == [INSTANCE, "i-2"]
    assert found(instance_ids=json.dumps(["i-2", "i-3"])) == ["i-2"]
    assert found(instance_ids="[]") == []
    assert found(instance_name="web*") == [INSTANCE]
    assert found(status="Running") == ["i-2"]
    assert found(image_id=IMAGE) == [INSTANCE]
    assert found(region_id=SINGAPORE) == []
    assert found(zone_id="cn-hangzhou-z") == []
    assert found(instance_type_family="ecs.g7") == [INSTANCE, "i-2"]
    assert found(instance_charge_type="PrePaid") == []
    assert found(vpc_id="vpc-1") == []
    assert found(ipv_6address=["::1"]) == []
    assert found(lock_reason="security") == ["i-2"]
    later = models.DescribeInstancesRequestFilter(key="CreationStartTime", value="2026-01-01T00:00Z")
    assert found(filter=[later]) == []
    (locked,) = cloud.rpc("ecs", "DescribeInstances", RegionId=HANGZHOU, Status="Running")["Instances"]["Instance"]
    assert locked["OperationLocks"] == {"LockReason": [{"LockReason": "security"}]}
    assert (locked["InstanceTypeFamily"], locked["Tags"]["Tag"][0]["TagKey"]) == ("ecs.g7", "role")


@pytest.mark.parametrize(
    ("action", "filters", "code", "status"),
    [
        ("DescribeInstances", {"region_id": "cn-atlantis"}, "InvalidRegionId.NotFound", 404),
        ("DescribeInstances", {"instance_ids": "i-1"}, "InvalidInstanceIds.Malformed", 400),
        ("DescribeInstances", {"instance_ids": "[1]"}, "InvalidInstanceIds.Malformed", 400),
        ("DescribeInstances", {"status": "Sleeping"}, "InvalidStatus.NotFound", 404),
        ("DescribeSnapshots", {"snapshot_ids": "{}"}, "InvalidSnapshotIds.Malformed", 403),
        ("DescribeSnapshots", {"snapshot_ids": json.dumps(["s"] * 101)}, "InvalidSnapshotIds.Malformed", 403),
        ("DescribeSnapshots", {"status": "lost"}, "InvalidStatus.NotFound", 404),
        ("DescribeSnapshots", {"usage": "moon"}, "InvalidUsage", 404),
        ("DeleteSnapshot", {"snapshot_id": "s-none"}, "InvalidSnapshotId.NotFound", 404),
        ("DescribeAccountAttributes", {"region_id": ""}, "MissingParameter", 400),
    ],
)
def test_refusals(cloud: Cloud, action: str, filters: dict[str, Any], code: str, status: int) -> None:
    answer = cloud.refused(action, **filters)
    assert (answer.code, answer.status) == (code, status)


def test_snapshots(cloud: Cloud) -> None:
    image = cloud.ask("CreateImage", instance_id=INSTANCE)["ImageId"]
    cloud.finish()

    def found(**filters: Any) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = cloud.ask("DescribeSnapshots", **filters)["Snapshots"]["Snapshot"]
        return shown

    made = found(snapshot_name=f"SnapshotForImage-{image}")
    assert sorted(snapshot["SourceDiskType"] for snapshot in made) == ["data", "system"]
    assert {snapshot["Status"] for snapshot in made} == {"accomplished"}
    ids = [snapshot["SnapshotId"] for snapshot in made]
    assert [each["SnapshotId"] for each in found(snapshot_ids=json.dumps(ids[:1]))] == ids[:1]
    assert found(status="failed") == []
    assert found(encrypted=True) == []
    assert len(found(source_disk_type="data")) == 1
    assert {each["Usage"] for each in found()} == {"image"}
    assert {each["SnapshotId"] for each in found(instance_id=INSTANCE)} == set(ids)
    assert len(found(disk_id="d-bp1test1")) == 1
    assert found(instance_id="i-none") == []
    assert found(snapshot_type="auto") == []
    assert found(category="flash") == []
    assert found(kmskey_id="key-1") == []


def test_tokens_in_place_of_pages(cloud: Cloud) -> None:
    for number in range(5):
        cloud.world.alibaba.add_instance(Instance(f"i-{number}", HANGZHOU, ACCOUNT, "n", "m-other", []))
    seen: list[str] = []
    token = None
    for _ in range(3):
        answer = cloud.ask("DescribeInstances", max_results=2, next_token=token)
        seen += [each["InstanceId"] for each in answer["Instances"]["Instance"]]
        token = answer["NextToken"]
    assert (token, len(seen), len(set(seen))) == ("", 6, 6)
    assert cloud.refused("DescribeInstances", max_results=101).code == "InvalidParameter"
    assert cloud.refused("DescribeInstances", next_token="what").code == "InvalidParameter"


def test_account_attributes(cloud: Cloud) -> None:
    items = cloud.ask("DescribeAccountAttributes", attribute_name=["max-security-groups"])["AccountAttributeItems"]
    assert items == {
        "AccountAttributeItem": [
            {"AttributeName": "max-security-groups", "AttributeValues": {"ValueItem": [{"Value": "100"}]}}
        ]
    }
    assert len(cloud.ask("DescribeAccountAttributes")["AccountAttributeItems"]["AccountAttributeItem"]) > 5
