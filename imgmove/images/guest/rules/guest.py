"""A guest and its destination, as rules look at them: facts and layout with the questions that several rules ask."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import Final

from imgmove.images.guest.facts import BootEntry, GuestFacts, Interface, Kernel, OperatingSystem
from imgmove.images.guest.layout import DiskLayout, FileSystem, Partition
from imgmove.images.guest.rules.catalogue import ALIBABA, ECM, TENCENT, Target

CLOUD_OF: Final = {TENCENT: "tencent", ECM: "tencent", ALIBABA: "alibaba"}
CLOUD_TITLES: Final = {"tencent": "Tencent Cloud", "alibaba": "Alibaba Cloud"}
GIB: Final = 1 << 30


@dataclass(frozen=True)
class Guest:
    """What is judged. `facts` are those of an empty guest where there is no root file system to read."""

    target: Target
    layout: DiskLayout
    facts: GuestFacts

    @property
    def os(self) -> OperatingSystem:
        return self.facts.os or OperatingSystem()

    @property
    def root(self) -> FileSystem | None:
        """The root file system."""
        where = self.facts.root_where
        return next((system for system in self.layout.file_systems if where and system.where == where), None)

    @property
    def root_partition(self) -> Partition | None:
        """The partition that the root lies in; None for a volume on several, or on none."""
        number = self.root.partition if self.root else None
        return next((part for part in self.layout.partitions if part.number == number), None)

    @property
    def target_cloud(self) -> str:
        """The cloud that the destination belongs to; empty for one that we do not know."""
        return CLOUD_OF.get(self.target.provider, "")

    @property
    def target_title(self) -> str:
        return CLOUD_TITLES.get(self.target_cloud, self.target.provider)

    @property
    def is_arm(self) -> bool:
        return self.os.architecture == "arm64"

    @property
    def boot_mode(self) -> str:
        """How the machine will start: what the import asks for, else the destination's default."""
        return self.target.boot_mode or ("uefi" if self.is_arm else "bios")

    @property
    def kernel(self) -> Kernel | None:
        """The kernel that starts when nobody chooses."""
        return next((item for item in self.facts.kernels or () if item.is_default), None)

    @property
    def entry(self) -> BootEntry | None:
        """The boot entry that starts when nobody chooses."""
        return next((item for item in self.facts.boot.entries if item.is_default), None) if self.facts.boot else None

    @property
    def has_working_cloud_init(self) -> bool:
        """cloud-init is there and will run."""
        found = self.facts.cloud_init
        return bool(found and found.is_installed and not found.disabled_at and found.is_enabled is not False)

    def is_rewritten(self, interface: Interface) -> bool:
        """cloud-init writes this interface's file anew on a new machine."""
        found = self.facts.cloud_init
        return interface.is_generated and self.has_working_cloud_init and not (found and found.network_disabled_at)

    def install(self, package: str, rpm: str = "") -> str:
        """How a package is installed on this guest, in words that hold the command."""
        commands = {
            "dpkg": f"`apt-get install -y {package}`",
            "rpm": f"`dnf install -y {rpm or package}` (or yum, zypper)",
            "apk": f"`apk add {package}`",
            "pacman": f"`pacman -S {package}`",
        }
        return commands.get(self.os.packages, f"install {package} with the guest's package manager")

    def rebuild_initramfs(self, driver: str = "") -> str:
        """How the default kernel's initramfs is built again, with a driver that it lacks; words that hold the command.

        Names come from the image: they are quoted, as somebody will paste this into a shell.
        """
        kernel = self.kernel
        version = quote(kernel.version) if kernel and kernel.version else "$(uname -r)"
        image = quote(kernel.initramfs) if kernel and kernel.initramfs else f"/boot/initramfs-{version}.img"
        maker = kernel.initramfs_maker if kernel else ""
        if maker == "initramfs-tools":
            first = f"echo {driver} >> /etc/initramfs-tools/modules && " if driver else ""
            return f"`{first}update-initramfs -u -k {version}`"
        if maker == "dracut":
            first = f"echo 'add_drivers+=\" {driver} \"' > /etc/dracut.conf.d/{driver}.conf && " if driver else ""
            return f"`{first}dracut -f {image} {version}`"
        if maker == "mkinitcpio":
            return (
                f"add {driver} to MODULES=() in /etc/mkinitcpio.conf, then `mkinitcpio -P`"
                if driver
                else "`mkinitcpio -P`"
            )
        if maker == "mkinitrd":
            return f"`mkinitrd -f {f'--with={driver} ' if driver else ''}{image} {version}`"
        if maker == "mkinitfs":
            first = f"add {driver} to a file in /etc/mkinitfs/features.d, then " if driver else ""
            return f"{first}`mkinitfs {version}`"
        return f"build the initramfs of kernel {version} again" + (f" with the driver {driver} in it" if driver else "")

    def update_grub(self) -> str:
        """The command that writes GRUB's configuration anew."""
        if self.os.packages == "dpkg":
            return "update-grub"
        return "grub2-mkconfig -o /boot/grub2/grub.cfg"
