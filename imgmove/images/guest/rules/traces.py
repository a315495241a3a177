"""G07, G08, G09: a serial console to look at when all else fails; names and agents that belong to the old cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import Leftover
from imgmove.images.guest.rules.catalogue import ALIBABA, TENCENT, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import CLOUD_TITLES, Guest

_W, _I = Severity.WARN, Severity.INFO

# ------------------------------------------------------------------------------------------------ G07, console


def _look_at_console(guest: Guest) -> Iterator[Hit | Unseen]:
    entry = guest.entry
    if entry is None:
        yield Unseen("no boot entry was found")
        return
    consoles = [word for word in entry.arguments.split() if word.startswith("console=")]
    port = "ttyAMA0" if guest.is_arm else "ttyS0"
    if not any(word.startswith(f"console={port}") for word in consoles):
        yield Hit("no-serial-console", entry.at, {"port": port, "update_grub": guest.update_grub()})


G07: Final = Rule(
    id="G07",
    title="The kernel writes to the serial console",
    looks_at="console= of the default boot entry",
    cases=(
        Case(
            "no-serial-console", _W, "{about} starts the kernel without console={port}",
            "if the machine does not come up, the cloud's console and its saved output show nothing of why",
            "add `console=tty0 console={port},115200` to GRUB_CMDLINE_LINUX in /etc/default/grub, then `{update_grub}`",
            "field.md 4.5",
        ),
    ),
    look=_look_at_console,
    areas=("boot",),
)  # fmt: skip

# ------------------------------------------------------------------------------ G08, names of the old cloud

_PUBLIC: Final = {
    "tencent": "mirrors.tencent.com", "alibaba": "mirrors.aliyun.com",
}  # fmt: skip
_CASE_OF_KIND: Final = {"mirror": "mirror", "resolver": "resolver", "time": "time-server", "hosts": "hosts-entry"}


def _foreign(guest: Guest) -> Iterator[tuple[Leftover, dict[str, str]]]:
    """What belongs to a cloud other than the one the image goes to."""
    for leftover in guest.facts.leftovers or ():
        if leftover.vendor != guest.target_cloud:
            title = CLOUD_TITLES.get(leftover.vendor, leftover.vendor)
            public = _PUBLIC.get(leftover.vendor, "a public mirror")
            yield leftover, {"name": leftover.name, "cloud": title, "public": public, "here": guest.target_title}


def _look_at_names(guest: Guest) -> Iterator[Hit | Unseen]:
    for leftover, words in _foreign(guest):
        if leftover.kind in _CASE_OF_KIND:
            yield Hit(_CASE_OF_KIND[leftover.kind], leftover.at, words)


_INSIDE: Final = "it answers only inside {cloud}: "
G08: Final = Rule(
    id="G08",
    title="No mirror, resolver or time server of the old cloud",
    looks_at="apt, yum, pip, docker; resolv.conf, resolved; chrony, ntp, timesyncd; /etc/hosts",
    cases=(
        Case("mirror", _W, "{about} names {name}, a server of {cloud}'s own network",
             _INSIDE + "package installations hang, also those that cloud-init does at the first start",
             "in {about} write {public}, which answers everywhere, or the new cloud's own mirror", "field.md 4.2"),
        Case("resolver", _W, "{about} names {name}, a resolver of {cloud}'s own network",
             _INSIDE + "every name takes seconds to resolve, or does not at all",
             "remove it from {about}: DHCP brings the new ones", "field.md 4.2"),
        Case("time-server", _W, "{about} names {name}, a time server of {cloud}'s own network",
             _INSIDE + "the clock drifts until certificates and signatures fail",
             "in {about} write a public pool (`pool.ntp.org`) or the new cloud's own servers", "field.md 4.2"),
        Case("hosts-entry", _W, "{about} names {name}, an address of {cloud}'s own network",
             _INSIDE + "whatever uses that name hangs", "remove the line {about}", "field.md 4.2"),
    ),
    look=_look_at_names,
    areas=("leftovers",),
)  # fmt: skip

# ------------------------------------------------------------------------------------------ G09, agents, tools


def _look_at_agents(guest: Guest) -> Iterator[Hit | Unseen]:
    for leftover, words in _foreign(guest):
        if leftover.kind in {"agent", "tools", "guest-agent"}:
            case = {"agent": "agent", "tools": "guest-tools", "guest-agent": "qemu-guest-agent"}[leftover.kind]
            yield Hit(case, leftover.at, words)


G09: Final = Rule(
    id="G09",
    title="No agents of the old cloud, no tools of another hypervisor",
    looks_at="folders, programs and units that such agents are known by",
    cases=(
        Case("agent", _W, "{name} of {cloud} is installed ({about})",
             "it fails at every start, asks addresses that are not there, and some reinstall themselves",
             "on the source, before the image is made: use the vendor's uninstaller, or disable its units "
             "(`systemctl disable --now`); it may also go after the first start there", "field.md 4.2"),
        Case("guest-tools", _W, "{name} of another hypervisor is installed ({about})",
             {TENCENT: "Tencent's guide asks for its removal: such tools hook into disks, network and clock",
              "": "such tools hook into disks, network and clock, and fail at every start"},
             "on the source: remove its package before the image is made", "field.md 4.1"),
        Case("qemu-guest-agent", {ALIBABA: _W}, "qemu-guest-agent is installed ({about})",
             "ECS's guide asks for images without it: it gets in the way of the cloud's own agent",
             "on the source: remove the package qemu-guest-agent", "alibaba.md 3.2 (2021, not checked again)"),
    ),
    look=_look_at_agents,
    areas=("leftovers",),
    systems=frozenset({"linux", "windows"}),
)  # fmt: skip
