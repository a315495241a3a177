"""`imgmove check` on real images, files and objects: its document, its report and its exit code."""

from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.images.real import recipes
from tests.images.real.broken.breaking import Broken, large
from tests.images.real.broken.disks import DISKS
from tests.images.real.broken.living import LIVING
from tests.images.real.broken.starting import STARTING
from tests.images.real.disks.containers import CONTAINERS, format_name
from tests.images.real.test_remote import TARGETS, put
from tests.images.real.workshop import Workshop

BROKEN = {**STARTING, **LIVING, **DISKS}


def image_of(workshop: Workshop, tmp_path: Path, container: str, item: Broken | None = None) -> Path:
    """An image under a name that says its format."""
    disk = item.disk() if item else recipes.debian_disk()
    path = tmp_path / f"web.{format_name(container)}"
    path.symlink_to(workshop.disk(disk, container))
    return path


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_sound_file_in_every_container(bare_cli: Cli, workshop: Workshop, tmp_path: Path, container: str) -> None:
    done = bare_cli("check", image_of(workshop, tmp_path, container), "--for", "tencent", "-o", "json")

    assert done.code == 0, done.err
    document = done.json
    assert document["error"] is None
    assert document["verdict"] == "ok"
    assert document["findings"] == []
    assert document["image"]["format"] == format_name(container)
    assert document["image"]["file_systems"][0]["kind"] == "ext4"
    assert document["guest"]["os"] == "Debian GNU/Linux 12 (bookworm)"
    assert {rule["state"] for rule in document["rules"]} == {"kept", "not-applicable"}


@pytest.mark.parametrize("store", TARGETS)
@pytest.mark.parametrize("container", ["qcow2-compressed", "vhd", "vmdk-stream", "raw.tar.gz-gnu-sparse"])
def test_an_object_in_every_format(
    cli: Cli, sandbox: Sandbox, workshop: Workshop, tmp_path: Path, store: str, container: str
) -> None:
    """Read through the store, it says what the file says."""
    image = image_of(workshop, tmp_path, container, BROKEN["data-disk"])
    where = put(sandbox, store, image.name, image.resolve())
    done = cli("check", where, "--for", TARGETS[store], "-o", "json")
    local = cli("check", image, "--for", TARGETS[store], "-o", "json")

    assert done.code == local.code == 4, done.err
    assert done.json["findings"] == local.json["findings"]
    assert "G13" in {finding["id"] for finding in done.json["findings"]}
    assert done.json["image"] == local.json["image"]
    assert 0 < done.json["read"]["requests"] <= 60


@pytest.mark.parametrize("name", ["names-in-fstab", "initramfs-without-virtio", "static-address", "windows-neglected"])
def test_the_report_says_where_and_what_to_do(bare_cli: Cli, workshop: Workshop, name: str) -> None:
    item = BROKEN[name]
    done = bare_cli("check", item.image(workshop), "--for", "alibaba")

    assert done.code == 4
    assert "\x1b" not in done.out + done.err
    shown = " ".join(done.out.split())
    for found, severity in item.expected("alibaba").items():
        rule, case = found.split("/")
        assert f"[{rule}, {case}" in shown or severity == "info", found
    document = bare_cli("check", item.image(workshop), "--for", "alibaba", "-o", "json").json
    for finding in document["findings"]:
        if finding["severity"] == "block":
            assert finding["fix"][:40] in shown


def test_a_boot_mode_is_asked_for(bare_cli: Cli, workshop: Workshop) -> None:
    image = workshop.disk(large(recipes.uefi_disk()))
    by_bios = bare_cli("check", image, "--for", "alibaba", "--boot-mode", "bios", "-o", "json")
    by_uefi = bare_cli("check", image, "--for", "alibaba", "--boot-mode", "uefi", "-o", "json")

    assert (by_bios.code, by_uefi.code) == (4, 0)
    assert [finding["case"] for finding in by_bios.json["findings"]] == ["needs-uefi"]
    assert by_uefi.json["findings"] == []
