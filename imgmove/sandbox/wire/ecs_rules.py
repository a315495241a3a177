"""Checks that several ECS calls share: regions, names, tags, platforms, quotas, dry runs and client tokens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_parameters import Arguments, Parameter, flag, number, repeated, text
from imgmove.sandbox.wire.alibaba_rpc import Call
from imgmove.sandbox.world.alibaba_records import Image, TokenUse
from imgmove.sandbox.world.alibaba_rules import (
    ARCHITECTURES,
    ARM64_EXCLUDES,
    BOOT_MODES,
    LINUX_PLATFORMS,
    REGIONS,
    WINDOWS_PLATFORMS,
)

Answer = dict[str, Any]

OWNERS = (*text("OwnerAccount", "ResourceOwnerAccount"), *number("OwnerId", "ResourceOwnerId"))
"""Legacy parameters that every call takes and nobody needs (alibaba.md 2)."""
TAGS = repeated("Tag", *text("Key", "Value"))
DRY_RUN = flag("DryRun")
CLIENT_TOKEN = text("ClientToken")

NOT_PART_OF_THE_REQUEST = ("ClientToken", "DryRun", *(parameter.name for parameter in OWNERS))
MAX_TOKEN_LETTERS = 64
MAX_TAGS = 20


def region_of(call: Call, status: int = 404) -> str:
    """The call's region. Raises RpcError for one that there is not; pages differ in the status they give."""
    if call.region not in REGIONS:
        raise RpcError("InvalidRegionId.NotFound", status=status)
    return call.region


def visible(call: Call, image: Image) -> bool:
    """Whether the caller may see and use an image: its own, shared or public."""
    named = (call.account, "system", "marketplace")
    return image.owner in named or image.community or call.account in image.shared_with


def own_image(call: Call, region: str, image_id: str) -> Image:
    """An image of the caller's own. Raises RpcError InvalidImageId.NotFound."""
    image = call.world.alibaba.image(region, image_id)
    if image is None or image.owner != call.account:
        raise RpcError("InvalidImageId.NotFound")
    return image


def check_image_name(call: Call, region: str, name: str) -> None:
    """Refuses a name that breaks the rules of alibaba.md 2.2, or that the account has in the region already."""
    if not _is_name(name):
        raise RpcError("InvalidImageName.Malformed")
    if any(image.name == name for image in owned_images(call, region)):
        raise RpcError("InvalidImageName.Duplicated")


def check_family(name: str) -> None:
    """Refuses an ImageFamily that breaks the rules; "" is none."""
    if name and not _is_name(name):
        raise RpcError("InvalidImageFamily.Malformed")


def check_description(description: str) -> None:
    """2 to 256 characters that do not start with http:// or https://; "" is none."""
    if description and (not 2 <= len(description) <= 256 or description.lower().startswith(("http://", "https://"))):
        raise RpcError("InvalidDescription.Malformed")


def read_tags(call: Call) -> dict[str, str]:
    """The tags of a call. Raises RpcError for malformed, repeated or too many ones."""
    sent = [(tag.text("Key"), tag.text("Value")) for tag in call.arguments.each("Tag")]
    if len(sent) > MAX_TAGS:
        raise RpcError("InvalidTagCount")
    for key, value in sent:
        if not 1 <= len(key) <= 128 or key.lower().startswith(("aliyun", "acs:")) or _has_link(key):
            raise RpcError("InvalidTagKey.Malformed")
        if len(value) > 128 or value.lower().startswith("acs:") or _has_link(value):
            raise RpcError("InvalidTagValue.Malformed")
    if len({key for key, _ in sent}) < len(sent):
        raise RpcError("TagKey.Duplication")
    return dict(sent)


def read_architecture(call: Call, default: str = "x86_64") -> str:
    """The Architecture of a call."""
    architecture = call.arguments.text("Architecture", default)
    if architecture not in ARCHITECTURES:
        raise RpcError("InvalidArchitecture.Malformed")
    return architecture


def read_platform(call: Call, os_type: str, architecture: str, default: str = "") -> str:
    """The Platform of a call, one that goes with the OS type and the architecture."""
    platform = call.arguments.text("Platform", default)
    if not platform:
        platform = "Others Linux" if os_type == "linux" else "Other Windows"
    known = LINUX_PLATFORMS if os_type == "linux" else WINDOWS_PLATFORMS
    if platform not in known:
        raise RpcError("InvalidPlatform.Malformed")
    if architecture == "arm64" and platform in ARM64_EXCLUDES:
        raise RpcError("InvalidArchitecture.PlatformUnsupported")
    return platform


