"""ext2, ext3 and ext4 by mke2fs, filled from a tree."""

from __future__ import annotations

from pathlib import Path

from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import empty
from tests.images.real.tree import Tree

# As Debian makes ext4, but for 64bit, which ECS refuses.
FEATURES = {"ext2": "^64bit", "ext3": "^64bit", "ext4": "^64bit,metadata_csum"}
CONFIG = "[defaults]\n\tbase_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr\n" \
    "\tdefault_mntopts = acl,user_xattr\n\tenable_periodic_fsck = 0\n\tblocksize = 4096\n\tinode_size = 256\n" \
    "\tinode_ratio = 16384\n[fs_types]\n\text3 = {\n\t\tfeatures = has_journal\n\t}\n\text4 = {\n\t\tfeatures = " \
    "has_journal,extent,huge_file,flex_bg,dir_nlink,extra_isize\n\t}\n"  # fmt: skip
"""A configuration of our own, so that one machine's habits make no difference."""


def make(path: Path, tree: Tree, scratch: Path, size: int, kind: str = "ext4", *, features: str = "", uuid: str,
         label: str = "", block: int = 4096, journal_mib: int = 4) -> Path:  # fmt: skip
    """A file system of `size` bytes in `path`, with the tree in it, owned as the tree says."""
    folder = scratch / "files"
    folder.mkdir()
    _put_files(tree, folder)
    (scratch / "mke2fs.conf").write_text(CONFIG)
    chosen = ",".join(filter(None, (FEATURES[kind], features)))
    journal = ("-J", f"size={journal_mib}") if kind != "ext2" else ()
    settings = f"root_owner=0:0,hash_seed={uuid},nodiscard,lazy_itable_init=0"
    run(
        *("e2fsprogs", "mke2fs", "-q", "-F", "-t", kind, "-O", chosen, "-b", str(block), "-U", uuid, "-L", label),
        *(*journal, "-E", settings, "-d", folder, empty(path, size)),
        MKE2FS_CONFIG=str(scratch / "mke2fs.conf"),
    )
    _put_owners(tree, path, scratch)
    return path


def edit(path: Path, scratch: Path, *commands: str) -> str:
    """Have debugfs do things to the file system."""
    script = scratch / "commands"
    script.write_text("".join(f"{command}\n" for command in commands))
    return run("e2fsprogs", "debugfs", "-w", "-f", script, path)


def _put_files(tree: Tree, folder: Path) -> None:
    for path, node in tree:
        place = folder / path.lstrip("/")
        if node.kind == "symlink":
            place.symlink_to(node.content.decode())
        elif node.kind == "directory":
            place.mkdir()
        else:
            place.write_bytes(node.content)
            place.chmod(node.mode | 0o400)


def _put_owners(tree: Tree, path: Path, scratch: Path) -> None:
    """What the files could not have while they were ours: others' owners, and modes that keep their owner out."""
    types = {"file": 0o100000, "directory": 0o040000, "symlink": 0o120000}
    commands = []
    for name, node in tree:
        found = (scratch / "files" / name.lstrip("/")).lstat()
        wanted = {"mode": types[node.kind] | node.mode, "uid": node.uid, "gid": node.gid}
        there = {"mode": found.st_mode, "uid": found.st_uid, "gid": found.st_gid}
        commands += [f'sif "{name}" {field} 0{wanted[field]:o}' for field in wanted if wanted[field] != there[field]]
    if commands:
        edit(path, scratch, *commands)
