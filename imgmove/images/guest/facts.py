"""Facts of a guest: what its files say of how it boots and who it is. Plain data, bounded; from hostile bytes, so never trusted.

Facts hold no keys, no passwords and no contents of `/etc/shadow`. An empty string or None means: not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: No text in the facts is longer, except for kernel command lines.
TEXT_LIMIT: Final = 240
ARGUMENTS_LIMIT: Final = 1000
#: No list in the facts is longer.
LIST_LIMIT: Final = 100


def bounded(value: object, limit: int = TEXT_LIMIT) -> str:
    """`value` as text that can be written as JSON: undecodable bytes and half characters replaced, cut at `limit`."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True)
class NotLooked:
    """What could not be read, and why. `area` is the collector that wanted it (`kernels`, `fstab`…)."""

    path: str
    why: str
    area: str = ""


@dataclass(frozen=True)
class Mention:
    """A value at a place in a file; `line` counts from 1, 0 where the whole file is meant."""

    file: str
    line: int = 0
    value: str = ""

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class OperatingSystem:
    kind: str = ""
    """`linux`, `windows`, `freebsd`; empty for one that was not recognised."""
    id: str = ""
    """os-release's ID, or as it would be: `debian`, `centos`."""
    id_like: tuple[str, ...] = ()
    version: str = ""
    name: str = ""
    """As people call it: `Debian GNU/Linux 12 (bookworm)`."""
    architecture: str = ""
    """`x86_64`, `i386`, `arm64`, or the ELF machine's number."""
    init: str = ""
    """`systemd`, `sysvinit`, `upstart`, `openrc`, `busybox`."""
    packages: str = ""
    """`dpkg`, `rpm`, `apk`, `pacman`: what fixes are written for."""


@dataclass(frozen=True)
class FstabEntry:
    line: int
    device: str
    mount_point: str
    kind: str = ""
    options: tuple[str, ...] = ()
    file: str = "/etc/fstab"

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class BootEntry:
    """One thing that the boot loader can start. Paths are the guest's, as far as they could be found there."""

    file: str
    line: int
    title: str = ""
    kernel: str = ""
    initramfs: str = ""
    arguments: str = ""
    """The kernel's command line."""
    is_default: bool = False
    kernel_exists: bool | None = None
    initramfs_exists: bool | None = None

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Boot:
    """Boot loaders and what they are told to start."""

    entries: tuple[BootEntry, ...] = ()
    default_from: str = ""
    """Where the default entry's choice was read; empty where nothing said it."""
    grub_defaults: tuple[Mention, ...] = ()
    """The command lines in /etc/default/grub."""
    is_esp_seen: bool = False
    """The EFI system partition's files could be looked at."""
    efi_loaders: tuple[str, ...] = ()
    """What is in its EFI folder: paths in lower case, `efi/boot/bootx64.efi`."""
    unified_kernels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """A kernel and where the drivers are that it needs.

    `drivers` maps a driver to `builtin`, `initramfs`, `module` (on the root file system only), `absent`, or `unknown`.
    """

    version: str
    image: str = ""
    config: str = ""
    initramfs: str = ""
    initramfs_format: str = ""
    """How it is packed: `gzip`, `zstd`, `none`…; empty where it was not opened."""
    initramfs_maker: str = ""
    """`dracut`, `initramfs-tools`, `mkinitcpio`."""
    initramfs_problem: str = ""
    """Why it could not be read to its end, in words."""
    is_default: bool = False
    has_modules: bool = False
    """/lib/modules has a folder for it."""
    drivers: dict[str, str] = field(default_factory=dict)
    has_lvm_tools: bool | None = None
    """The initramfs can start logical volumes; None where it was not looked into far enough to know."""
    has_fw_cfg: bool | None = None
    """CONFIG_FW_CFG_SYSFS."""


@dataclass(frozen=True)
class CloudInit:
    is_installed: bool = False
    version: str = ""
    datasources: tuple[str, ...] | None = None
    """`datasource_list` as merged; None where no file sets it, so that cloud-init tries all it knows."""
    datasources_at: str = ""
    shipped: tuple[str, ...] = ()
    """The sources that the installed version has code for, lower case; empty where that was not seen."""
    identify: tuple[Mention, ...] = ()
    """Lines of ds-identify.cfg (`policy`, `datasource`)."""
    disabled_at: str = ""
    """The file, or the boot entry, that switches cloud-init off."""
    is_enabled: bool | None = None
    """Something starts it at boot."""
    manual_cache_clean_at: str = ""
    """Where `manual_cache_clean: true` stands: an old instance's data are then kept."""
    network_disabled_at: str = ""
    """Where `network: {config: disabled}` stands."""
    has_instance: bool = False
    """/var/lib/cloud holds the state of an earlier instance."""


