"""Builds the disks of the sandbox's default world: the same bytes each time, for one version of e2fsprogs.

    python scripts/build_seed_disk.py [--output DIRECTORY]

Needs mke2fs and debugfs, and no rights. The files on the disks are those under scripts/seed_disk/, with the owners,
modes, links and generated files of the tables below. They go in with debugfs, one by one in the order of their names:
`mke2fs -d` would take them in whatever order the build machine's file system lists them.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shlex
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from imgmove.sandbox.disks import convert, open_disk  # noqa: E402 - the repository's own, before any installed one

OUTPUT = ROOT / "imgmove" / "sandbox" / "seed"
MADE_WITH = "1.47.0"
"""The e2fsprogs that made the shipped disks. Others lay a file system out differently."""

SOURCE_DATE_EPOCH = os.environ.get("SOURCE_DATE_EPOCH", "1704067200")
MIB = 1 << 20
SECTOR = 512
FIRST_PARTITION = MIB
RELEASE = "6.1.0-seed-amd64"

# As Debian makes ext4, but for 64bit, which Alibaba's import refuses (alibaba.md 3.2).
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,"
    "dir_nlink,extra_isize,metadata_csum"
)
MKE2FS_CONFIG = "[defaults]\n\tbase_features = none\n[fs_types]\n\text4 = {\n\t\tfeatures = has_journal\n\t}\n"

# 16-bit code for 0x7C00: prints the text behind it with the BIOS, then halts for ever.
BOOT_CODE = bytes.fromhex("31c08ed8be197cfcac08c07409b40ebb0700cd10ebf2f4ebfd")
BOOT_TEXT = b"imgmove seed disk: there is no operating system inside.\r\n\0"


@dataclass(frozen=True)
class Disk:
    """A disk to build from the tree of the same name."""

    name: str
    file_name: str
    size_mib: int
    journal_mib: int
    signature: int
    uuid: str
    label: str
    active: bool


DISKS = (
    Disk("system", "seed-disk.qcow2", 1024, 16, 0x5EED0001, "5eed0d15-c000-4000-8000-000000000001", "root", True),
    Disk("data", "seed-data-disk.qcow2", 64, 4, 0x5EED0002, "5eed0d15-c000-4000-8000-000000000002", "data", False),
)
EMPTY_DIRECTORIES = {
    "system": (
        "dev etc/cloud/templates etc/systemd/system/multi-user.target.wants home home/debian media mnt opt proc run "
        "sys tmp usr/bin usr/lib64 usr/local usr/sbin usr/share var/cache var/lib/cloud var/log var/spool var/tmp"
    ),
    "data": "backup",
}
LINKS = {
    "system": {
        "bin": "usr/bin",
        "sbin": "usr/sbin",
        "lib": "usr/lib",
        "lib64": "usr/lib64",
        "etc/os-release": "../usr/lib/os-release",
        "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
        "etc/mtab": "../proc/self/mounts",
        "etc/systemd/system/sshd.service": "/lib/systemd/system/ssh.service",
        "etc/systemd/system/multi-user.target.wants/ssh.service": "/lib/systemd/system/ssh.service",
        "initrd.img": f"boot/initrd.img-{RELEASE}",
        "vmlinuz": f"boot/vmlinuz-{RELEASE}",
        "var/run": "/run",
    },
    "data": {},
}
# path -> (mode, owner, group) where these are not root's 0755 and 0644
RIGHTS = {
    "system": {
        "boot/grub/grub.cfg": (0o444, 0, 0),
        "etc/gshadow": (0o640, 0, 42),
        "etc/shadow": (0o640, 0, 42),
        "home/debian": (0o700, 1000, 1000),
        "root": (0o700, 0, 0),
        "tmp": (0o1777, 0, 0),
        "var/tmp": (0o1777, 0, 0),
    },
    "data": {"postgresql/15/main": (0o700, 104, 110), "web": (0o755, 33, 33), "web/uploads": (0o755, 33, 33)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where to put the disks (default: the package)")
    output: Path = parser.parse_args().output
    for disk in DISKS:
        with tempfile.TemporaryDirectory() as scratch:
            image = output / disk.file_name
            build(disk, image, Path(scratch))
        sys.stdout.write(f"{image}: {image.stat().st_size} bytes\n")


def build(disk: Disk, image: Path, scratch: Path) -> None:
    """Makes one disk and writes it to `image` as a compressed qcow2."""
    file_system = scratch / "file-system"
    make_file_system(disk, file_system, scratch)
    fill(disk, file_system, scratch)
    raw = scratch / "disk.raw"
    join(disk, file_system, raw)
    convert(raw, "raw", image, "qcow2", subformat="compressed")


def make_file_system(disk: Disk, path: Path, scratch: Path) -> None:
    """An empty ext4 for the disk's partition."""
    config = scratch / "mke2fs.conf"
    config.write_text(MKE2FS_CONFIG, encoding="ascii")
    with path.open("wb") as file:
        file.truncate(disk.size_mib * MIB - FIRST_PARTITION)
    settings = f"hash_seed={disk.uuid},nodiscard,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"
    run(
        *("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-I", "256", "-i", "16384", "-m", "5", "-O", FEATURES),
        *("-U", disk.uuid, "-L", disk.label, "-J", f"size={disk.journal_mib}", "-E", settings, str(path)),
        MKE2FS_CONFIG=str(config),
    )


def fill(disk: Disk, file_system: Path, scratch: Path) -> None:
    """Puts the files in."""
    script = scratch / "debugfs-commands"
    script.write_text("\n".join(commands(disk, scratch)) + "\n", encoding="utf-8")
    complaints = run("debugfs", "-w", "-f", str(script), str(file_system)).splitlines()[
        1:
    ]  # the first names the version
    if complaints:
        raise SystemExit("debugfs: " + "\n".join(complaints))


