"""cloud-init of a guest: is it there, does it run, and where does it look for the cloud's metadata?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.collect.text_files import Line, all_lines, exists, files_in, first_existing, lines, read_text
from imgmove.images.guest.facts import Boot, CloudInit, Mention, bounded
from imgmove.images.guest.files import FileTree

_PROGRAMS: Final = ("/usr/bin/cloud-init", "/usr/local/bin/cloud-init", "/bin/cloud-init")
_MOST_SOURCES: Final = 32
_DISABLED: Final = "/etc/cloud/cloud-init.disabled"
#: Folders of Python packages, as distributions have them; `*` is one name.
_PACKAGES: Final = ("/usr/lib/python3/dist-packages", "/usr/lib/python*/site-packages", "/usr/lib/python*/dist-packages",
                    "/usr/local/lib/python*/site-packages", "/usr/local/lib/python*/dist-packages")  # fmt: skip
#: What starts cloud-init: links of systemd, its generator, and scripts of older inits.
_STARTED_BY: Final = (
    "/usr/lib/systemd/system-generators/cloud-init-generator", "/lib/systemd/system-generators/cloud-init-generator",
    "/etc/systemd/system/multi-user.target.wants/cloud-init.service",
    "/etc/systemd/system/cloud-init.target.wants/cloud-init.service",
    "/etc/systemd/system/cloud-init.target.wants/cloud-init-local.service",
    "/etc/rc3.d/S51cloud-init", "/etc/init/cloud-init.conf", "/etc/runlevels/boot/cloud-init",
    "/etc/runlevels/default/cloud-init",
)  # fmt: skip
_DPKG_BYTES: Final = 8 << 20
_SETTING: Final = re.compile(r"^(\s*)([A-Za-z_]+)\s*:\s*(.*)$")


@dataclass
class _Settings:
    """What the merged configuration says, as far as rules ask."""

    sources: tuple[str, ...] | None = None
    sources_at: str = ""
    network_disabled_at: str = ""
    cache_kept_at: str = ""


def collect_cloud_init(tree: FileTree, boot: Boot | None) -> CloudInit:
    """What there is of cloud-init on `tree`. `boot`: its kernel command lines may switch it off."""
    package = _package(tree)
    settings = _merged(tree)
    return CloudInit(
        is_installed=bool(package or first_existing(tree, _PROGRAMS)),
        version=bounded(_version(tree, package)),
        datasources=settings.sources,
        datasources_at=settings.sources_at,
        shipped=_shipped(tree, package),
        identify=tuple(_identify(tree)),
        disabled_at=_disabled_at(tree, boot),
        is_enabled=_is_enabled(tree),
        manual_cache_clean_at=settings.cache_kept_at,
        network_disabled_at=settings.network_disabled_at,
        has_instance=exists(tree, "/var/lib/cloud/instance") or bool(tree.list("/var/lib/cloud/instances", 1)),
    )


def _package(tree: FileTree) -> str:
    """The folder of cloud-init's own code."""
    for pattern in _PACKAGES:
        for folder in _matching(tree, pattern):
            if exists(tree, f"{folder}/cloudinit"):
                return f"{folder}/cloudinit"
    return ""


def _matching(tree: FileTree, pattern: str) -> Iterator[str]:
    before, star, after = pattern.partition("*")
    if not star:
        yield pattern
        return
    folder, _, start = before.rpartition("/")
    for name in tree.list(folder):
        if name.startswith(start):
            yield f"{folder}/{name}{after}"


def _version(tree: FileTree, package: str) -> str:
    text = (read_text(tree, f"{package}/version.py", 64 << 10) or "") if package else ""
    packaged = re.search(r"_PACKAGED_VERSION\s*=\s*['\"]([\d.]+[^'\"@]*)['\"]", text)
    own = re.search(r"__VERSION__\s*=\s*['\"]([\d.]+[^'\"]*)['\"]", text)
    if packaged or own:
        return (packaged or own)[1]  # type: ignore[index]  # one of them matched
    return _dpkg_version(tree)


def _dpkg_version(tree: FileTree) -> str:
    data = tree.read("/var/lib/dpkg/status", _DPKG_BYTES) or b""
    start = data.find(b"Package: cloud-init\n")
    match = re.search(rb"\nVersion: ([^\n]{1,100})", data[start : data.find(b"\n\n", start)]) if start >= 0 else None
    return match[1].decode("ascii", "replace") if match else ""


