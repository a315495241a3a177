"""The API of CAM, version 2019-01-16: roles, policies, and which policy is attached to which role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from imgmove.sandbox.wire import cam_attachments, cam_policies, cam_roles
from imgmove.sandbox.wire.tencent_api import Action, Service, TencentApi

ACTIONS: Mapping[str, Action] = {
    "GetRole": Action(cam_roles.get_role, cam_roles.ONE_ROLE),
    "CreateRole": Action(cam_roles.create_role, cam_roles.CREATE_PARAMETERS),
    "UpdateAssumeRolePolicy": Action(cam_roles.update_assume_role_policy, cam_roles.TRUST_PARAMETERS),
    "UpdateRoleDescription": Action(cam_roles.update_role_description, cam_roles.DESCRIPTION_PARAMETERS),
    "DeleteRole": Action(cam_roles.delete_role, cam_roles.ONE_ROLE),
    "DescribeRoleList": Action(cam_roles.describe_role_list, cam_roles.LIST_PARAMETERS),
    "AttachRolePolicy": Action(cam_attachments.attach_role_policy, cam_attachments.ATTACH_PARAMETERS),
    "DetachRolePolicy": Action(cam_attachments.detach_role_policy, cam_attachments.DETACH_PARAMETERS),
    "ListAttachedRolePolicies": Action(
        cam_attachments.list_attached_role_policies, cam_attachments.ATTACHED_PARAMETERS
    ),
    "CreatePolicy": Action(cam_policies.create_policy, cam_policies.CREATE_PARAMETERS),
    "UpdatePolicy": Action(cam_policies.update_policy, cam_policies.UPDATE_PARAMETERS),
    "DeletePolicy": Action(cam_policies.delete_policy, cam_policies.DELETE_PARAMETERS),
    "ListPolicyVersions": Action(cam_policies.list_policy_versions, cam_policies.GET_PARAMETERS),
    "GetPolicyVersion": Action(cam_policies.get_policy_version, cam_policies.VERSION_PARAMETERS),
    "ListEntitiesForPolicy": Action(cam_attachments.list_entities_for_policy, cam_attachments.ENTITIES_PARAMETERS),
    "GetPolicy": Action(cam_policies.get_policy, cam_policies.GET_PARAMETERS),
    "ListPolicies": Action(cam_policies.list_policies, cam_policies.LIST_PARAMETERS),
    "GetUserAppId": Action(cam_roles.get_user_app_id),
}


class Cam(TencentApi):
    """CAM's wire. Its examples send numbers as text, so it takes them."""

    service: ClassVar[Service] = Service("cam", "2019-01-16", ACTIONS, numbers_as_text=True)
