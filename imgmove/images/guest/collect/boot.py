"""Boot loaders of a guest: where they are, what they start, and which entry is the default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.collect import boot_entries
from imgmove.images.guest.collect.boot_entries import Draft, Menu
from imgmove.images.guest.collect.text_files import Line, assignments, exists, files_in, join, lines
from imgmove.images.guest.facts import ARGUMENTS_LIMIT, LIST_LIMIT, Boot, BootEntry, Mention, bounded
from imgmove.images.guest.files import FileTree, FileTreeError
from imgmove.images.guest.layout import DiskLayout

#: Where an EFI system partition may be mounted.
ESP_FOLDERS: Final = ("/boot/efi", "/efi", "/boot")
_GRUB_FOLDERS: Final = ("/boot/grub2", "/boot/grub")
_BLS_FOLDERS: Final = ("/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries")
#: Single configurations, and how they are read; those of GRUB 2 in EFI folders are added to them.
_LEGACY: Final[tuple[tuple[str, Callable[[Iterable[Line]], Menu]], ...]] = (
    ("/boot/grub/menu.lst", boot_entries.read_grub_legacy),
    ("/boot/grub/grub.conf", boot_entries.read_grub_legacy),
    ("/boot/extlinux/extlinux.conf", boot_entries.read_extlinux),
    ("/boot/extlinux.conf", boot_entries.read_extlinux),
    ("/boot/syslinux/syslinux.cfg", boot_entries.read_extlinux),
    ("/extlinux.conf", boot_entries.read_extlinux),
)
_GRUB_DEFAULTS: Final = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_DISABLE_LINUX_UUID")


@dataclass(frozen=True)
class Esp:
    """The files of the EFI system partition: a tree, and the folder in it."""

    tree: FileTree
    folder: str


def collect_boot(layout: DiskLayout, tree: FileTree, others: Mapping[str, FileTree]) -> Boot:
    """The boot loaders on `tree` and on the EFI system partition, mounted there or among `others`."""
    esp = find_esp(layout, tree, others)
    menu = _menu(tree)
    default = _default(tree, menu)
    return Boot(
        entries=tuple(_entry(tree, draft, draft is default) for draft in menu.entries[: boot_entries.MOST_ENTRIES]),
        default_from=bounded(menu.default_at),
        grub_defaults=tuple(_grub_defaults(tree)),
        is_esp_seen=esp is not None,
        efi_loaders=tuple(_loaders(esp)) if esp else (),
        unified_kernels=tuple(_unified(esp)) if esp else (),
    )


def find_esp(layout: DiskLayout, tree: FileTree | None, others: Mapping[str, FileTree]) -> Esp | None:
    """Where the EFI system partition's files are; None where there is none, or it cannot be seen."""
    if tree:
        for folder in ESP_FOLDERS:
            if any(name.lower() == "efi" for name in tree.list(folder)):
                return Esp(tree, folder)
    numbers = {part.number for part in layout.partitions if part.role == "efi"}
    for system in layout.file_systems:
        if system.partition in numbers and system.where in others:
            return Esp(others[system.where], "/")
    return None


def _loaders(esp: Esp) -> Iterator[str]:
    """Programs and configurations two folders deep, in lower case, from `efi/` on."""
    top = next((name for name in esp.tree.list(esp.folder) if name.lower() == "efi"), "")
    vendors = esp.tree.list(join(esp.folder, top))[:32] if top else []
    found = []
    for vendor in vendors:
        folder = join(join(esp.folder, top), vendor)
        found += [f"efi/{vendor}/{name}".lower() for name in esp.tree.list(folder)[:64]]
        boot = next((name for name in esp.tree.list(folder) if name.lower() == "boot"), "")
        if boot and vendor.lower() == "microsoft":
            found += [f"efi/{vendor}/{boot}/{name}".lower() for name in esp.tree.list(join(folder, boot))[:64]]
    yield from (bounded(path) for path in found if path.endswith((".efi", ".cfg", "/bcd")))


def _unified(esp: Esp) -> Iterator[str]:
    return (path for path in _loaders(esp) if path.startswith("efi/linux/") and path.endswith(".efi"))


def _menu(tree: FileTree) -> Menu:
    """The first configuration that has entries; GRUB 2 before its predecessors."""
    for path in _grub_configurations(tree):
        if exists(tree, path):
            menu = boot_entries.read_grub2(lines(tree, path))
            bls = _bls_entries(tree) if menu.uses_bls else []
            if menu.entries or bls:
                menu.entries = bls + menu.entries
                return menu
    for path, read in _LEGACY:
        if exists(tree, path) and (menu := read(lines(tree, path))).entries:
            return menu
    return _systemd_boot(tree)


