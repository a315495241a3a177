"""The API of ECM, version 2019-07-19, which takes no region: which actions there are, parameters and rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.wire import ecm_create, ecm_describe, ecm_import, ecm_instances, ecm_manage
from imgmove.sandbox.wire.tencent_api import Action, Service, TencentApi
from imgmove.sandbox.wire.tencent_fetch import CosFetcher
from imgmove.sandbox.world import World

ACTIONS: Mapping[str, Action] = {
    "CreateImage": Action(ecm_create.create_image, ecm_create.PARAMETERS),
    "ImportImage": Action(ecm_import.import_image, ecm_import.IMAGE_PARAMETERS),
    "ImportCustomImage": Action(ecm_import.import_custom_image, ecm_import.CUSTOM_PARAMETERS),
    "DescribeImage": Action(ecm_describe.describe_image, ecm_describe.IMAGE_PARAMETERS),
    "DescribeImportImageOs": Action(ecm_describe.describe_import_image_os),
    "DescribeTaskStatus": Action(ecm_describe.describe_task_status, ecm_describe.TASK_PARAMETERS),
    "DescribeCustomImageTask": Action(ecm_describe.describe_custom_image_task, ecm_describe.CUSTOM_TASK_PARAMETERS),
    "DescribeTaskResult": Action(ecm_describe.describe_task_result, ecm_describe.RESULT_PARAMETERS),
    "DeleteImage": Action(ecm_manage.delete_image, ecm_manage.DELETE_PARAMETERS),
    "ModifyImageAttribute": Action(ecm_manage.modify_image_attribute, ecm_manage.MODIFY_PARAMETERS),
    "DescribeConfig": Action(ecm_describe.describe_config),
    "DescribeInstances": Action(ecm_instances.describe_instances, ecm_instances.PARAMETERS),
}
"""All image actions allow 20 calls a second (tencent.md 3.1)."""


class Ecm(TencentApi):
    """ECM's wire."""

    service: ClassVar[Service] = Service(
        "ecm", "2019-07-19", ACTIONS, denied_code="UnauthorizedOperation.ForbiddenOperation"
    )

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(world, clock)
        world.tencent.fetch = CosFetcher(world, clock)
