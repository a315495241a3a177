"""A whole Debian, from its packages: mmdebstrap without rights, its true kernel, initramfs, GRUB, cloud-init, OpenSSH."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.images.real.disks.running import run
from tests.images.real.exclusive import alone
from tests.tools import not_run, program

ROOT_UUID = "44444444-2222-4333-8444-555555555555"
ESP_UUID = "BEEF-5678"
PACKAGES = (
    "cloud-guest-utils", "cloud-init", "e2fsprogs", "grub-efi-amd64-bin", "grub-pc-bin", "grub2-common", "ifupdown",
    "initramfs-tools", "isc-dhcp-client", "linux-image-cloud-amd64", "openssh-server", "systemd-sysv", "zstd",
)  # fmt: skip
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/bin/py3compile")
"""What no image is judged by; the last one takes longest."""
PREPARE = Path(__file__).with_name("prepare-distribution.sh")
BUILD_SECONDS = 600


def distribution(folder: Path) -> Path:
    """The root as a tar archive, built once in `folder`; other processes wait for it. Says why where it cannot be."""
    archive, failed = folder / "distribution.tar", folder / "distribution.failed"
    with alone(folder / "distribution.lock"):
        if not archive.exists() and not failed.exists():
            _build(archive, failed)
    if failed.exists():
        not_run(failed.read_text())
    return archive


def _build(archive: Path, failed: Path) -> None:
    """With failures written down: what failed once is not tried again in this run."""
    command = program("mmdebstrap", "mmdebstrap")
    sources = own_sources()
    if not sources:
        failed.write_text("this machine's apt knows no Debian archive to build a distribution from")
        return
    half = archive.with_name("distribution-half.tar")
    words = [command, "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}", "--dpkgopt=force-unsafe-io"]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    words += [f'--customize-hook={PREPARE} "$1" {ROOT_UUID} {ESP_UUID}', _codename(), str(half), "-"]
    told = _told(words, "\n".join(sources))
    if told is None:
        half.replace(archive)
    else:
        failed.write_text(told)


def _told(words: list[str], stdin: str) -> str | None:
    """Run it; why it failed, or None."""
    settings = os.environ | {"LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "1704067200"}
    try:
        done = subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=BUILD_SECONDS, env=settings, check=False
        )
    except subprocess.TimeoutExpired:
        return f"mmdebstrap took more than {BUILD_SECONDS} seconds"
    return f"mmdebstrap failed: {done.stderr.strip()[-1500:]}" if done.returncode else None


def own_sources() -> list[str]:
    """The Debian archives that this machine's apt is set up with, as lines of a sources.list."""
    wanted = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    told = run("apt", "apt-get", "indextargets", "--format", wanted, "Created-By: Packages")
    found = sorted({line for line in told.splitlines() if len(line.split()) == 3})
    codename = _codename()
    return [f"deb {line}" for line in found if line.split()[1].startswith(codename) and line.split()[2] == "main"]


def _codename() -> str:
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if release.get("ID") != "debian":
        not_run("this machine is no Debian, and another's packages are not what it can build from")
    return release["VERSION_CODENAME"].strip('"')