def read_boot_mode(call: Call, architecture: str, modes: tuple[str, ...] = BOOT_MODES) -> str:
    """The BootMode of a call: arm64 starts by UEFI and nothing else (alibaba.md 2.2)."""
    boot_mode = call.arguments.text("BootMode", "UEFI" if architecture == "arm64" else "BIOS")
    if boot_mode not in modes:
        raise RpcError("InvalidBootMode.Malformed")
    if architecture == "arm64" and boot_mode != "UEFI":
        raise RpcError("InvalidBootMode.NotSupport")
    return boot_mode


def check_detection(strategy: str, os_type: str) -> None:
    """DetectionStrategy is Standard or absent, and there is none for Windows."""
    if strategy not in ("", "Standard"):
        raise RpcError("InvalidParameter.DetectionStrategy")
    if strategy and os_type == "windows":
        raise RpcError("ImageCheckUnsupported.WindowsImage")


def check_features(features: Arguments) -> None:
    """Features.NvmeSupport and Features.ImdsSupport have two values each."""
    if features.text("NvmeSupport", "unsupported") not in ("supported", "unsupported"):
        raise RpcError("InvalidParameter.FeaturesNvmeSupport")
    if features.text("ImdsSupport", "v1") not in ("v1", "v2"):
        raise RpcError("InvalidParameter.FeaturesImdsSupport")


def check_resource_group(call: Call) -> str:
    """The ResourceGroupId of a call, one that there is."""
    group = call.arguments.text("ResourceGroupId")
    if group and group not in call.world.alibaba.state.resource_groups:
        raise RpcError("InvalidResourceGroup.NotFound")
    return group


def check_account(call: Call) -> None:
    """Refuses whatever makes something while the account has a problem that `Settings` names."""
    problem = call.world.alibaba.settings.account_problem
    if problem:
        raise RpcError(problem)


def check_image_quota(call: Call, region: str) -> None:
    """Refuses one more image than the account may have in a region."""
    if len(owned_images(call, region)) >= call.world.alibaba.settings.max_images:
        raise RpcError("QuotaExceed.Image")


def check_snapshot_quota(call: Call, region: str, more: int) -> None:
    """Refuses more snapshots than the account may have in a region."""
    owned = [s for s in call.world.alibaba.state.snapshots if (s.owner, s.region) == (call.account, region)]
    if len(owned) + more > call.world.alibaba.settings.max_snapshots:
        raise RpcError("QuotaExceed.Snapshot")


def owned_images(call: Call, region: str) -> list[Image]:
    """The caller's own images in a region, those that failed or are being made among them."""
    return [image for image in call.world.alibaba.images(region) if image.owner == call.account]


def end_dry_run(call: Call) -> None:
    """Ends a dry run when all checks are passed: the vendor answers with an error (alibaba.md 2.7)."""
    if call.arguments.flag("DryRun"):
        raise RpcError(call.world.alibaba.settings.dry_run_code)


def once(call: Call, make: Callable[[], Answer]) -> Answer:
    """Runs `make`, or gives its first answer again when this ClientToken has been used for the same request.

    Only what succeeded is remembered. Raises RpcError IdempotentParameterMismatch for other parameters, and
    InvalidClientToken.Malformed (alibaba.md 2.7).
    """
    token = call.arguments.text("ClientToken")
    if not token:
        return make()
    if len(token) > MAX_TOKEN_LETTERS or not token.isascii() or not token.isprintable():
        raise RpcError("InvalidClientToken.Malformed")
    used = call.world.alibaba.state.tokens
    place, fingerprint = f"{call.account}/{call.region}/{call.action}/{token}", _fingerprint(call.arguments)
    first = used.get(place)
    if first is None:
        answer = make()
        used[place] = TokenUse(fingerprint, json.dumps(answer))
        call.world.changed()
        return answer
    if first.fingerprint != fingerprint:
        raise RpcError("IdempotentParameterMismatch")
    end_dry_run(call)
    remembered: Answer = json.loads(first.answer)
    return remembered


def _fingerprint(arguments: Arguments) -> str:
    meant = {name: value for name, value in arguments.values().items() if name not in NOT_PART_OF_THE_REQUEST}
    return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()


def _is_name(name: str) -> bool:
    return (
        2 <= len(name) <= 128
        and name[0].isalpha()
        and not name.lower().startswith(("aliyun", "acs:"))
        and not _has_link(name)
        and all(letter.isalnum() or letter in ".:_-" for letter in name)
    )


def _has_link(value: str) -> bool:
    return "http://" in value.lower() or "https://" in value.lower()


def disk_mapping(*fields: Parameter) -> tuple[Parameter, ...]:
    """The DiskDeviceMapping list of a call."""
    return repeated("DiskDeviceMapping", *fields)
