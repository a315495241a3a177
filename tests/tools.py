"""What tests need from the machine, and how they say that it is not there."""

import shutil
from pathlib import Path

import pytest


def _has(program: str) -> bool:
    return shutil.which(program) is not None or any(Path(folder, program).exists() for folder in ("/sbin", "/usr/sbin"))


needs_qemu_img = pytest.mark.skipif(not _has("qemu-img"), reason="not run: qemu-img is not installed (qemu-utils)")
needs_tar = pytest.mark.skipif(not _has("tar"), reason="not run: tar is not installed")
