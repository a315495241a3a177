"""How a guest sets up its network: every renderer's files, as one list of interfaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from imgmove.images.guest.collect.text_files import Line, all_lines, files_in, first_existing, lines, unquoted
from imgmove.images.guest.facts import LIST_LIMIT, Interface, Mention, Network, bounded
from imgmove.images.guest.files import FileTree

_MAC: Final = re.compile(r"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b")
_ADDRESS: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b")
_IPV6: Final = re.compile(r"(?<![\w:.])[23][0-9a-fA-F]{3}:[0-9a-fA-F:]{2,}(?:/\d{1,3})?(?![\w:.])")
#: What cloud-init writes, and writes again on a new instance.
_GENERATED: Final = re.compile(r"50-cloud-init|cloud-init-|10-cloud-init")
_LOOPBACK: Final = frozenset({"lo"})
_RULES: Final = ("/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/70-persistent-cd.rules",
                 "/etc/udev/rules.d/60-net.rules", "/etc/udev/rules.d/75-persistent-net-generator.rules")  # fmt: skip


class Draft:
    """An interface as it is read."""

    def __init__(self, file: str, line: int, renderer: str, name: str = "") -> None:
        self.file, self.line, self.renderer, self.name = file, line, renderer, name
        self.is_dhcp, self.mac = False, ""
        self.addresses: list[str] = []
        self.is_generated = bool(_GENERATED.search(file))

    def built(self) -> Interface:
        return Interface(
            file=bounded(self.file), line=self.line, renderer=self.renderer, name=bounded(self.name, 60),
            is_dhcp=self.is_dhcp, addresses=tuple(self.addresses[:8]), mac=self.mac.lower(), is_generated=self.is_generated,
        )  # fmt: skip


def collect_network(tree: FileTree) -> Network:
    """All interfaces but loopback, in the order of their files."""
    drafts = [draft for read in _READERS for draft in read(tree) if draft.name not in _LOOPBACK]
    return Network(
        interfaces=tuple(draft.built() for draft in drafts[:LIST_LIMIT]),
        persistent_rules=tuple(_persistent_rules(tree)),
        ipv6_at=_ipv6_at(tree, {draft.file for draft in drafts[:LIST_LIMIT] if not draft.is_generated}),
        has_manager=bool(first_existing(tree, ("/usr/sbin/NetworkManager", "/usr/bin/NetworkManager"))),
    )


def _netplan(tree: FileTree) -> Iterator[Draft]:
    """YAML by its indentation: below `ethernets`, the next deeper keys are interfaces."""
    for folder in ("/etc/netplan", "/run/netplan"):
        for path in files_in(tree, folder, (".yaml", ".yml")):
            yield from _netplan_file(list(all_lines(tree, path)))


def _netplan_file(found: list[Line]) -> Iterator[Draft]:
    draft: Draft | None = None
    section, level = -1, -1
    for line in found:
        text = line.text.split(" #")[0].rstrip()
        key = text.strip()
        if not key or key.startswith("#"):
            continue
        indent = len(text) - len(text.lstrip())
        if re.match(r"(ethernets|bonds|vlans|bridges|wifis)\s*:", key):
            section, level = indent, -1
        elif section >= 0 and indent <= section:
            section = -1
        elif section >= 0 and (level in {-1, indent}) and key.endswith(":"):
            level = indent
            if draft:
                yield draft
            draft = Draft(line.file, line.number, "netplan", unquoted(key[:-1]))
        elif draft:
            _netplan_setting(draft, key)
    if draft:
        yield draft


def _netplan_setting(draft: Draft, key: str) -> None:
    name, _, value = key.lstrip("- ").partition(":")
    if name in {"dhcp4", "dhcp6"}:
        draft.is_dhcp |= value.strip().lower() in {"true", "yes", "on"}
    elif name in {"macaddress", "match"} and (mac := _MAC.search(key)):
        draft.mac = mac[0]
    elif name == "addresses" or key.startswith("-"):
        # Gateways and name servers stand alone, addresses have a prefix length.
        draft.addresses += [address for address in _ADDRESS.findall(key) if "/" in address]


def _ifcfg(tree: FileTree) -> Iterator[Draft]:
    for folder, renderer in (("/etc/sysconfig/network-scripts", "ifcfg"), ("/etc/sysconfig/network", "wicked")):
        for path in files_in(tree, folder):
            name = path.rsplit("/", 1)[1]
            if name.startswith("ifcfg-") and not name.endswith(("~", ".bak", ".rpmsave", ".template", ".orig")):
                yield _ifcfg_file(tree, path, renderer, name.removeprefix("ifcfg-"))


def _ifcfg_file(tree: FileTree, path: str, renderer: str, name: str) -> Draft:
    draft = Draft(path, 0, renderer, name)
    for line in all_lines(tree, path):
        key, _, value = line.text.strip().partition("=")
        value = unquoted(value)
        if "Created by cloud-init" in line.text:
            draft.is_generated = True
        elif key == "DEVICE" and value:
            draft.name = value
        elif key == "BOOTPROTO":
            draft.is_dhcp = value.lower().startswith("dhcp")
        elif key.rstrip("0123456789") == "IPADDR" and value:
            draft.addresses.append(bounded(value, 60))
            draft.line = draft.line or line.number
        elif key in {"HWADDR", "MACADDR"} and (mac := _MAC.search(value)):
            draft.mac = mac[0]
    return draft


def _interfaces(tree: FileTree) -> Iterator[Draft]:
    """Debian's interfaces(5)."""
    for path in ("/etc/network/interfaces", *files_in(tree, "/etc/network/interfaces.d")):
        draft: Draft | None = None
        for line in lines(tree, path):
            words = line.text.split()
            if words[0] == "iface" and len(words) >= 2:
                if draft:
                    yield draft
                draft = Draft(path, line.number, "interfaces", words[1])
                draft.is_dhcp = words[-1] == "dhcp"
            elif draft and words[0] == "address" and len(words) > 1 and ":" not in words[1]:
                draft.addresses.append(bounded(words[1], 60))
            elif draft and words[0] in {"hwaddress", "hwaddr"} and (mac := _MAC.search(line.text)):
                draft.mac = mac[0]
        if draft:
            yield draft


