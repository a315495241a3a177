"""The API of CAM, version 2019-01-16: roles, policies, and which policy is attached to which role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from imgmove.sandbox.wire import cam_policies, cam_roles
from imgmove.sandbox.wire.tencent_api import Action, Service, TencentApi

ACTIONS: Mapping[str, Action] = {
    "GetRole": Action(cam_roles.get_role, cam_roles.ONE_ROLE),
    "CreateRole": Action(cam_roles.create_role, cam_roles.CREATE_PARAMETERS),
    "DeleteRole": Action(cam_roles.delete_role, cam_roles.ONE_ROLE),
    "DescribeRoleList": Action(cam_roles.describe_role_list, cam_roles.LIST_PARAMETERS),
    "AttachRolePolicy": Action(cam_policies.attach_role_policy, cam_policies.ATTACH_PARAMETERS),
    "DetachRolePolicy": Action(cam_policies.detach_role_policy, cam_policies.DETACH_PARAMETERS),
    "ListAttachedRolePolicies": Action(cam_policies.list_attached_role_policies, cam_policies.ATTACHED_PARAMETERS),
    "CreatePolicy": Action(cam_policies.create_policy, cam_policies.CREATE_PARAMETERS),
    "GetPolicy": Action(cam_policies.get_policy, cam_policies.GET_PARAMETERS),
    "ListPolicies": Action(cam_policies.list_policies, cam_policies.LIST_PARAMETERS),
    "GetUserAppId": Action(cam_roles.get_user_app_id),
}


class Cam(TencentApi):
    """CAM's wire. Its examples send numbers as text, so it takes them."""

    service: ClassVar[Service] = Service("cam", "2019-01-16", ACTIONS, numbers_as_text=True)
