"""G05 to G11: guests that start, and are of no use."""

from __future__ import annotations

from tests.images.real.broken.breaking import Broken, append, bios, edit, large, redhat, remove, write
from tests.images.real.recipes import windows_disk
from tests.images.real.tree import Tree

UNITS = "/etc/systemd/system/multi-user.target.wants"
CLOUD_UNITS = tuple(f"{UNITS}/cloud-{name}.service" for name in ("init-local", "init", "config", "final"))
SOURCES = "/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
ALL_SOURCES = "ConfigDrive, AliYun, Ec2, None"
INTERFACES = "/etc/network/interfaces"
OLD_NAME = {"G06/old-interface-name": "WWW"}
"""Without cloud-init nobody writes the file anew that sets up eth0."""
SELINUX = {"G10/selinux-enforcing": "III"}


def _without_cloud_init(tree: Tree) -> None:
    for path in ("/etc/cloud", "/usr/bin/cloud-init", "/usr/lib/python3/dist-packages/cloudinit", *CLOUD_UNITS):
        tree.remove(path)
    tree.edit("/var/lib/dpkg/status", "Package: cloud-init\n", "Package: cloudless\n")


def _without_cloudbase_init(tree: Tree) -> None:
    tree.remove("/Program Files/Cloudbase Solutions")


