"""ECM's DescribeInstances."""

from __future__ import annotations

import uuid
from typing import Any

from imgmove.sandbox.wire.ecm_describe import (
    TOO_MANY_FILTERS,
    UNKNOWN_FILTER,
    WRONG_PAGE,
    ecm_time,
    region_id,
    render_image,
)
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_filters import Filter, Filtering, page
from imgmove.sandbox.wire.tencent_parameters import FILTERS, Scalar, Struct
from imgmove.sandbox.world.tencent_records import Image, Instance
from imgmove.sandbox.world.tencent_rules import ECM_REGIONS

PARAMETERS = Struct.of(
    Filters=FILTERS,
    Offset=Scalar.INTEGER,
    Limit=Scalar.INTEGER,
    OrderByField=Scalar.STRING,
    OrderDirection=Scalar.INTEGER,
)

SAME_FOR_ALL: dict[str, Any] = {
    "SimpleModule": {"ModuleId": "em-sandbox1", "ModuleName": "sandbox"},
    "InstanceTypeConfig": {
        "InstanceFamilyConfig": {"InstanceFamilyName": "Standard S5", "InstanceFamily": "S5"},
        "InstanceFamilyTypeConfig": {"InstanceFamilyType": "S", "InstanceFamilyTypeName": "Standard"},
        "InstanceType": "S5.SMALL1",
        "Vcpu": 1,
        "Memory": 1,
        "Frequency": "2.5 GHz",
        "CpuModelName": "Sandbox",
        "ExtInfo": None,
        "Vgpu": None,
        "GpuModelName": None,
    },
    "RestrictState": "NORMAL",
    "DataDiskSize": 0,
    "DataDisks": None,
    "PayMode": 0,
    "ExpireTime": None,
    "IsolatedTime": None,
    "RenewFlag": 0,
    "ExpireState": "NORMAL",
    "NewFlag": 0,
    "SecurityGroupIds": ["esg-sandbox1"],
    "ISP": "CTCC",
    "PhysicalPosition": None,
}
"""What does not matter for images, as a small machine has it."""

PLACE: dict[str, Any] = {
    "Country": {"CountryId": "china", "CountryName": "China"},
    "Area": {"AreaId": "china-east", "AreaName": "East China"},
    "Province": {"ProvinceId": "china-east-zhejiang", "ProvinceName": "Zhejiang"},
    "City": {"CityId": "china-east-zhejiang-hangzhou", "CityName": "Hangzhou"},
    "Ipv6Supported": False,
}

INSTANCE_FILTERS: Filtering[Instance] = Filtering(
    {
        "zone": Filter(lambda instance: [instance.zone]),
        "instance-id": Filter(lambda instance: [instance.instance_id]),
        "instance-name": Filter(lambda instance: [instance.name], fuzzy=True),
        "instance-state": Filter(lambda instance: [instance.state]),
        "ip-address": Filter(lambda instance: [instance.private_ip, instance.public_ip]),
        "image-id": Filter(lambda instance: [instance.image_id]),
        "module-id": Filter(lambda _: ["em-sandbox1"]),
        "module-name": Filter(lambda _: ["sandbox"], fuzzy=True),
        "vpc-id": Filter(lambda _: ["vpc-sandbox1"]),
        "subnet-id": Filter(lambda _: ["subnet-sandbox1"]),
        "tag-key": Filter(lambda instance: instance.tags.keys()),
    },
    unknown_code=UNKNOWN_FILTER,
    limit_code=TOO_MANY_FILTERS,
    tags=lambda instance: instance.tags,
)


def describe_instances(call: Call) -> dict[str, Any]:
    """The account's instances, newest first unless OrderDirection is 1."""
    if call.get("OrderByField", "timestamp") != "timestamp":
        raise ApiError("InvalidParameterValue.InvalidOrderByField", "Only `timestamp` is supported.")
    owner = ("ecm", call.account.account_id)
    found = [i for i in call.world.tencent.state.instances if (i.service, i.account_id) == owner]
    found.sort(key=lambda instance: instance.created, reverse=call.get("OrderDirection", 0) != 1)
    found = INSTANCE_FILTERS.apply(found, call.get("Filters", []))
    shown = [_render_instance(call, instance) for instance in page(found, call.parameters, WRONG_PAGE)]
    return {"TotalCount": len(found), "InstanceSet": shown or None}


def _render_instance(call: Call, instance: Instance) -> dict[str, Any]:
    disk = instance.system_disk
    region, zone = instance.region, instance.zone
    return {
        **SAME_FOR_ALL,
        "InstanceId": instance.instance_id,
        "InstanceName": instance.name,
        "InstanceState": instance.state,
        "Image": render_image(call, _image_of(call, instance)),
        "Position": {
            **PLACE,
            "ZoneInfo": {"ZoneId": region_id(region), "Zone": zone, "ZoneName": zone},
            "RegionInfo": {"Region": region, "RegionName": ECM_REGIONS.get(region, ""), "RegionId": region_id(region)},
        },
        "Internet": {
            "PrivateIPAddressSet": [{"PrivateIPAddress": instance.private_ip}],
            "PublicIPAddressSet": None,
            "InstanceNetworkInfoSet": None,
        },
        "CreateTime": ecm_time(instance.created),
        "TagSet": [{"Key": key, "Value": value} for key, value in instance.tags.items()] or None,
        "LatestOperation": instance.latest_operation,
        "LatestOperationState": "SUCCESS" if instance.latest_operation else "",
        "SystemDiskSize": disk.size_gib,
        "SystemDisk": {
            "DiskType": "LOCAL_BASIC",
            "DiskId": disk.disk_id,
            "DiskSize": disk.size_gib,
            "DeleteWithInstance": True,
            "SnapshotId": None,
        },
        "UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, instance.instance_id)),
        "VirtualPrivateCloud": {
            "VpcId": "vpc-sandbox1",
            "SubnetId": "subnet-sandbox1",
            "AsVpcGateway": False,
            "PrivateIpAddresses": [instance.private_ip],
            "Ipv6AddressCount": 0,
        },
    }


def _image_of(call: Call, instance: Instance) -> Image:
    """The image that the machine was made of, or what is known of one that is gone."""
    found = call.world.tencent.image("ecm", "", instance.image_id)
    return found or Image(
        instance.image_id,
        instance.account_id,
        "",
        "",
        service="ecm",
        os_name=instance.os_name,
        platform=instance.platform,
        architecture=instance.architecture,
    )