def commands(disk: Disk, scratch: Path) -> Iterator[str]:
    """What debugfs has to do, in the order of the paths: a directory comes before what is in it."""
    tree = ROOT / "scripts" / "seed_disk" / disk.name
    files = {str(path.relative_to(tree)): path for path in tree.rglob("*") if path.is_file()}
    for name, content in generated(disk).items():
        files[name] = scratch / name.replace("/", "_")
        files[name].write_bytes(content)
    links = LINKS[disk.name]
    directories = set(EMPTY_DIRECTORIES[disk.name].split())
    for path in [*files, *links, *directories]:
        directories.update(str(parent) for parent in Path(path).parents if str(parent) != ".")
    for path in sorted({*files, *links, *directories}):
        if path in links:
            yield f"symlink /{path} {links[path]}"
        elif path in directories:
            yield f"mkdir /{path}"
        else:
            yield f'write "{files[path]}" /{path}'
        if path not in links:
            mode, owner, group = RIGHTS[disk.name].get(path, (0o755 if path in directories else 0o644, 0, 0))
            yield f"set_inode_field /{path} mode 0{(0o40000 if path in directories else 0o100000) | mode:o}"
            yield f"set_inode_field /{path} uid {owner}"
            yield f"set_inode_field /{path} gid {group}"


def generated(disk: Disk) -> dict[str, bytes]:
    """The files that are no text."""
    if disk.name != "system":
        return {}
    return {
        f"boot/vmlinuz-{RELEASE}": kernel(),
        f"boot/initrd.img-{RELEASE}": initial_ram_disk(),
        "boot/grub/grubenv": b"# GRUB Environment Block\n".ljust(1024, b"#"),
        "etc/machine-id": b"",
    }


def kernel() -> bytes:
    """A kernel image by its header (Documentation/arch/x86/boot.rst), whose code stops the processor."""
    version = f"{RELEASE} (imgmove) there is no kernel inside\0".encode("ascii")
    halt = b"\xfa\xf4\xeb\xfd"  # cli; hlt; back to the hlt
    setup = bytearray(1024)
    struct.pack_into("<BHI", setup, 0x1F1, 1, 0, 1)  # one more sector of setup code, 16 bytes of kernel
    struct.pack_into("<H2s4sHIHH", setup, 0x1FE, 0xAA55, b"\xeb\x6a", b"HdrS", 0x020F, 0, 0, 0x100)
    struct.pack_into("<BBHI", setup, 0x210, 0xFF, 1, 0x8000, 0x100000)
    struct.pack_into("<II", setup, 0x22C, 0x7FFFFFFF, 0x200000)
    struct.pack_into("<HI", setup, 0x236, 0, 2047)
    setup[0x26C : 0x26C + len(halt)] = halt
    setup[0x300 : 0x300 + len(version)] = version
    return bytes(setup) + halt.ljust(16, b"\x90")


def initial_ram_disk() -> bytes:
    """A gzip-packed cpio archive in the kernel's "newc" format."""
    init = "#!/bin/sh\necho 'imgmove seed disk: there are no programs inside.'\n"
    entries = [
        ("conf", 0o40755, b""),
        ("conf/initramfs.conf", 0o100644, b"MODULES=most\nBUSYBOX=auto\nCOMPRESS=gzip\n"),
        ("conf/modules", 0o100644, b"virtio_blk\nvirtio_scsi\nvirtio_net\nnvme\next4\n"),
        ("init", 0o100755, init.encode("ascii")),
        ("TRAILER!!!", 0, b""),
    ]
    archive = b"".join(cpio_entry(number, *entry) for number, entry in enumerate(entries, start=1))
    return gzip.compress(archive.ljust(-(-len(archive) // SECTOR) * SECTOR, b"\0"), 9, mtime=0)


def cpio_entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    """One entry: magic, thirteen numbers of eight hexadecimal digits, name and content, each filled up to four bytes."""
    links = 2 if mode & 0o40000 else 1
    fields = (number, mode, 0, 0, links, int(SOURCE_DATE_EPOCH), len(content), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode("ascii") + b"\0"
    return padded(header) + padded(content)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def join(disk: Disk, file_system: Path, raw: Path) -> None:
    """Writes the boot sector with its partition table, and the file system behind it."""
    first, sectors = FIRST_PARTITION // SECTOR, (disk.size_mib * MIB - FIRST_PARTITION) // SECTOR
    no_geometry = b"\xfe\xff\xff"
    entry = struct.pack("<B3sB3sII", 0x80 * disk.active, no_geometry, 0x83, no_geometry, first, sectors)
    boot = (BOOT_CODE + BOOT_TEXT).ljust(440, b"\0")
    with raw.open("wb") as target, open_disk(file_system, "raw") as source:
        target.write(boot + struct.pack("<IH", disk.signature, 0) + entry.ljust(64, b"\0") + b"\x55\xaa")
        for extent in source.extents():
            if extent.data is not None:
                target.seek(FIRST_PARTITION + extent.offset)
                target.write(extent.data)
        target.truncate(disk.size_mib * MIB)


def run(*command: str, **environment: str) -> str:
    """Runs a program at the time of SOURCE_DATE_EPOCH; returns what it said on standard error."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    environment |= {"PATH": path, "LC_ALL": "C", "TZ": "UTC", "E2FSPROGS_FAKE_TIME": SOURCE_DATE_EPOCH}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stderr


if __name__ == "__main__":
    main()
