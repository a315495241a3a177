"""CVM's DescribeInstances."""

from __future__ import annotations

import re
import uuid
from typing import Any

from imgmove.sandbox.wire.cvm_describe import MAX_IDS, iso_time
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_filters import Filter, Filtering, page
from imgmove.sandbox.wire.tencent_parameters import FILTERS, STRINGS, Scalar, Struct
from imgmove.sandbox.world.tencent_records import Disk, Instance

PARAMETERS = Struct.of(InstanceIds=STRINGS, Filters=FILTERS, Offset=Scalar.INTEGER, Limit=Scalar.INTEGER)

_INSTANCE_ID = re.compile(r"ins-[0-9a-z]{8,}")

SAME_FOR_ALL: dict[str, Any] = {
    "CPU": 1,
    "Memory": 1,
    "RestrictState": "NORMAL",
    "InstanceChargeType": "POSTPAID_BY_HOUR",
    "InternetAccessible": {"InternetChargeType": "TRAFFIC_POSTPAID_BY_HOUR", "InternetMaxBandwidthOut": 0},
    "RenewFlag": "",
    "SecurityGroupIds": ["sg-sandbox1"],
    "LoginSettings": {},
    "DisasterRecoverGroupId": "",
    "DisasterRecoverGroupIds": [],
    "IPv6Addresses": None,
    "CamRoleName": "",
    "HpcClusterId": "",
    "RdmaIpAddresses": [],
    "DedicatedClusterId": "",
    "IsolatedSource": "NOTISOLATED",
    "LicenseType": "TencentCloud",
    "DisableApiTermination": False,
    "DefaultLoginUser": "root",
    "DefaultLoginPort": 22,
    "LatestOperationRequestId": None,
    "LatestOperationErrorMsg": None,
}
"""What does not matter for images, as a small machine has it."""

INSTANCE_FILTERS: Filtering[Instance] = Filtering(
    {
        "zone": Filter(lambda instance: [instance.zone]),
        "project-id": Filter(lambda _: ["0"]),
        "instance-id": Filter(lambda instance: [instance.instance_id]),
        "instance-name": Filter(lambda instance: [instance.name]),
        "instance-state": Filter(lambda instance: [instance.state]),
        "instance-charge-type": Filter(lambda _: ["POSTPAID_BY_HOUR"]),
        "instance-type": Filter(lambda instance: [instance.instance_type]),
        "image-id": Filter(lambda instance: [instance.image_id]),
        "private-ip-address": Filter(lambda instance: [instance.private_ip]),
        "public-ip-address": Filter(lambda instance: [instance.public_ip] if instance.public_ip else []),
        "vpc-id": Filter(lambda _: ["vpc-sandbox1"]),
        "subnet-id": Filter(lambda _: ["subnet-sandbox1"]),
        "tag-key": Filter(lambda instance: instance.tags.keys()),
        "tag-value": Filter(lambda instance: instance.tags.values()),
    },
    unknown_code="InvalidFilter",
    limit_code="InvalidFilterValue.LimitExceeded",
    tags=lambda instance: instance.tags,
)


def describe_instances(call: Call) -> dict[str, Any]:
    """The account's instances in the region."""
    instance_ids: list[str] = call.get("InstanceIds", [])
    if instance_ids and call.get("Filters"):
        raise ApiError("InvalidParameter", "`InstanceIds` and `Filters` cannot be specified at the same time.")
    if len(instance_ids) > MAX_IDS:
        raise ApiError("InvalidParameterValue.LimitExceeded")
    if not all(_INSTANCE_ID.fullmatch(instance_id) for instance_id in instance_ids):
        raise ApiError("InvalidInstanceId.Malformed")
    wanted = ("cvm", call.account.account_id, call.region)
    found = [i for i in call.world.tencent.state.instances if (i.service, i.account_id, i.region) == wanted]
    if not set(instance_ids) <= {instance.instance_id for instance in found}:
        raise ApiError("InvalidInstanceId.NotFound")
    found = [i for i in found if not instance_ids or i.instance_id in instance_ids]
    found = INSTANCE_FILTERS.apply(found, call.get("Filters", []))
    shown = page(found, call.parameters, "InvalidParameterValueLimit")
    return {"TotalCount": len(found), "InstanceSet": [_render_instance(instance) for instance in shown]}


def _render_instance(instance: Instance) -> dict[str, Any]:
    return {
        **SAME_FOR_ALL,
        "Placement": {"Zone": instance.zone, "ProjectId": 0},
        "InstanceId": instance.instance_id,
        "InstanceType": instance.instance_type,
        "InstanceName": instance.name,
        "HostName": instance.name,
        "SystemDisk": _render_disk(instance.system_disk),
        "DataDisks": [
            {**_render_disk(disk), "DeleteWithInstance": True}
            for disk in instance.disks
            if disk is not instance.system_disk
        ],
        "PrivateIpAddresses": [instance.private_ip],
        "PublicIpAddresses": [instance.public_ip] if instance.public_ip else None,
        "VirtualPrivateCloud": {
            "VpcId": "vpc-sandbox1",
            "SubnetId": "subnet-sandbox1",
            "AsVpcGateway": False,
            "PrivateIpAddresses": [instance.private_ip],
        },
        "ImageId": instance.image_id,
        "CreatedTime": iso_time(instance.created),
        "ExpiredTime": "",
        "OsName": instance.os_name,
        "InstanceState": instance.state,
        "Tags": [{"Key": key, "Value": value} for key, value in instance.tags.items()],
        "StopChargingMode": "KEEP_CHARGING" if instance.state == "STOPPED" else "NOT_APPLICABLE",
        "Uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, instance.instance_id)),
        "LatestOperation": instance.latest_operation or None,
        "LatestOperationState": "SUCCESS" if instance.latest_operation else None,
    }


def _render_disk(disk: Disk) -> dict[str, Any]:
    return {
        "DiskType": "LOCAL_BASIC" if disk.local else "CLOUD_PREMIUM",
        "DiskId": disk.disk_id,
        "DiskSize": disk.size_gib,
        "Encrypt": disk.encrypted,
        "KmsKeyId": "",
    }
