"""G06: the network comes up on another machine: addresses by DHCP, no card bound to the old one's MAC or name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import Interface, Network
from imgmove.images.guest.rules.catalogue import ALIBABA, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import Guest

_B, _W = Severity.BLOCK, Severity.WARN
_SOURCE: Final = "field.md 4.1, 4.2; tencent.md 3.3; alibaba.md 3.2"
_NO_NETWORK: Final = "the machine starts without a network: no SSH, no metadata"
#: Names by a card's slot or by its MAC address: other ones on another machine.
_PREDICTED: Final = re.compile(r"(?:en|eth)(?:s\d|p\d|o\d|x[0-9a-f]{12})")
_OLD_NAME: Final = re.compile(r"eth\d+$")
#: How each renderer is told to use DHCP.
_DHCP: Final = {
    "netplan": "`dhcp4: true` instead of addresses and gateway",
    "ifcfg": "BOOTPROTO=dhcp, and remove IPADDR, NETMASK, PREFIX, GATEWAY",
    "wicked": "BOOTPROTO='dhcp', and remove IPADDR",
    "interfaces": "`iface {name} inet dhcp`, and remove address, netmask and gateway",
    "networkmanager": "`method=auto` in [ipv4], and remove address1",
    "networkd": "`DHCP=yes` in [Network], and remove Address and Gateway",
}

_CASES: Final = (
    Case(
        "static-address", _B, "{about} gives {name} the fixed address {address}",
        "addresses of a cloud's network are its own: with the old one " + _NO_NETWORK, "in {about} write {dhcp}", _SOURCE,
    ),
    Case(
        "mac-bound", _B, "{about} binds {name} to the MAC address {mac}",
        "the new machine's card has another: the settings are not used, and " + _NO_NETWORK,
        "in {about} remove the line with the MAC address", _SOURCE,
    ),
    Case(
        "persistent-rule", _B, "{about} keeps the name {name} for a card with the MAC address {mac}",
        "the new card is given the next name (eth1), which nothing sets up: " + _NO_NETWORK,
        "`rm {file}` on the source, as the last thing before the image is made", _SOURCE,
    ),
    Case(
        "interface-name", _W, "{about} sets up {name}, a name that depends on where the card sits",
        "if the card is called otherwise there, " + _NO_NETWORK,
        "match it by driver or by pattern instead (netplan: `match: {{driver: virtio_net}}`; networkd: `Name=e*`), or boot with "
        "net.ifnames=0 and set up eth0", "field.md 4.2 (cloudpods#15401)",
    ),
    Case(
        "old-interface-name", _W, "{about} sets up {name}, and the kernel is not told net.ifnames=0",
        "a current system calls the card ens5 or the like unless it is told not to: " + _NO_NETWORK,
        "add net.ifnames=0 to GRUB_CMDLINE_LINUX in /etc/default/grub, then `{update_grub}`", "field.md 4.5",
    ),
    Case(
        "nothing-set-up", _W, "nothing sets up a network: no file, and no cloud-init that writes one",
        _NO_NETWORK, "on the source: let DHCP set up the first card, or install cloud-init", _SOURCE,
    ),
    Case(
        "several-interfaces", {ALIBABA: _W}, "{count} network cards are set up ({names})",
        "ECS asks for images with one card; the new machine has one, and the start may wait for the others",
        "on the source: remove the settings of the others", "alibaba.md 3.2 (2021, not checked again)",
    ),
    Case(
        "ipv6", {ALIBABA: _W}, "{about} sets up an IPv6 address",
        "ECS asks for images without; the address belongs to the old network", "remove it from {file}",
        "alibaba.md 3.2 (2021, not checked again)",
    ),
)  # fmt: skip


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    network = guest.facts.network
    if network is None:
        return
    own = [item for item in network.interfaces if not guest.is_rewritten(item)]
    for interface in own:
        yield from _of_interface(interface, guest)
    for mention in network.persistent_rules:
        name, _, mac = mention.value.partition("=")
        yield Hit("persistent-rule", mention.at, {"name": name, "mac": mac, "file": quote(mention.file)})
    if not network.interfaces and not network.has_manager and not guest.has_working_cloud_init:
        yield Hit("nothing-set-up", "/etc")
    yield from _of_all(network, own)


def _of_interface(interface: Interface, guest: Guest) -> Iterator[Hit]:
    name = interface.name or "the card"
    words = {
        "name": name, "mac": interface.mac, "address": ", ".join(interface.addresses[:3]),
        "dhcp": _DHCP.get(interface.renderer, "DHCP").replace("{name}", name), "update_grub": guest.update_grub(),
    }  # fmt: skip
    if interface.addresses and not interface.is_dhcp:
        yield Hit("static-address", interface.at, words)
    if interface.mac:
        yield Hit("mac-bound", interface.at, words)
    if _PREDICTED.match(interface.name):
        yield Hit("interface-name", interface.at, words)
    elif _OLD_NAME.match(interface.name) and _predicts_names(guest):
        yield Hit("old-interface-name", interface.at, words)


def _predicts_names(guest: Guest) -> bool:
    """Will the system name its cards by their place? Only systems with systemd do, unless they are told not to."""
    entry = guest.entry
    if guest.os.init != "systemd" or entry is None:
        return False
    return "net.ifnames=0" not in entry.arguments.split()


def _of_all(network: Network, own: list[Interface]) -> Iterator[Hit]:
    names = list(dict.fromkeys(item.name for item in own if item.name))
    if len(names) > 1:
        yield Hit("several-interfaces", own[0].file, {"count": str(len(names)), "names": ", ".join(names[:6])})
    if network.ipv6_at:
        yield Hit("ipv6", network.ipv6_at, {"file": network.ipv6_at.rpartition(":")[0]})


G06: Final = Rule(
    id="G06",
    title="The network comes up on another machine",
    looks_at="netplan, ifcfg, interfaces, NetworkManager, systemd-networkd, udev rules for cards, net.ifnames",
    cases=_CASES,
    look=_look,
    areas=("network",),
)
