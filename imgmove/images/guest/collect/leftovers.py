"""What a guest has of the cloud or the hypervisor that it ran on: agents and tools, mirrors, resolvers, time servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from imgmove.images.guest.collect.text_files import files_in, first_existing, lines, read_text
from imgmove.images.guest.facts import LIST_LIMIT, Leftover, bounded
from imgmove.images.guest.files import FileTree

#: Agents of the clouds, and tools of hypervisors: vendor, name, kind, where one of them is found.
AGENTS: Final = (
    ("tencent", "Cloud Workload Protection (YunJing)", "agent", ("/usr/local/qcloud/YunJing",)),
    ("tencent", "Cloud Monitor (stargate, barad)", "agent", ("/usr/local/qcloud/stargate", "/usr/local/qcloud/monitor")),
    ("tencent", "TencentCloud Automation Tools (tat_agent)", "agent",
     ("/usr/local/qcloud/tat_agent", "/etc/systemd/system/tat_agent.service", "/usr/lib/systemd/system/tat_agent.service")),
    ("tencent", "qcloud scripts", "agent", ("/usr/local/qcloud",)),
    ("alibaba", "Security Center (aegis)", "agent", ("/usr/local/aegis", "/etc/systemd/system/aegis.service")),
    ("alibaba", "Cloud Assistant (aliyun-service)", "agent",
     ("/usr/local/share/aliyun-assist", "/etc/systemd/system/aliyun.service", "/usr/sbin/aliyun-service")),
    ("alibaba", "CloudMonitor (argusagent)", "agent", ("/usr/local/cloudmonitor",)),
    ("vmware", "open-vm-tools", "tools", ("/usr/bin/vmtoolsd", "/usr/sbin/vmtoolsd", "/etc/vmware-tools",
                                          "/Program Files/VMware/VMware Tools")),
    ("virtualbox", "VirtualBox Guest Additions", "tools",
     ("/usr/sbin/VBoxService", "/opt/VBoxGuestAdditions", "/usr/bin/VBoxClient",
      "/Program Files/Oracle/VirtualBox Guest Additions")),
    ("xen", "Xen guest tools", "tools", ("/usr/sbin/xe-daemon", "/usr/sbin/xe-linux-distribution",
                                         "/Program Files/Citrix/XenTools")),
    ("parallels", "Parallels Tools", "tools", ("/usr/bin/prltoolsd", "/usr/lib/parallels-tools")),
    ("hyper-v", "Hyper-V daemons", "tools", ("/usr/sbin/hv_kvp_daemon", "/usr/sbin/hypervkvpd")),
    ("azure", "Azure agent (walinuxagent)", "tools", ("/usr/sbin/waagent", "/usr/bin/waagent")),
    ("google", "Google guest agent", "tools", ("/usr/bin/google_guest_agent",)),
    ("amazon", "EC2 tools (SSM agent)", "tools", ("/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent")),
    ("qemu", "qemu-guest-agent", "guest-agent", ("/usr/bin/qemu-ga", "/usr/sbin/qemu-ga",
                                                 "/Program Files/Qemu-ga/qemu-ga.exe")),
)  # fmt: skip
#: Names that only resolve, and addresses that only answer, inside one cloud.
_INTERNAL: Final = (
    ("tencent", re.compile(r"[\w.-]{0,60}\.tencentyun\.com\b")),
    ("alibaba", re.compile(r"[\w.-]{0,60}(?:\.cloud|-internal)\.aliyuncs\.com\b")),
    ("tencent", re.compile(r"\b183\.60\.8[23]\.(?:19|98)\b")),
    ("alibaba", re.compile(r"\b100\.100\.(?:2\.13[68]|\d{1,3}\.\d{1,3})\b")),
)
_TIME_HOSTS: Final = (
    ("tencent", re.compile(r"\btime\d?\.tencentyun\.com\b")),
    ("alibaba", re.compile(r"\bntp\d{0,2}\.cloud\.aliyuncs\.com\b|\b100\.100\.(?:3|5|61)\.\d{1,3}\b")),
)
#: Kinds of files: the kind of leftover, single files, folders with the endings of their files.
_PLACES: Final = (
    ("mirror", ("/etc/apt/sources.list", "/etc/pip.conf", "/root/.pip/pip.conf", "/root/.config/pip/pip.conf",
                "/etc/docker/daemon.json", "/etc/yum.conf", "/etc/apk/repositories", "/root/.npmrc"),
     (("/etc/apt/sources.list.d", (".list", ".sources")), ("/etc/yum.repos.d", (".repo",)),
      ("/etc/zypp/repos.d", (".repo",)), ("/etc/apt/apt.conf.d", ("",)))),
    ("resolver", ("/etc/resolv.conf", "/etc/systemd/resolved.conf", "/etc/resolvconf/resolv.conf.d/base"),
     (("/etc/systemd/resolved.conf.d", (".conf",)), ("/etc/netplan", (".yaml",)),
      ("/etc/sysconfig/network-scripts", ("",)))),
    ("time", ("/etc/chrony.conf", "/etc/chrony/chrony.conf", "/etc/ntp.conf", "/etc/systemd/timesyncd.conf"),
     (("/etc/chrony.d", (".conf",)), ("/etc/chrony/sources.d", (".sources",)),
      ("/etc/systemd/timesyncd.conf.d", (".conf",)))),
    ("hosts", ("/etc/hosts",), ()),
)  # fmt: skip


def collect_leftovers(tree: FileTree) -> tuple[Leftover, ...]:
    """Everything found, one line a thing; of one file and vendor only the first mention."""
    return (*tuple(_agents(tree)), *tuple(_mentions(tree)))[:LIST_LIMIT]


def _agents(tree: FileTree) -> Iterator[Leftover]:
    seen = set()
    for vendor, name, kind, paths in AGENTS:
        path = first_existing(tree, paths)
        # The common folder of a vendor's agents says nothing more once one of them was named.
        if path and not (name == "qcloud scripts" and "tencent" in seen):
            seen.add(vendor)
            yield Leftover(vendor, name, path, kind)


def _mentions(tree: FileTree) -> Iterator[Leftover]:
    for kind, files, folders in _PLACES:
        paths = [
            *(path for path in files if not _is_written_anew(tree, path)),
            *(path for folder, endings in folders for path in files_in(tree, folder, endings)),
        ]
        for path in paths:
            yield from _in_file(tree, path, kind)


def _is_written_anew(tree: FileTree, path: str) -> bool:
    """A resolv.conf that DHCP wrote, and will write again."""
    if path != "/etc/resolv.conf":
        return False
    text = (read_text(tree, path, 4096) or "").lower()
    return any(words in text for words in ("generated by", "managed by", "dynamic resolv.conf"))


def _in_file(tree: FileTree, path: str, kind: str) -> Iterator[Leftover]:
    seen = set()
    for line in lines(tree, path):
        for vendor, pattern in _TIME_HOSTS if kind == "time" else _INTERNAL:
            match = pattern.search(line.text)
            if match and vendor not in seen:
                seen.add(vendor)
                yield Leftover(vendor, bounded(match[0], 100), line.at, kind)