METADATA = {
    "cloud-init-missing": Broken(bios(_without_cloud_init), {"G05/cloud-init-missing": "BBW"} | OLD_NAME),
    "cloudbase-init-missing": Broken(
        lambda: large(windows_disk(None, _without_cloudbase_init), 40),
        {"G05/cloudbase-init-missing": "BBW", "G12/activation": "III"},
    ),
    "tencent-source-pinned": Broken(
        bios(edit(SOURCES, ALL_SOURCES, "ConfigDrive, TencentCloud")), {"G05/source-pinned": "--B"}
    ),
    "alibaba-source-pinned": Broken(bios(edit(SOURCES, ALL_SOURCES, "AliYun")), {"G05/source-pinned": "BB-"}),
    "source-not-shipped": Broken(
        bios(edit(SOURCES, ALL_SOURCES, "TencentCloud")),
        {"G05/source-not-shipped": "BB-", "G05/source-pinned": "--B"},
    ),
    "identify-pinned": Broken(
        bios(write("/etc/cloud/ds-identify.cfg", "# pinned\ndatasource: ConfigDrive\n")), {"G05/identify-pinned": "--B"}
    ),
    "disabled": Broken(bios(write("/etc/cloud/cloud-init.disabled", "")), {"G05/disabled": "BBW"} | OLD_NAME),
    "not-enabled": Broken(bios(remove(*CLOUD_UNITS)), {"G05/not-enabled": "WWW"} | OLD_NAME),
    "cache-kept": Broken(
        bios(append("/etc/cloud/cloud.cfg", "manual_cache_clean: true\n"),
             write("/var/lib/cloud/instances/i-1/datasource", "DataSourceConfigDrive: x\n")),
        {"G05/cache-kept": "BBB", "G11/cloud-instance": "III"},
    ),
    "old-version": Broken(
        redhat(edit("/usr/lib/python3.9/site-packages/cloudinit/version.py", "23.4", "18.5")),
        {"G05/old-version": "--W"} | SELINUX,
    ),
}  # fmt: skip
NETWORK = {
    "static-address": Broken(
        bios(append(INTERFACES, """\
auto ens3
iface ens3 inet static
    address 10.0.0.5/24
    gateway 10.0.0.1
    hwaddress ether 52:54:00:12:34:56
iface ens3 inet6 static
    address 2001:db8:1::5/64
auto eth1
iface eth1 inet dhcp
"""), write("/etc/udev/rules.d/70-persistent-net.rules",
            'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="52:54:00:12:34:56", NAME="eth0"\n')),
        {"G06/static-address": "BBB", "G06/mac-bound": "BBB", "G06/interface-name": "WWW", "G06/persistent-rule": "BBB",
         "G06/ipv6": "--W", "G06/several-interfaces": "--W"} | OLD_NAME,
    ),
    "static-by-netplan": Broken(
        bios(write("/etc/netplan/01-fixed.yaml", """\
network:
  version: 2
  ethernets:
    ens192:
      addresses: [192.0.2.10/24]
      nameservers:
        addresses: [192.0.2.1]
""")),
        {"G06/static-address": "BBB", "G06/interface-name": "WWW"},
    ),
    "static-by-network-manager": Broken(
        redhat(edit("/etc/NetworkManager/system-connections/eth0.nmconnection", "[ipv4]\nmethod=auto",
                    "[ipv4]\nmethod=manual\naddress1=192.0.2.10/24,192.0.2.1")),
        {"G06/static-address": "BBB"} | SELINUX,
    ),
    "nothing-set-up": Broken(
        bios(remove("/etc/network/interfaces.d/50-cloud-init"), write("/etc/cloud/cloud-init.disabled", "")),
        {"G06/nothing-set-up": "WWW", "G05/disabled": "BBW"},
    ),
}  # fmt: skip
TRACES = {
    "no-serial-console": Broken(
        bios(edit("/boot/grub/grub.cfg", " console=ttyS0,115200", "")), {"G07/no-serial-console": "WWW"}
    ),
    "left-by-tencent": Broken(
        bios(write("/etc/apt/sources.list", "deb http://mirrors.tencentyun.com/debian bookworm main\n"),
             write("/etc/resolv.conf", "nameserver 183.60.83.19\n"),
             write("/etc/systemd/timesyncd.conf", "[Time]\nNTP=time1.tencentyun.com\n"),
             append("/etc/hosts", "169.254.0.23 metadata.tencentyun.com\n"),
             write("/usr/local/qcloud/YunJing/YDEyes/YDService", "", 0o755)),
        {"G08/mirror": "--W", "G08/resolver": "--W", "G08/time-server": "--W", "G08/hosts-entry": "--W",
         "G09/agent": "--W"},
    ),
    "left-by-alibaba": Broken(
        bios(write("/etc/apt/sources.list.d/aliyun.list", "deb http://mirrors.cloud.aliyuncs.com/debian bookworm main\n"),
             write("/etc/resolv.conf", "nameserver 100.100.2.136\n"),
             write("/etc/chrony/chrony.conf", "server ntp1.cloud.aliyuncs.com iburst\n"),
             write("/usr/local/aegis/aegis_client/AliYunDun", "", 0o755)),
        {"G08/mirror": "WW-", "G08/resolver": "WW-", "G08/time-server": "WW-", "G09/agent": "WW-"},
    ),
    "tools-of-hypervisors": Broken(
        bios(write("/usr/bin/vmtoolsd", "", 0o755), write("/usr/sbin/qemu-ga", "", 0o755)),
        {"G09/guest-tools": "WWW", "G09/qemu-guest-agent": "--W"},
    ),
}  # fmt: skip
ACCESS = {
    "ssh-missing": Broken(
        bios(remove("/usr/sbin/sshd", "/etc/shadow"), write("/etc/selinux/config", "SELINUX=enforcing\n"),
             write("/usr/lib/systemd/system/firewalld.service", "[Service]\n"),
             lambda tree: tree.symlink(f"{UNITS}/firewalld.service", "/lib/systemd/system/firewalld.service")),
        {"G10/ssh-missing": "WWW", "G10/shadow-missing": "WWW", "G10/firewall": "--W"} | SELINUX,
    ),
    "ssh-disabled": Broken(
        bios(remove(f"{UNITS}/ssh.service"), edit("/etc/ssh/sshd_config", "prohibit-password", "no"),
             write("/etc/selinux/config", "SELINUX=enforcing\n"), write("/.autorelabel", ""),
             lambda tree: tree.change_mode("/etc/shadow", 0o644, 0, 42)),
        {"G10/ssh-disabled": "WWW", "G10/root-login-off": "III", "G10/relabel-pending": "III", "G10/shadow-open": "WWW"},
    ),
    "password-off": Broken(
        bios(append("/etc/ssh/sshd_config", "PasswordAuthentication no\n"), write("/etc/cloud/cloud-init.disabled", ""),
             lambda tree: tree.change_mode("/etc/shadow", 0o440, 0, 42)),
        {"G10/password-off": "WWW", "G10/shadow-read-only": "WWW", "G05/disabled": "BBW"} | OLD_NAME,
    ),
    "one-machines-identity": Broken(
        bios(write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
             write("/etc/ssh/ssh_host_ed25519_key", "a key\n", 0o600),
             write("/var/lib/cloud/instances/i-1/datasource", "DataSourceAliYun\n")),
        {"G11/machine-id": "III", "G11/host-keys": "III", "G11/cloud-instance": "III"},
    ),
}  # fmt: skip
LIVING: dict[str, Broken] = {**METADATA, **NETWORK, **TRACES, **ACCESS}