def _shipped(tree: FileTree, package: str) -> tuple[str, ...]:
    names = tree.list(f"{package}/sources") if package else []
    found = (re.fullmatch(r"DataSource(\w+)\.pyc?", name) for name in names)
    return tuple(bounded(match[1].lower()) for match in found if match)[:100]


def _merged(tree: FileTree) -> _Settings:
    """cloud.cfg, then cloud.cfg.d in order: what comes later wins."""
    settings = _Settings()
    for path in ("/etc/cloud/cloud.cfg", *files_in(tree, "/etc/cloud/cloud.cfg.d", (".cfg",))):
        _read_settings(list(all_lines(tree, path)), settings)
    return settings


def _read_settings(found: list[Line], settings: _Settings) -> None:
    for number, line in enumerate(found):
        match = _SETTING.match(line.text.split(" #")[0].rstrip())
        if not match:
            continue
        indent, name, value = match.groups()
        if name == "datasource_list" and not indent:
            settings.sources, settings.sources_at = _sources(value, found[number + 1 :]), line.at
        elif name == "manual_cache_clean" and not indent:
            settings.cache_kept_at = line.at if value.strip().lower() in {"true", "yes", "on"} else ""
        elif _disables_network(indent, name, value, found[:number]):
            settings.network_disabled_at = line.at


def _disables_network(indent: str, name: str, value: str, before: list[Line]) -> bool:
    """`network: {config: disabled}`, in one line or in two."""
    if not indent:
        return name == "network" and bool(re.search(r"config['\"]?\s*:\s*['\"]?disabled", value))
    return name == "config" and value.strip("'\" ") == "disabled" and _is_under(before, "network")


def _is_under(before: list[Line], name: str) -> bool:
    """Does the nearest line without indentation open the section `name`?"""
    top = next((line.text for line in reversed(before) if line.text[:1].strip() and line.text[0] != "#"), "")
    return top.partition(":")[0].strip() == name


def _sources(value: str, following: list[Line]) -> tuple[str, ...]:
    """A YAML list of names: `[A, B]`, over several lines too, or one `- A` a line."""
    text = value.strip()
    if text.startswith("["):
        for line in following[:_MOST_SOURCES]:
            if "]" in text:
                break
            text += " " + line.text.strip()
        words = text.strip("[ ").partition("]")[0].split(",")
    elif text:
        words = [text]
    else:
        words = []
        for line in following:
            item = re.match(r"\s*-\s+(\S+)", line.text)
            if item:
                words.append(item[1])
            elif line.text.strip() and not line.text.strip().startswith("#"):
                break
    return tuple(bounded(word.strip(" '\""), 60) for word in words if word.strip(" '\""))[:_MOST_SOURCES]


def _identify(tree: FileTree) -> Iterator[Mention]:
    """ds-identify's settings, which decide before cloud-init is even started."""
    for line in lines(tree, "/etc/cloud/ds-identify.cfg"):
        name, _, value = line.text.partition(":")
        if name.strip() in {"policy", "datasource", "datasource_list"} and value.strip():
            yield line.mention(f"{name.strip()}: {value.strip()}")


def _disabled_at(tree: FileTree, boot: Boot | None) -> str:
    if exists(tree, _DISABLED):
        return _DISABLED
    for entry in boot.entries if boot else ():
        if entry.is_default and "cloud-init=disabled" in entry.arguments.split():
            return entry.at
    for name in ("cloud-init.service", "cloud-init-local.service", "cloud-init-main.service"):
        path = f"/etc/systemd/system/{name}"
        if (tree.readlink(path) or "") == "/dev/null":
            return path
    return ""


def _is_enabled(tree: FileTree) -> bool | None:
    if first_existing(tree, _STARTED_BY):
        return True
    wants = [name for folder in ("cloud-init.target.wants", "multi-user.target.wants", "sysinit.target.wants")
             for name in tree.list(f"/etc/systemd/system/{folder}")]  # fmt: skip
    if any(name.startswith("cloud-init") for name in wants):
        return True
    if any("cloud-init" in name for level in ("2", "3", "5") for name in tree.list(f"/etc/rc{level}.d")):
        return True
    return False if wants else None
