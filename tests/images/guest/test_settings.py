"""Configuration files of a guest, read into facts: fstab, network, cloud-init, who it is, how it is reached."""

from __future__ import annotations

from typing import Any

import pytest

from imgmove.images.guest.collect.access import collect_access
from imgmove.images.guest.collect.cloud_init import collect_cloud_init
from imgmove.images.guest.collect.fstab import collect_fstab
from imgmove.images.guest.collect.leftovers import collect_leftovers
from imgmove.images.guest.collect.network import collect_network
from imgmove.images.guest.collect.operating_system import collect_os
from imgmove.images.guest.facts import LIST_LIMIT, TEXT_LIMIT, Boot, BootEntry, Interface
from tests.images.guest.scenes import ELF_ARM
from tests.images.guest.trees import Content, MemoryTree


def tree(files: dict[str, Content], **links: str) -> MemoryTree:
    return MemoryTree(files, links)


# ---------------------------------------------------------------------------------------------------- fstab


def test_fstab_is_read_with_its_escapes_and_without_its_comments() -> None:
    text = '\ufeff# header\n\nUUID="ab-cd"\t/\text4 defaults,noatime 0 1\n  /dev/vdb1 /my\\040data xfs\nshort\n#/dev/x /y z\n'
    found = collect_fstab(tree({"/etc/fstab": text}))
    assert [(item.line, item.device, item.mount_point, item.kind, item.options) for item in found] == [
        (3, "UUID=ab-cd", "/", "ext4", ("defaults", "noatime")),
        (4, "/dev/vdb1", "/my data", "xfs", ()),
    ]


def test_fstab_is_bounded() -> None:
    found = collect_fstab(
        tree({"/etc/fstab": "/dev/" + "x" * 9000 + " /y ext4 " + "a," * 5000 + "\n" + "a b c\n" * 9000})
    )
    assert len(found) <= LIST_LIMIT
    assert all(len(item.device) <= TEXT_LIMIT and len(item.options) <= 20 for item in found)


# -------------------------------------------------------------------------------------------------- network