@dataclass(frozen=True)
class Interface:
    """One network interface as one file sets it up."""

    file: str
    line: int
    renderer: str
    """`netplan`, `ifcfg`, `interfaces`, `networkmanager`, `networkd`, `wicked`."""
    name: str = ""
    """The interface's name, empty where it is matched by something else."""
    is_dhcp: bool = False
    addresses: tuple[str, ...] = ()
    mac: str = ""
    """The MAC address that it is bound to."""
    is_generated: bool = False
    """Written by cloud-init, which writes it again on a new instance."""

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Network:
    interfaces: tuple[Interface, ...] = ()
    persistent_rules: tuple[Mention, ...] = ()
    """udev rules that bind a name to a MAC address; the value is `eth0=52:54:00:…`."""
    ipv6_at: str = ""
    """Where an IPv6 address is set up by hand."""
    has_manager: bool = False
    """NetworkManager is there: without any file it asks DHCP on every card."""


@dataclass(frozen=True)
class Leftover:
    """Something of a cloud or a hypervisor. `vendor`: `tencent`, `alibaba`, `vmware`, `virtualbox`, `xen`, `qemu`…"""

    vendor: str
    name: str
    at: str
    kind: str = ""
    """`agent`, `tools`, `mirror`, `resolver`, `time`, `hosts`."""


@dataclass(frozen=True)
class Access:
    """How people get in. No keys and no passwords: only whether things are there."""

    ssh_server: bool = False
    ssh_enabled: bool | None = None
    root_login: Mention | None = None
    password_login: Mention | None = None
    shadow_mode: int | None = None
    """Permission bits of /etc/shadow; None where there is no such file."""
    has_shadow: bool = False
    selinux: Mention | None = None
    """SELINUX= of /etc/selinux/config."""
    relabel_at: str = ""
    """A flag that asks for a relabelling at the next start."""
    firewalls: tuple[str, ...] = ()
    """Firewalls that start at boot."""


@dataclass(frozen=True)
class Identity:
    machine_id: str = ""
    """`set`, `empty`, `uninitialized`, or empty for none; never the id itself."""
    host_keys: tuple[str, ...] = ()
    """Paths of the host's SSH keys."""
    cloud_instances: int = 0


@dataclass(frozen=True)
class WindowsService:
    """A driver in the current control set. `start` as Windows counts: 0 boot, 1 system, 2 auto, 3 demand, 4 disabled."""

    name: str
    start: int | None = None
    has_file: bool | None = None
    """The driver's file is where its service says, or where drivers are."""


@dataclass(frozen=True)
class Windows:
    product: str = ""
    version: str = ""
    """`6.1`, `10.0`."""
    build: str = ""
    installation: str = ""
    """`Server`, `Server Core`, `Client`."""
    services: dict[str, WindowsService] = field(default_factory=dict)
    """viostor, vioscsi, netkvm, stornvme as far as they are there, by lower-case name."""
    critical_devices: tuple[str, ...] = ()
    """Entries of CriticalDeviceDatabase for virtio's disks."""
    setup_state: str = ""
    """`IMAGE_STATE_COMPLETE`, `IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE`…"""
    pagefiles: tuple[str, ...] = ()
    boot_configurations: tuple[str, ...] = ()
    """BCD stores found: `bios`, `uefi`."""
    has_boot_manager: bool | None = None
    """`bootmgr` for BIOS is on the system partition; None where that could not be looked at."""
    is_hibernated: bool = False
    has_cloudbase_init: bool = False
    remote_desktop: bool | None = None


@dataclass(frozen=True)
class Sundries:
    """Small things that single rules ask for."""

    has_growpart: bool | None = None
    local_clock_at: str = ""
    """Where the hardware clock is said to run in local time."""
    crypttab: tuple[Mention, ...] = ()


@dataclass(frozen=True)
class GuestFacts:
    """All that was gathered. A part is None where its collector does not apply, or failed (see `not_looked`)."""

    root_where: str = ""
    """Which file system is the guest's root: a `FileSystem.where` of the layout; empty where none was found."""
    os: OperatingSystem | None = None
    fstab: tuple[FstabEntry, ...] | None = None
    boot: Boot | None = None
    kernels: tuple[Kernel, ...] | None = None
    cloud_init: CloudInit | None = None
    network: Network | None = None
    leftovers: tuple[Leftover, ...] | None = None
    access: Access | None = None
    identity: Identity | None = None
    windows: Windows | None = None
    sundries: Sundries | None = None
    not_looked: tuple[NotLooked, ...] = ()
