"""What ECS tells of the rest: regions, instances, snapshots, the account's quotas; and DeleteSnapshot."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.alibaba_errors import RpcError, missing
from imgmove.sandbox.wire.alibaba_parameters import flag, repeated, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.alibaba_time import to_minute, to_second
from imgmove.sandbox.wire.ecs_lists import (
    FILTERS,
    PAGES,
    TOKENS,
    created_within,
    has_tags,
    id_list,
    page_or_token,
    shown_tags,
)
from imgmove.sandbox.wire.ecs_rules import DRY_RUN, OWNERS, TAGS, Answer, end_dry_run, region_of
from imgmove.sandbox.world.alibaba_records import Instance, Snapshot
from imgmove.sandbox.world.alibaba_rules import REGIONS

INSTANCE_STATUSES = ("Pending", "Running", "Starting", "Stopping", "Stopped")
SNAPSHOT_STATUSES = ("progressing", "accomplished", "failed", "all")
LANGUAGES = ("zh-CN", "en-US", "ja")

EXPIRY_FILTER_KEYS = ("ExpiredStartTime", "ExpiredEndTime")
"""Filter keys about subscriptions, of which there are none here."""

FILTERS_THAT_NOTHING_MATCHES = (
    "VpcId",
    "VSwitchId",
    "SecurityGroupId",
    "KeyPairName",
    "HpcClusterId",
    "ResourceGroupId",
    "PrivateIpAddresses",
    "PublicIpAddresses",
    "InnerIpAddresses",
    "EipAddresses",
    "RdmaIpAddresses",
)
"""Filters of DescribeInstances for what no instance here has: networks, keys, groups."""

ATTRIBUTES = {
    "instance-network-type": ["vpc"],
    "max-security-groups": ["100"],
    "max-elastic-network-interfaces": ["5000"],
    "max-postpaid-instance-vcpu-count": ["1000"],
    "max-spot-instance-vcpu-count": ["1000"],
    "used-postpaid-instance-vcpu-count": ["0"],
    "used-spot-instance-vcpu-count": ["0"],
    "max-dedicated-hosts": ["2"],
    "real-name-authentication": ["yes"],
}
"""The sample of the vendor's page: nothing here depends on these quotas."""


def describe_regions(call: Call) -> Answer:
    """All regions. Names are in English whatever AcceptLanguage says."""
    if call.arguments.text("AcceptLanguage", "en-US") not in LANGUAGES:
        raise RpcError("InvalidAcceptLanguage.NotFound")
    shown = [
        {"RegionId": region, "LocalName": name, "RegionEndpoint": f"ecs.{region}.aliyuncs.com"}
        for region, name in REGIONS.items()
    ]
    return {"Regions": {"Region": shown}}


def describe_instances(call: Call) -> Answer:
    """The account's instances in a region, by ids, name, image, status or tags."""
    region, given = region_of(call), call.arguments
    ids, status = id_list(call, "InstanceIds", "InvalidInstanceIds.Malformed"), given.text("Status")
    if status not in ("", *INSTANCE_STATUSES):
        raise RpcError("InvalidStatus.NotFound")
    name, in_time = given.text("InstanceName").strip("*"), created_within(call, EXPIRY_FILTER_KEYS)
    end_dry_run(call)
    if any(filter_name in given for filter_name in (*FILTERS_THAT_NOTHING_MATCHES, "Ipv6Address")):
        return _instances_page(call, [])
    found = [
        instance
        for instance in call.world.alibaba.state.instances
        if (instance.owner, instance.region) == (call.account, region)
        and (ids is None or instance.instance_id in ids)
        and status in ("", instance.status)
        and name in instance.name
        and all(given.text(key) in ("", value) for key, value in _filtered(instance).items())
        and in_time(instance.created)
        and has_tags(call, instance.tags)
    ]
    return _instances_page(call, found)


def _instances_page(call: Call, found: list[Instance]) -> Answer:
    shown, told = page_or_token(call, found)
    return {**told, "Instances": {"Instance": [_show_instance(each) for each in shown]}}


def _filtered(instance: Instance) -> dict[str, str]:
    """What DescribeInstances compares word for word."""
    return {
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "InstanceTypeFamily": instance.instance_type.rpartition(".")[0],
        "InstanceChargeType": "PostPaid",
        "InstanceNetworkType": "vpc",
        "LockReason": "security" if instance.locked else "",
        "ZoneId": instance.zone or f"{instance.region}-b",
    }


def describe_snapshots(call: Call) -> Answer:
    """The account's snapshots in a region."""
    region, given = region_of(call), call.arguments
    ids, status = id_list(call, "SnapshotIds", "InvalidSnapshotIds.Malformed"), given.text("Status", "all")
    if status not in SNAPSHOT_STATUSES:
        raise RpcError("InvalidStatus.NotFound")
    usage, in_time = given.text("Usage"), created_within(call)
    if usage not in ("", "image", "disk", "image_disk", "none"):
        raise RpcError("InvalidUsage")
    end_dry_run(call)
    if any(name in given for name in ("SnapshotLinkId", "KMSKeyId", "ResourceGroupId")):
        return _snapshots_page(call, [])  # no snapshot here has any of these
    disks = _disks_of_instance(call) if "InstanceId" in given else None
    found = [
        snapshot
        for snapshot in reversed(call.world.alibaba.state.snapshots)
        if (snapshot.owner, snapshot.region) == (call.account, region)
        and (ids is None or snapshot.snapshot_id in ids)
        and status in ("all", snapshot.status)
        and given.text("SnapshotName") in ("", snapshot.name)
        and given.text("DiskId") in ("", snapshot.source_disk_id)
        and (disks is None or snapshot.source_disk_id in disks)
        and given.text("SourceDiskType") in ("", snapshot.kind)
        and given.text("SnapshotType") in ("", "all", "user")
        and given.text("Category") in ("", "standard")
        and given.flag("Encrypted", snapshot.encrypted) == snapshot.encrypted
        and usage in ("", _usage(call, snapshot))
        and in_time(snapshot.created)
        and has_tags(call, snapshot.tags)
    ]
    return _snapshots_page(call, found)