NETWORKS: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "netplan": (
        "/etc/netplan/01-own.yaml",
        "network:\n  version: 2\n  ethernets:\n    ens3:\n      addresses: [10.0.0.5/24]\n      gateway4: 10.0.0.1\n"
        "      match:\n        macaddress: 52:54:00:AA:bb:01\n    eth1:\n      dhcp4: yes\n      nameservers:\n"
        "        addresses: [10.0.0.2]\n  vlans: {}\n",
        [
            {"name": "ens3", "addresses": ("10.0.0.5/24",), "mac": "52:54:00:aa:bb:01", "is_dhcp": False, "line": 4},
            {"name": "eth1", "addresses": (), "is_dhcp": True, "line": 9},
        ],
    ),
    "netplan, addresses one a line": (
        "/etc/netplan/01-own.yaml",
        "network:\n    ethernets:\n        eth0:\n            addresses:\n            - 10.1.0.5/16\n",
        [{"name": "eth0", "addresses": ("10.1.0.5/16",), "is_dhcp": False}],
    ),
    "netplan of cloud-init": (
        "/etc/netplan/50-cloud-init.yaml", "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n", [{"is_generated": True}],
    ),
    "ifcfg": (
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
        'DEVICE="eth0"\nBOOTPROTO=static\nIPADDR=10.0.0.5 # old\nHWADDR=52:54:00:12:34:56\n',
        [{"name": "eth0", "addresses": ("10.0.0.5",), "mac": "52:54:00:12:34:56", "line": 3, "is_dhcp": False}],
    ),
    "ifcfg of cloud-init": (
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
        "# Created by cloud-init on instance boot automatically, do not edit.\nBOOTPROTO=dhcp\nDEVICE=eth0\n",
        [{"is_dhcp": True, "is_generated": True}],
    ),
    "wicked": ("/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='dhcp'\n", [{"name": "eth0", "is_dhcp": True}]),
    "interfaces": (
        "/etc/network/interfaces",
        "auto lo\niface lo inet loopback\nallow-hotplug ens5\niface ens5 inet static\n address 10.0.0.9\n hwaddress ether "
        "52:54:00:00:00:01\n",
        [{"name": "ens5", "addresses": ("10.0.0.9",), "mac": "52:54:00:00:00:01"}],
    ),
    "NetworkManager": (
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        "[connection]\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=manual\naddress1=10.0.0.7/24,10.0.0.1\n"
        "[ethernet]\nmac-address=52:54:00:00:00:02\n",
        [{"name": "eth0", "addresses": ("10.0.0.7/24",), "mac": "52:54:00:00:00:02", "is_dhcp": False}],
    ),
    "a VPN of NetworkManager": ("/etc/NetworkManager/system-connections/vpn", "[connection]\ntype=vpn\n", []),
    "networkd": (
        "/etc/systemd/network/10-eth.network", "[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n", [{"name": "eth0", "is_dhcp": True}],
    ),
    "networkd by pattern": (
        "/etc/systemd/network/10-all.network", "[Match]\nName=e*\n[Network]\nAddress=10.0.0.3/24\nDHCP=no\n",
        [{"name": "", "addresses": ("10.0.0.3/24",), "is_dhcp": False}],
    ),
    "a link of networkd": (
        "/etc/systemd/network/10-net.link", "[Match]\nMACAddress=52:54:00:00:00:03\n[Link]\nName=lan0\n",
        [{"name": "lan0", "mac": "52:54:00:00:00:03"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_every_renderer_is_read(name: str) -> None:
    path, text, expected = NETWORKS[name]
    found = collect_network(tree({path: text})).interfaces
    assert len(found) == len(expected)
    for interface, wanted in zip(found, expected, strict=True):
        assert isinstance(interface, Interface)
        assert {key: getattr(interface, key) for key in wanted} == wanted
        assert interface.file == path


# ----------------------------------------------------------------------------------------------- cloud-init

LISTS = {
    "datasource_list: [ ConfigDrive, TencentCloud ]\n": ("ConfigDrive", "TencentCloud"),
    "datasource_list: ['AliYun', \"None\"]  # ours\n": ("AliYun", "None"),
    "datasource_list:\n  - AliYun\n\n  # a comment\n  - None\nother: 1\n  - Not\n": ("AliYun", "None"),
    "datasource_list: [\n  ConfigDrive,\n  None,\n]\n": ("ConfigDrive", "None"),
    "datasource_list: AliYun\n": ("AliYun",),
    "datasource_list: []\n": (),
    "# datasource_list: [ NoCloud ]\n": None,
    "system_info:\n  datasource_list: [ Ec2 ]\n": None,
    "": None,
}


@pytest.mark.parametrize("text", LISTS)
def test_lists_of_data_sources_are_read_in_every_notation(text: str) -> None:
    assert collect_cloud_init(tree({"/etc/cloud/cloud.cfg": text}), None).datasources == LISTS[text]


def test_later_files_win() -> None:
    files: dict[str, Content] = {
        "/etc/cloud/cloud.cfg": "datasource_list: [ Ec2 ]\nmanual_cache_clean: yes\n",
        "/etc/cloud/cloud.cfg.d/90_dpkg.cfg": "datasource_list: [ AliYun ]\n",
        "/etc/cloud/cloud.cfg.d/95_own.cfg": "manual_cache_clean: false\nnetwork:\n  config: disabled\n",
        "/etc/cloud/cloud.cfg.d/README": "datasource_list: [ NoCloud ]\n",
    }
    found = collect_cloud_init(tree(files), None)
    assert (found.datasources, found.datasources_at) == (("AliYun",), "/etc/cloud/cloud.cfg.d/90_dpkg.cfg:1")
    assert (found.manual_cache_clean_at, found.network_disabled_at) == ("", "/etc/cloud/cloud.cfg.d/95_own.cfg:3")
    one_line = tree({"/etc/cloud/cloud.cfg": "network: {config: disabled}\n"})
    assert collect_cloud_init(one_line, None).network_disabled_at == "/etc/cloud/cloud.cfg:1"


STATUS = "Package: a\n\nPackage: cloud-init\nVersion: 20.1\n\n"


def test_cloud_init_is_found_as_it_is_installed() -> None:
    site = "/usr/lib/python3.6/site-packages/cloudinit"
    files: dict[str, Content] = {
        f"{site}/version.py": "__VERSION__ = '23.4'\n_PACKAGED_VERSION = '23.4-7.el8.1'\n",
        f"{site}/sources/DataSourceAliYun.py": "", f"{site}/sources/helpers/x.py": "",
        "/etc/systemd/system/cloud-init.target.wants/cloud-init.service": "",
    }  # fmt: skip
    found = collect_cloud_init(tree(files), None)
    assert (found.is_installed, found.version, found.shipped, found.is_enabled) == (
        True,
        "23.4-7.el8.1",
        ("aliyun",),
        True,
    )
    packaged: dict[str, Content] = {
        "/usr/bin/cloud-init": "",
        "/var/lib/dpkg/status": STATUS,
    }
    assert collect_cloud_init(tree(packaged), None).version == "20.1"
    assert not collect_cloud_init(tree({"/etc/cloud/cloud.cfg": ""}), None).is_installed


def test_what_switches_cloud_init_off() -> None:
    boot = Boot(entries=(BootEntry("/boot/grub/grub.cfg", 7, arguments="ro cloud-init=disabled", is_default=True),))
    assert collect_cloud_init(tree({"/x": ""}), boot).disabled_at == "/boot/grub/grub.cfg:7"
    masked = MemoryTree({"/x": ""}, {"/etc/systemd/system/cloud-init.service": "/dev/null"})
    assert collect_cloud_init(masked, None).disabled_at == "/etc/systemd/system/cloud-init.service"


# ------------------------------------------------------------------------------------------------ the system

SYSTEMS: dict[str, tuple[dict[str, Content], tuple[str, str, str]]] = {
    "os-release": ({"/usr/lib/os-release": 'ID="alinux"\nVERSION_ID="3"\nPRETTY_NAME="Alibaba Cloud Linux 3"\n'},
                   ("alinux", "3", "Alibaba Cloud Linux 3")),
    "redhat-release": ({"/etc/redhat-release": "CentOS release 6.10 (Final)\n"}, ("centos", "6.10", "CentOS 6.10")),
    "debian_version": ({"/etc/debian_version": "7.11\n"}, ("debian", "7.11", "debian 7.11")),
    "nothing": ({"/etc/fstab": "", "/etc/os-release": b"\xff\xfe\x00"}, ("", "", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_are_recognised(name: str) -> None:
    files, expected = SYSTEMS[name]
    found = collect_os(tree({**files, "/bin/sh": ELF_ARM}))
    assert (found.id, found.version, found.name) == expected
    assert (found.kind, found.architecture) == ("linux", "arm64")


def test_other_systems_are_told_apart() -> None:
    assert collect_os(tree({"/bin/freebsd-version": "", "/etc/fstab": ""})).kind == "freebsd"
    assert collect_os(tree({"/data/photo.jpg": b""})).kind == ""


def test_sshd_takes_the_first_of_a_setting_and_stops_at_match() -> None:
    text = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMatch User x\nPasswordAuthentication no\n"
    files: dict[str, Content] = {"/etc/ssh/sshd_config": text, "/etc/ssh/sshd_config.d/50.conf": "permitrootlogin=No\n"}
    found = collect_access(tree(files))
    assert found.root_login
    assert (found.root_login.at, found.root_login.value) == ("/etc/ssh/sshd_config.d/50.conf:1", "no")
    assert found.password_login is None


def test_public_mirrors_are_no_leftovers() -> None:
    files: dict[str, Content] = {
        "/etc/apt/sources.list": "deb http://mirrors.aliyun.com/debian x main\ndeb http://mirrors.tencent.com/x y main\n",
        "/etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://mirrors.cloud.aliyuncs.com/epel\n",
        "/etc/docker/daemon.json": '{"registry-mirrors": ["https://mirror.ccs.tencentyun.com"]}',
        "/etc/resolv.conf": "# Generated by NetworkManager\nnameserver 183.60.83.19\n",
    }
    found = [(item.vendor, item.name, item.at) for item in collect_leftovers(tree(files))]
    assert found == [
        ("tencent", "mirror.ccs.tencentyun.com", "/etc/docker/daemon.json:1"),
        ("alibaba", "mirrors.cloud.aliyuncs.com", "/etc/yum.repos.d/a.repo:2"),
    ]