def _grub_configurations(tree: FileTree) -> list[str]:
    found = [join(folder, "grub.cfg") for folder in _GRUB_FOLDERS]
    for name in tree.list("/boot/efi/EFI")[:32]:
        found.append(f"/boot/efi/EFI/{name}/grub.cfg")
    return found


def _bls_entries(tree: FileTree) -> list[Draft]:
    variables = _grub_environment(tree)
    drafts = []
    for folder in _BLS_FOLDERS:
        for path in files_in(tree, folder, (".conf",)):
            entry_id = path.rsplit("/", 1)[1].removesuffix(".conf")
            drafts.append(boot_entries.read_bls(lines(tree, path), entry_id, variables))
    return [
        Draft(**{**vars(draft), "place": (str(number),)})
        for number, draft in enumerate(boot_entries.in_newest_order(draft for draft in drafts if draft))
    ]


def _systemd_boot(tree: FileTree) -> Menu:
    menu = Menu(entries=_bls_entries(tree), default="0")
    for folder in (*ESP_FOLDERS, ""):
        for line in lines(tree, f"{folder}/loader/loader.conf"):
            word, _, value = line.text.partition(" ")
            if word == "default" and not value.strip().startswith("@"):
                menu.default, menu.default_at = value.strip().removesuffix(".conf").rstrip("*-"), line.at
    return menu


def _grub_environment(tree: FileTree) -> dict[str, str]:
    for folder in _GRUB_FOLDERS:
        found = assignments(tree, join(folder, "grubenv"))
        if found:
            return {name: mention.value for name, mention in _long_values(tree, join(folder, "grubenv")).items()}
    return {}


def _long_values(tree: FileTree, path: str) -> dict[str, Mention]:
    """As `assignments`, for values that may be longer than any other text (kernel command lines)."""
    found = {}
    for line in lines(tree, path):
        name, _, value = line.text.partition("=")
        found[name.strip()] = Mention(line.file, line.number, bounded(value, ARGUMENTS_LIMIT))
    return found


def _default(tree: FileTree, menu: Menu) -> Draft | None:
    """The entry that starts when nobody chooses: the saved one, the named one, or the first."""
    wanted = [menu.default] if menu.default else []
    if menu.uses_saved or menu.uses_bls:
        for folder in _GRUB_FOLDERS:
            saved = assignments(tree, join(folder, "grubenv")).get("saved_entry")
            if saved and saved.value:
                wanted.insert(0, saved.value)
                menu.default_at = saved.at
    for name in wanted:
        for draft in menu.entries:
            if name in draft.names() or (name and draft.id.startswith(name)):
                return _first_inside(menu, draft)
    return menu.entries[0] if menu.entries else None


def _first_inside(menu: Menu, draft: Draft) -> Draft:
    return draft if draft.kernel else next((item for item in menu.entries if item.kernel), draft)


def _entry(tree: FileTree, draft: Draft, is_default: bool) -> BootEntry:
    kernel, kernel_exists = _looked_for(tree, draft.kernel)
    initramfs, initramfs_exists = _looked_for(tree, draft.initramfs)
    return BootEntry(
        file=bounded(draft.file),
        line=draft.line,
        title=bounded(draft.title or draft.id),
        kernel=bounded(kernel),
        initramfs=bounded(initramfs),
        arguments=bounded(draft.arguments, ARGUMENTS_LIMIT),
        is_default=is_default,
        kernel_exists=kernel_exists,
        initramfs_exists=initramfs_exists,
    )


def _looked_for(tree: FileTree, named: str) -> tuple[str, bool | None]:
    """The guest's path of a file that an entry names, or its name; and whether it is there, None where nobody can tell."""
    if not _is_literal(named):
        return named, None
    try:
        found = located(tree, named)
    except FileTreeError:
        return f"/{named.lstrip('/')}", None
    return found or named, bool(found)


def _is_literal(path: str) -> bool:
    return bool(path) and "$" not in path


def located(tree: FileTree, named: str) -> str:
    """The guest's path of a file that a boot loader names from its own partition; empty where there is none."""
    if not _is_literal(named):
        return ""
    path = named.partition(")")[2] if named.startswith("(") else named
    path = "/" + path.lstrip("/").removeprefix("@/")
    candidates = (f"/boot{path}", path, *(f"{folder}{path}" for folder in ESP_FOLDERS[:2]))
    return next((found for found in candidates if exists(tree, found)), "")


def _grub_defaults(tree: FileTree) -> Iterator[Mention]:
    paths = ["/etc/default/grub", *files_in(tree, "/etc/default/grub.d", (".cfg",))]
    for path in paths[:LIST_LIMIT]:
        found = assignments(tree, path)
        yield from (mention for name, mention in found.items() if name in _GRUB_DEFAULTS and mention.value)
