"""G10, G11: people can still get in; and what would be the same on every machine that is made of the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import Access
from imgmove.images.guest.rules.catalogue import ALIBABA, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import Guest

_W, _I = Severity.WARN, Severity.INFO
_WRITE_BITS: Final = 0o222
_READ_OTHERS: Final = 0o004


def _look_at_access(guest: Guest) -> Iterator[Hit | Unseen]:
    found = guest.facts.access
    if found is None:
        return
    if not found.ssh_server:
        yield Hit("ssh-missing", "/usr/sbin/sshd", {"install": guest.install("openssh-server")})
    elif found.ssh_enabled is False:
        yield Hit("ssh-disabled", "sshd.service")
    if found.root_login and found.root_login.value == "no":
        yield Hit("root-login-off", found.root_login.at)
    if found.password_login and found.password_login.value == "no" and not guest.has_working_cloud_init:
        yield Hit("password-off", found.password_login.at)
    yield from _of_shadow(found)
    if found.selinux and found.selinux.value == "enforcing" and not found.relabel_at:
        yield Hit("selinux-enforcing", found.selinux.at)
    if found.relabel_at:
        yield Hit("relabel-pending", found.relabel_at)
    for name in found.firewalls:
        yield Hit("firewall", name, {"name": name})


def _of_shadow(found: Access) -> Iterator[Hit]:
    if not found.has_shadow:
        yield Hit("shadow-missing", "/etc/shadow")
        return
    mode = found.shadow_mode
    words = {"mode": f"{mode or 0:04o}"}
    if mode is not None and mode & _READ_OTHERS:
        yield Hit("shadow-open", "/etc/shadow", words)
    elif mode and not mode & _WRITE_BITS:
        yield Hit("shadow-read-only", "/etc/shadow", words)


G10: Final = Rule(
    id="G10",
    title="SSH, passwords and SELinux let you in",
    looks_at="sshd and its settings, permissions of /etc/shadow, SELinux and its relabel flag, firewalls",
    cases=(
        Case("ssh-missing", _W, "no SSH server is installed", "the only way in is the cloud's console",
             "on the source: {install}", "alibaba.md 3.2"),
        Case("ssh-disabled", _W, "nothing starts the SSH server at boot", "the only way in is the cloud's console",
             "on the source: `systemctl enable ssh` (`sshd` on RPM systems)", "alibaba.md 3.2; field.md 4.5"),
        Case("root-login-off", _I, "{about} forbids root to log in by SSH",
             "both clouds put key and password into root's account unless told otherwise: log in as another user",
             "nothing to do if you have another account; else PermitRootLogin prohibit-password", "field.md 4.5"),
        Case("password-off", _W, "{about} forbids passwords by SSH, and no cloud-init brings keys",
             "who has no key in the image already can log in at the cloud's console only",
             "put your key into the image, or write PasswordAuthentication yes", "field.md 4.5"),
        Case("shadow-missing", _W, "/etc/shadow is missing", "no password works, and none can be set",
             "on the source: `pwconv`", "field.md 4.5; tencent.md 3.3"),
        Case("shadow-open", _W, "/etc/shadow can be read by everybody (mode {mode})",
             "every account's password hash is open to every program; some logins refuse such a file",
             "on the source: `chmod 640 /etc/shadow && chown root:shadow /etc/shadow` (000 and root:root on RPM systems)",
             "field.md 4.1"),
        Case("shadow-read-only", _W, "/etc/shadow is read-only (mode {mode})",
             "the cloud sets the password at the first start, and may not be able to: both vendors ask for a writable one",
             "on the source: `chattr -i /etc/shadow; chmod 600 /etc/shadow`", "alibaba.md 3.2; field.md 4.1"),
        Case("selinux-enforcing", _I, "SELinux is enforcing ({about})",
             "files that are changed in the image from outside have no labels, and logins fail because of it",
             "only if you change files in the image: `touch /.autorelabel` in it as well", "field.md 4.5"),
        Case("relabel-pending", _I, "the first start will label all files ({about})",
             "it takes minutes, and the machine restarts once: do not take it for a failure", "nothing to do", "field.md 4.5"),
        Case("firewall", {ALIBABA: _W}, "the firewall {name} starts at boot",
             "ECS's guide asks for it to be off: if it does not let SSH in, nobody gets in; security groups do its work",
             "on the source: `systemctl disable {name}`, or make sure that it lets port 22 in",
             "alibaba.md 3.2 (2021, not checked again)"),
    ),
    look=_look_at_access,
    areas=("access",),
)  # fmt: skip


def _look_at_identity(guest: Guest) -> Iterator[Hit | Unseen]:
    found = guest.facts.identity
    if found is None:
        return
    if found.machine_id == "set":
        yield Hit("machine-id", "/etc/machine-id")
    if found.host_keys:
        yield Hit("host-keys", found.host_keys[0], {"count": str(len(found.host_keys))})
    if found.cloud_instances:
        yield Hit("cloud-instance", "/var/lib/cloud/instances", {"count": str(found.cloud_instances)})


_ONE_MACHINE: Final = "; right for one machine that moves, wrong for a template"
G11: Final = Rule(
    id="G11",
    title="Nothing in the image would be the same on every machine",
    looks_at="/etc/machine-id, SSH host keys, /var/lib/cloud",
    cases=(
        Case("machine-id", _I, "/etc/machine-id holds the old machine's id",
             "every machine made of the image has the same: journals and DHCP leases get mixed up" + _ONE_MACHINE,
             "for a template: `truncate -s 0 /etc/machine-id` as the last thing before the image is made", "field.md 4.2"),
        Case("host-keys", _I, "the image has {count} SSH host keys",
             "every machine made of it shows the same keys, and their secret halves are in the image" + _ONE_MACHINE,
             "for a template: `rm /etc/ssh/ssh_host_*` as the last thing (cloud-init makes new ones)", "field.md 4.2"),
        Case("cloud-instance", _I, "/var/lib/cloud has the state of {count} earlier instances",
             "cloud-init sees the new instance id and starts anew; the old state is only in the way",
             "as the last thing before the image is made: `cloud-init clean --logs`", "field.md 4.2"),
    ),
    look=_look_at_identity,
    areas=("identity",),
)  # fmt: skip
