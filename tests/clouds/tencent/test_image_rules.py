"""The rules of images and objects: each has a source, and what images show of themselves is what the rules ask for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from imgmove.clouds.tencent import cloud
from imgmove.clouds.tencent.cvm_images import CvmImage
from imgmove.core.abilities import ImageRules
from imgmove.core.requests import Operation

RULED = [(provider, operation) for provider, abilities in cloud.services.items() for operation in abilities.operations]
NAMES = {field.name for field in fields(ImageRules)} - {"doubtful", "sources"}


def rules_of(provider: str, operation: Operation) -> ImageRules:
    return cloud.services[provider].ability(operation).rules


@pytest.mark.parametrize(("provider", "operation"), RULED)
def test_every_rule_has_its_source(provider: str, operation: Operation) -> None:
    rules, unruled = rules_of(provider, operation), ImageRules()
    set_here = {name for name in NAMES if getattr(rules, name) != getattr(unruled, name)}
    assert set_here - {"bucket_region"} <= set(rules.sources)
    assert set(rules.sources) <= NAMES
    assert rules.doubtful <= set(rules.sources)
    assert all(rules.sources.values())


def test_what_cvm_exports() -> None:
    rules = rules_of("tencent", Operation.EXPORT)
    assert rules.owners == {"self"}
    assert (rules.max_disk_gib, rules.max_data_disks) == (500, 5)
    assert rules.refuses_encrypted
    assert rules.refuses_market_origin
    assert rules.bucket_region


@pytest.mark.parametrize(("platform", "os_name", "refused"), [
    ("Windows", "Windows Server 2022 64bit", True), ("RedHat", "Red Hat 8 64bit", True), ("Red Hat", "", True),
    ("", "RHEL 9", True), ("Debian", "Debian 12 64bit", False), ("TencentOS", "TencentOS Server 3", False),
])  # fmt: skip
def test_platforms_are_told_by_what_images_show(platform: str, os_name: str, refused: bool) -> None:
    image = CvmImage({"Platform": platform, "OsName": os_name}).as_image()
    shown = f"{image.details.get('platform', '')} {image.os}".lower()
    words = rules_of("tencent", Operation.EXPORT).refused_platforms
    assert any(word in shown for word in words) is refused


def test_what_is_imported() -> None:
    for provider in ("tencent", "ecm"):
        rules = rules_of(provider, Operation.IMPORT)
        assert rules.max_object_bytes == 50 << 30
        assert rules.doubtful == {"max_object_bytes"}
        assert rules.refuses_archived_objects
    assert not rules_of("ecm", Operation.IMPORT).bucket_region


@pytest.mark.parametrize(("snapshots", "encrypted"), [
    ([], None), ([{"DiskSize": 1}], None), ([{"Encrypt": False}], False), ([{"Encrypt": False}, {"Encrypt": True}], True),
])  # fmt: skip
def test_encryption_is_known_where_it_is_shown(snapshots: list[dict[str, Any]], encrypted: bool | None) -> None:
    assert CvmImage({"SnapshotSet": snapshots}).as_image().details.get("encrypted") is encrypted
