"""The API of CVM, version 2017-03-12: which actions there are, their parameters and rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.wire import cvm_create, cvm_describe, cvm_export, cvm_import, cvm_instances, cvm_manage
from imgmove.sandbox.wire.tencent_api import Action, Service, TencentApi
from imgmove.sandbox.wire.tencent_fetch import CosFetcher
from imgmove.sandbox.world import World

ACTIONS: Mapping[str, Action] = {
    "ExportImages": Action(cvm_export.export_images, cvm_export.PARAMETERS, per_second=20),
    "ImportImage": Action(cvm_import.import_image, cvm_import.PARAMETERS, per_second=10),
    "CreateImage": Action(cvm_create.create_image, cvm_create.PARAMETERS, per_second=10),
    "SyncImages": Action(cvm_manage.sync_images, cvm_manage.SYNC_PARAMETERS, per_second=10),
    "DeleteImages": Action(cvm_manage.delete_images, cvm_manage.DELETE_PARAMETERS, per_second=10),
    "ModifyImageAttribute": Action(cvm_manage.modify_image_attribute, cvm_manage.MODIFY_PARAMETERS, per_second=10),
    "DescribeImages": Action(cvm_describe.describe_images, cvm_describe.IMAGES_PARAMETERS, per_second=40),
    "DescribeImportImageOs": Action(cvm_import.describe_import_image_os, per_second=10),
    "DescribeImageQuota": Action(cvm_describe.describe_image_quota, per_second=10),
    "DescribeAccountQuota": Action(cvm_describe.describe_account_quota, cvm_describe.QUOTA_PARAMETERS, per_second=20),
    "DescribeInstances": Action(cvm_instances.describe_instances, cvm_instances.PARAMETERS, per_second=40),
    "DescribeRegions": Action(cvm_describe.describe_regions, per_second=20, needs_region=False),
    "DescribeZones": Action(cvm_describe.describe_zones, per_second=20),
    "DescribeTaskInfo": Action(cvm_describe.describe_task_info, cvm_describe.TASK_INFO_PARAMETERS, per_second=10),
}
"""Limits per second and account where the vendor gives them (tencent.md 3.1), likely ones elsewhere."""


class Cvm(TencentApi):
    """CVM's wire."""

    service: ClassVar[Service] = Service("cvm", "2017-03-12", ACTIONS, has_regions=True)

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(world, clock)
        world.tencent.fetch = CosFetcher(world, clock)
