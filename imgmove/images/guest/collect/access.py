"""How people get into a guest: SSH, passwords, SELinux, firewalls. Looks at settings and permissions, never at secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.images.guest.collect.text_files import assignments, exists, files_in, first_existing, lines
from imgmove.images.guest.facts import Access, Mention
from imgmove.images.guest.files import FileTree

_SSH_SERVERS: Final = ("/usr/sbin/sshd", "/usr/bin/sshd", "/usr/sbin/dropbear")
_SSHD_CONFIG: Final = "/etc/ssh/sshd_config"
_SSH_UNITS: Final = frozenset({"ssh.service", "sshd.service", "ssh.socket", "sshd.socket", "dropbear.service"})
_WANTS: Final = tuple(f"/etc/systemd/system/{name}.wants" for name in ("multi-user.target", "sockets.target",
                                                                       "cloud-init.target", "basic.target"))  # fmt: skip
_FIREWALLS: Final = {"firewalld.service": "firewalld", "nftables.service": "nftables", "iptables.service": "iptables",
                     "SuSEfirewall2.service": "SuSEfirewall2"}  # fmt: skip
_RELABEL_FLAGS: Final = ("/.autorelabel", "/etc/selinux/.autorelabel")


def collect_access(tree: FileTree) -> Access:
    """The ways in."""
    units = {name for folder in _WANTS for name in tree.list(folder)}
    settings = _sshd_settings(tree)
    shadow = tree.stat("/etc/shadow")
    return Access(
        ssh_server=bool(first_existing(tree, _SSH_SERVERS)),
        ssh_enabled=_ssh_enabled(tree, units),
        root_login=settings.get("permitrootlogin"),
        password_login=settings.get("passwordauthentication"),
        shadow_mode=shadow.mode if shadow else None,
        has_shadow=shadow is not None,
        selinux=assignments(tree, "/etc/selinux/config").get("SELINUX"),
        relabel_at=first_existing(tree, _RELABEL_FLAGS),
        firewalls=tuple(_firewalls(tree, units)),
    )


def _ssh_enabled(tree: FileTree, units: set[str]) -> bool | None:
    """None where the way in which services are enabled is not one that we know."""
    if units & _SSH_UNITS or any(name.startswith("sshd@") for name in units):
        return not _is_masked(tree)
    scripts = [name for level in ("2", "3", "5") for name in tree.list(f"/etc/rc{level}.d")]
    if any(name.startswith("S") and "ssh" in name for name in scripts):
        return True
    if exists(tree, "/etc/runlevels/default/sshd") or exists(tree, "/etc/init/ssh.conf"):
        return True
    return False if units or scripts else None


def _is_masked(tree: FileTree) -> bool:
    return any(tree.readlink(f"/etc/systemd/system/{unit}") == "/dev/null" for unit in ("ssh.service", "sshd.service"))


def _sshd_settings(tree: FileTree) -> dict[str, Mention]:
    """The first of each setting outside of `Match` counts; files in sshd_config.d come where they are included."""
    found: dict[str, Mention] = {}
    for line in lines(tree, _SSHD_CONFIG):
        words = line.text.replace("=", " ", 1).split()
        keyword = words[0].lower()
        if keyword == "match":
            break
        if keyword == "include":
            for path in files_in(tree, "/etc/ssh/sshd_config.d", (".conf",)):
                _note_settings(tree, path, found)
        elif len(words) > 1:
            found.setdefault(keyword, line.mention(words[1].lower()))
    return {name: mention for name, mention in found.items() if name in {"permitrootlogin", "passwordauthentication"}}


def _note_settings(tree: FileTree, path: str, found: dict[str, Mention]) -> None:
    for line in lines(tree, path):
        words = line.text.replace("=", " ", 1).split()
        if words[0].lower() == "match":
            return
        if len(words) > 1:
            found.setdefault(words[0].lower(), line.mention(words[1].lower()))


def _firewalls(tree: FileTree, units: set[str]) -> Iterator[str]:
    yield from (title for unit, title in _FIREWALLS.items() if unit in units)
    enabled = assignments(tree, "/etc/ufw/ufw.conf").get("ENABLED")
    if enabled and enabled.value.lower() == "yes":
        yield "ufw"
