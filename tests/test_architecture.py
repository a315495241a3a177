"""The floors of docs/explanation/architecture.md, kept by import contracts; and that light things stay light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_import_contracts_hold() -> None:
    words = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(ROOT / ".importlinter"), "--no-cache"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SDKS = ("tencentcloud", "qcloud_cos", "oss2", "alibabacloud_tea_openapi", "alibabacloud_ecs20140526")
READERS = ("pyvhdi", "pyvmdk", "pyfsext", "pyfsxfs", "pyfsntfs", "pyfsfat", "zstandard", "lz4", "oslo_utils")
HEAVY = (*SDKS, *READERS, "rich", "requests", "urllib3", "aiohttp", "sqlite3", "msgspec", "isal", "ssl")
#: Commands whose help is asked for; `""` is imgmove's own.
HELPED = ("", "export", "migrate", "doctor", "check", "roles", "roles show", "roles create", "jobs resume")


@pytest.mark.parametrize("words", [["--version"], *([*name.split(), "--help"] for name in HELPED)], ids=" ".join)
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom imgmove.cli.main import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")


@pytest.mark.parametrize(
    "module", ["imgmove", "imgmove.clouds.tencent", "imgmove.clouds.alibaba", "imgmove.sandbox", "imgmove.app.session"]
)
def test_no_sdk_is_imported_with_what_may_not_need_it(module: str) -> None:
    code = f"import sys, {module}\nprint([name for name in {(*SDKS, *READERS)!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _source_files() -> list[Path]:
    return sorted((ROOT / "imgmove").rglob("*.py"))


def test_every_module_says_in_its_first_line_what_lives_there() -> None:
    missing = [str(path) for path in _source_files() if not path.read_text("utf-8").startswith(('"""', "#!"))]
    assert missing == []


def test_files_fit_in_a_head() -> None:
    long = {path.name: count for path in _source_files() if (count := len(path.read_text("utf-8").splitlines())) > 500}
    assert long == {}