def _snapshots_page(call: Call, found: list[Snapshot]) -> Answer:
    shown, told = page_or_token(call, found)
    return {**told, "Snapshots": {"Snapshot": [_show_snapshot(call, each) for each in shown]}}


def _disks_of_instance(call: Call) -> set[str]:
    instance = call.world.alibaba.instance(call.region, call.arguments.text("InstanceId"))
    return set() if instance is None else {disk.disk_id for disk in instance.disks}


def delete_snapshot(call: Call) -> Answer:
    """Deletes a snapshot that no image stands on; Force does not change that."""
    snapshot = call.world.alibaba.snapshot(call.arguments.text("SnapshotId"))
    if snapshot is None or snapshot.owner != call.account:
        raise RpcError("InvalidSnapshotId.NotFound")
    if _usage(call, snapshot) == "image":
        raise RpcError("SnapshotCreatedImage")
    call.world.alibaba.remove_snapshot(snapshot)
    return {}


def describe_account_attributes(call: Call) -> Answer:
    """Quotas of the account: all of them, or those that AttributeName.N names."""
    if not call.region:
        raise missing("RegionId")
    region_of(call)
    wanted = call.arguments.texts("AttributeName") or list(ATTRIBUTES)
    items = [
        {
            "AttributeName": name,
            "AttributeValues": {"ValueItem": [{"Value": value} for value in ATTRIBUTES[name]]},
        }
        for name in wanted
        if name in ATTRIBUTES
    ]
    return {"AccountAttributeItems": {"AccountAttributeItem": items}}


def _show_instance(instance: Instance) -> dict[str, Any]:
    return {
        "InstanceId": instance.instance_id,
        "InstanceName": instance.name,
        "HostName": instance.name,
        "Description": "",
        "Status": instance.status,
        "RegionId": instance.region,
        "ZoneId": instance.zone or f"{instance.region}-b",
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "InstanceTypeFamily": instance.instance_type.rpartition(".")[0],
        "InstanceChargeType": "PostPaid",
        "InstanceNetworkType": "vpc",
        "IoOptimized": True,
        "OSType": instance.os_type,
        "OSName": instance.os_name,
        "OSNameEn": instance.os_name,
        "CreationTime": to_minute(instance.created),
        "DeviceAvailable": True,
        "Tags": shown_tags(instance.tags),
        "OperationLocks": {"LockReason": [{"LockReason": "security"}] if instance.locked else []},
        "PublicIpAddress": {"IpAddress": []},
        "InnerIpAddress": {"IpAddress": []},
    }


def _show_snapshot(call: Call, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "SnapshotId": snapshot.snapshot_id,
        "SnapshotName": snapshot.name,
        "Description": snapshot.description,
        "Status": snapshot.status,
        "Progress": "100%" if snapshot.status == "accomplished" else "0%",
        "Available": snapshot.status == "accomplished",
        "SnapshotType": "user",
        "Category": "standard",
        "SourceDiskId": snapshot.source_disk_id,
        "SourceDiskType": snapshot.kind,
        "SourceDiskSize": str(snapshot.size_gib),
        "SourceStorageType": "disk",
        "CreationTime": to_second(snapshot.created),
        "LastModifiedTime": to_second(snapshot.created),
        "Encrypted": snapshot.encrypted,
        "Usage": _usage(call, snapshot),
        "ProductCode": "",
        "ResourceGroupId": "",
        "Tags": shown_tags(snapshot.tags),
    }


def _usage(call: Call, snapshot: Snapshot) -> str:
    images = call.world.alibaba.state.images
    used = any(disk.snapshot_id == snapshot.snapshot_id for image in images for disk in image.disks)
    return "image" if used else "none"


INVENTORY_ACTIONS = {
    "DescribeRegions": Action(
        (*text("RegionId", "AcceptLanguage", "InstanceChargeType", "ResourceType"), *OWNERS), describe_regions
    ),
    "DescribeInstances": Action(
        (
            *text("RegionId", required=True),
            *text("InstanceIds", "InstanceName", "Status", "ImageId", "InstanceType", "InstanceTypeFamily", "ZoneId"),
            *text("InstanceChargeType", "InstanceNetworkType", "LockReason"),
            *text(*FILTERS_THAT_NOTHING_MATCHES),
            *repeated("Ipv6Address"),
            *FILTERS,
            *TOKENS,
            *TAGS,
            *PAGES,
            *DRY_RUN,
            *OWNERS,
        ),
        describe_instances,
    ),
    "DescribeSnapshots": Action(
        (
            *text("RegionId", required=True),
            *text("SnapshotIds", "SnapshotName", "Status", "DiskId", "InstanceId", "SourceDiskType", "Usage"),
            *text("SnapshotType", "Category", "SnapshotLinkId", "KMSKeyId", "ResourceGroupId"),
            *flag("Encrypted"),
            *TOKENS,
            *FILTERS,
            *TAGS,
            *PAGES,
            *DRY_RUN,
            *OWNERS,
        ),
        describe_snapshots,
    ),
    "DeleteSnapshot": Action(
        (*text("SnapshotId", required=True), *text("RegionId"), *flag("Force"), *OWNERS), delete_snapshot
    ),
    "DescribeAccountAttributes": Action(
        (*text("RegionId", "ZoneId"), *repeated("AttributeName"), *OWNERS), describe_account_attributes
    ),
}