def _keyfiles(tree: FileTree) -> Iterator[Draft]:
    """NetworkManager's connections."""
    for path in files_in(tree, "/etc/NetworkManager/system-connections", (".nmconnection", "")):
        draft = Draft(path, 0, "networkmanager")
        section, kind = "", ""
        for line in lines(tree, path, "#;"):
            key, _, value = (part.strip() for part in line.text.partition("="))
            if line.text.startswith("["):
                section = line.text.strip("[]")
            elif key == "type" and section == "connection":
                kind = value
            elif key == "interface-name":
                draft.name, draft.line = value, line.number
            elif key == "method" and section == "ipv4":
                draft.is_dhcp = value == "auto"
            elif key.startswith("address") and section == "ipv4":
                draft.addresses += _ADDRESS.findall(value)[:1]
            elif key == "mac-address" and (mac := _MAC.search(value)):
                draft.mac = mac[0]
        if kind in {"", "ethernet", "802-3-ethernet"}:
            yield draft


def _networkd(tree: FileTree) -> Iterator[Draft]:
    """systemd-networkd's .network and .link files."""
    for path in files_in(tree, "/etc/systemd/network", (".network", ".link")):
        draft = Draft(path, 0, "networkd")
        for line in lines(tree, path, "#;"):
            key, _, value = (part.strip() for part in line.text.partition("="))
            if key == "Name" and not set(value) & set("*?[!"):
                draft.name, draft.line = value, line.number
            elif key == "DHCP":
                draft.is_dhcp = value.lower() not in {"no", "false", "off", ""}
            elif key == "Address":
                draft.addresses += _ADDRESS.findall(value)
            elif key in {"MACAddress", "PermanentMACAddress"} and (mac := _MAC.search(value)):
                draft.mac = mac[0]
        yield draft


_READERS: Final[tuple[Callable[[FileTree], Iterator[Draft]], ...]] = (
    _netplan, _ifcfg, _interfaces, _keyfiles, _networkd,
)  # fmt: skip


def _persistent_rules(tree: FileTree) -> Iterator[Mention]:
    for path in _RULES:
        for line in list(lines(tree, path))[:LIST_LIMIT]:
            name, mac = re.search(r'NAME="([^"]{1,40})"', line.text), _MAC.search(line.text)
            if name and mac:
                yield line.mention(f"{name[1]}={mac[0].lower()}")


def _ipv6_at(tree: FileTree, files: set[str]) -> str:
    """Where a global IPv6 address is written down."""
    for path in sorted(files):
        for line in lines(tree, path):
            if _IPV6.search(line.text) and "nameserver" not in line.text.lower() and "DNS" not in line.text:
                return line.at
    return ""
