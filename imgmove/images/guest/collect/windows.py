"""A Windows guest: drivers in its registry, what it boots from, what state its set-up is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imgmove.images.guest.collect.boot import find_esp
from imgmove.images.guest.collect.registry import Hive, hive_in
from imgmove.images.guest.collect.text_files import exists, first_existing
from imgmove.images.guest.facts import Windows, WindowsService, bounded
from imgmove.images.guest.files import FileTree, FileTreeError
from imgmove.images.guest.layout import DiskLayout

_HIVES: Final = "/Windows/System32/config"
DRIVERS: Final = ("viostor", "vioscsi", "netkvm", "stornvme")
_VIRTIO_DISKS: Final = ("ven_1af4&dev_1001", "ven_1af4&dev_1042", "ven_1af4&dev_1004")
_CLOUDBASE: Final = ("/Program Files/Cloudbase Solutions/Cloudbase-Init", "/Program Files (x86)/Cloudbase Solutions",
                     "/Program Files/QCloud/Cloudbase-Init")  # fmt: skip
#: The first bytes of a hibernation file that waits to be taken up; afterwards they are others, or zeros.
_HIBERNATED: Final = b"hibr"
_STATE_KEY: Final = r"Microsoft\Windows\CurrentVersion\Setup\State"
_VERSION_KEY: Final = r"Microsoft\Windows NT\CurrentVersion"


def collect_windows(layout: DiskLayout, tree: FileTree, others: Mapping[str, FileTree]) -> Windows:
    """What the registry and the boot files say. Raises RegistryError where a hive cannot be read."""
    system, software = hive_in(tree, f"{_HIVES}/SYSTEM"), hive_in(tree, f"{_HIVES}/SOFTWARE")
    control = f"ControlSet{_current(system):03d}"
    version = software.key(_VERSION_KEY)
    state = software.key(_STATE_KEY)
    return Windows(
        product=version.text("ProductName") if version else "",
        version=_nt_version(software),
        build=(version.text("CurrentBuildNumber") or version.text("CurrentBuild")) if version else "",
        installation=version.text("InstallationType") if version else "",
        services=_services(system, control, tree),
        critical_devices=_critical_devices(system, control),
        setup_state=state.text("ImageState") if state else "",
        pagefiles=_pagefiles(system, control),
        boot_configurations=_boot_configurations(layout, tree, others),
        has_boot_manager=_has_boot_manager(layout, tree, others),
        is_hibernated=(tree.read("/hiberfil.sys", 16) or b"")[:4].lower() == _HIBERNATED,
        has_cloudbase_init=bool(first_existing(tree, _CLOUDBASE)),
        remote_desktop=_remote_desktop(system, control),
    )


def _current(system: Hive) -> int:
    """The number of the control set that the next start uses."""
    select = system.key("Select")
    return ((select.number("Current") if select else None) or 1) % 1000


def _nt_version(software: Hive) -> str:
    key = software.key(_VERSION_KEY)
    if key is None:
        return ""
    major, minor = key.number("CurrentMajorVersionNumber"), key.number("CurrentMinorVersionNumber")
    return f"{major}.{minor or 0}" if major is not None else key.text("CurrentVersion")


def _services(system: Hive, control: str, tree: FileTree) -> dict[str, WindowsService]:
    found = {}
    for name in DRIVERS:
        key = system.key(rf"{control}\Services\{name}")
        if key:
            found[name] = WindowsService(name, key.number("Start"), _has_driver_file(tree, name, key.text("ImagePath")))
    return found


def _has_driver_file(tree: FileTree, name: str, image_path: str) -> bool:
    """Below the Windows folder, as the service says, or where drivers usually are."""
    said = image_path.lower().replace("\\", "/").lstrip("/").removeprefix("systemroot/").removeprefix("??/c:/windows/")
    paths = (f"/Windows/{said}",) if said and ".." not in said else ()
    return any(exists(tree, path) for path in (*paths, f"/Windows/System32/drivers/{name}.sys"))


def _critical_devices(system: Hive, control: str) -> tuple[str, ...]:
    key = system.key(rf"{control}\Control\CriticalDeviceDatabase")
    names = key.subkey_names() if key else ()
    return tuple(name for name in names if any(device in name.lower() for device in _VIRTIO_DISKS))[:16]


def _pagefiles(system: Hive, control: str) -> tuple[str, ...]:
    key = system.key(rf"{control}\Control\Session Manager\Memory Management")
    return tuple(bounded(text.split()[0]) for text in key.texts("PagingFiles") if text.strip()) if key else ()


def _remote_desktop(system: Hive, control: str) -> bool | None:
    key = system.key(rf"{control}\Control\Terminal Server")
    denied = key.number("fDenyTSConnections") if key else None
    return None if denied is None else denied == 0


def _system_trees(layout: DiskLayout, tree: FileTree, others: Mapping[str, FileTree]) -> list[FileTree]:
    """Where Windows may start from on BIOS: its own volume, or a small one in front of it."""
    small = [system.where for system in layout.file_systems if system.kind in {"ntfs", "fat"}]
    return [tree, *(others[where] for where in small if where in others)]


def _boot_configurations(layout: DiskLayout, tree: FileTree, others: Mapping[str, FileTree]) -> tuple[str, ...]:
    found = []
    if any(exists(system, "/Boot/BCD") for system in _system_trees(layout, tree, others)):
        found.append("bios")
    esp = find_esp(layout, tree, others)
    if esp and exists(esp.tree, f"{esp.folder.rstrip('/')}/EFI/Microsoft/Boot/BCD"):
        found.append("uefi")
    return tuple(found)


def _has_boot_manager(layout: DiskLayout, tree: FileTree, others: Mapping[str, FileTree]) -> bool | None:
    """None where a volume that may hold it was not given to us."""
    trees = _system_trees(layout, tree, others)
    for system in trees:
        try:
            if exists(system, "/bootmgr"):
                return True
        except FileTreeError:
            return None
    volumes = [system for system in layout.file_systems if system.kind == "ntfs"]
    return False if len(trees) >= len(volumes) else None
