"""Windows: its registry is read from hives, its boot files from wherever they are; what cannot be read is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imgmove.images.guest.collect.registry import Hive, RegistryError
from imgmove.images.guest.facts import Windows
from imgmove.images.guest.layout import FileSystem
from imgmove.images.guest.rules import State
from tests.images.guest.hives import hive
from tests.images.guest.scenes import ESP, ESP_SYSTEM, GIB, SYSTEM, WINDOWS_LAYOUT, WINDOWS_ROOT, Scene, merged, windows
from tests.images.guest.trees import MemoryTree

SYSTEM_HIVE = "/Windows/System32/config/SYSTEM"
RESERVED = FileSystem("partition 2", "ntfs", GIB, "FEDCBA9876543210", partition=2)


def opened(data: bytes) -> Hive:
    return Hive(lambda offset, length: data[offset : offset + length])


def facts(scene: Scene) -> Windows:
    found = scene.gathered.windows
    assert found
    return found


def test_the_registry_tells_what_rules_ask() -> None:
    found = facts(windows())
    assert (found.product, found.version, found.build) == ("Windows Server 2019 Datacenter", "10.0", "17763")
    assert found.installation == "Server"
    assert {name: (item.start, item.has_file) for name, item in found.services.items()} == {
        "viostor": (0, True), "netkvm": (3, True), "stornvme": (0, True),
    }  # fmt: skip
    assert found.critical_devices == ("pci#ven_1af4&dev_1001",)
    assert found.pagefiles == (r"C:\pagefile.sys",)
    assert (found.remote_desktop, found.has_cloudbase_init, found.is_hibernated) == (True, True, False)
    assert windows().gathered.os
    assert windows().gathered.os.architecture == "x86_64"  # type: ignore[union-attr]


def test_the_current_control_set_counts() -> None:
    second = merged(SYSTEM["ControlSet001"], {"Services": {"viostor": {"Start": 4}}})
    found = facts(windows(system={"Select": {"Current": 2}, "ControlSet002": second}))
    assert found.services["viostor"].start == 4


def test_a_driver_without_its_file_is_not_ready() -> None:
    scene = windows("alibaba").files({"/Windows/System32/drivers/viostor.sys": None})
    (found,) = scene.findings("alibaba")
    assert (found.case, "its file is missing" in found.what) == ("storage-driver", True)


@pytest.mark.parametrize("content", [b"", b"regf", b"\0" * 5000, hive(SYSTEM)[:4096], None])
def test_a_hive_that_cannot_be_read_costs_windows_only(content: bytes | None) -> None:
    scene = windows().files({SYSTEM_HIVE: content})
    found = scene.gathered
    assert found.os
    assert (found.os.kind, found.windows) == ("windows", None)
    assert [item.area for item in found.not_looked] == ["windows"]
    states = {item.id: item for item in scene.judged("alibaba").rules}
    assert states["G12"].state is State.NOT_LOOKED
    assert states["G12"].note


def test_a_hive_is_read_by_names_without_case() -> None:
    found = opened(hive({"Select": {"Current": 3}, "A": {"text": "some", "list": ["a", "bc"], "number": 7}}))
    key = found.key("a")
    assert key
    assert (key.text("TEXT"), key.texts("list"), key.number("number")) == ("some", ("a", "bc"), 7)
    assert (key.text("number"), key.number("text"), key.texts("nothing")) == ("", None, ())
    assert found.key(r"A\B") is None
    with pytest.raises(RegistryError):
        opened(b"no hive")


def test_boot_files_may_lie_on_a_partition_of_their_own() -> None:
    layout = replace(WINDOWS_LAYOUT, file_systems=(RESERVED, WINDOWS_ROOT))
    apart = {"partition 2": MemoryTree({"/bootmgr": b"", "/Boot/BCD": b""}, ignores_case=True)}
    bare = replace(windows("alibaba").files({"/bootmgr": None, "/Boot": None}), layout=layout)
    assert facts(replace(bare, others=apart)).boot_configurations == ("bios",)
    assert replace(bare, others=apart).findings("alibaba", "G12") == []
    assert facts(bare).has_boot_manager is None
    state = next(item for item in bare.judged("alibaba").rules if item.id == "G12")
    assert state.state is State.NOT_LOOKED


def test_uefi_needs_its_own_store() -> None:
    layout = replace(WINDOWS_LAYOUT, table="gpt", partitions=(ESP, *WINDOWS_LAYOUT.partitions),
                     file_systems=(ESP_SYSTEM, WINDOWS_ROOT))  # fmt: skip
    loader = {"/EFI/Boot/bootx64.efi": b"", "/EFI/Microsoft/Boot/bootmgfw.efi": b""}
    store = {"/EFI/Microsoft/Boot/BCD": b""}
    scene = replace(windows("alibaba"), layout=layout, boot_mode="uefi")
    whole = replace(scene, others={"partition 15": MemoryTree({**loader, **store}, ignores_case=True)})
    assert whole.findings("alibaba") == []
    without = replace(scene, others={"partition 15": MemoryTree({**loader}, ignores_case=True)})
    assert [item.case for item in without.findings("alibaba")] == ["boot-files"]
    assert "uefi" not in facts(without).boot_configurations


def test_hibernation_is_seen_by_its_mark() -> None:
    assert facts(windows().files({"/hiberfil.sys": b"hibr\0\0"})).is_hibernated
    assert not facts(windows().files({"/hiberfil.sys": b"wake\0\0"})).is_hibernated
