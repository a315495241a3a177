"""What tests need from the machine, and how they say that it is not there."""

import os
import shutil
from typing import NoReturn

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
"""Where Debian has what makes file systems; not on everybody's PATH."""


def find_program(name: str) -> str | None:
    """The path of a program, also where only root looks for it."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(SYSTEM_FOLDERS))


def program(name: str, package: str) -> str:
    """The path of a program that a test cannot do without; `package` is Debian's name of where it comes from."""
    return find_program(name) or not_run(f"{name} is not installed ({package})")


def not_run(why: str) -> NoReturn:
    """Say plainly that a test was not run. In CI, where everything has to be there, it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"not run, and CI has to run it: {why}")
    pytest.skip(f"not run: {why}")


def _has(name: str) -> bool:
    return find_program(name) is not None


needs_qemu_img = pytest.mark.skipif(not _has("qemu-img"), reason="not run: qemu-img is not installed (qemu-utils)")
needs_tar = pytest.mark.skipif(not _has("tar"), reason="not run: tar is not installed")
