"""The files of the vendor's tools: tccli's profiles, and the SDK's `credentials` (tencent.md 5)."""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from imgmove.core.errors import ImgmoveError, usage_error
from imgmove.core.settings import Settings

#: The variables that choose a tccli profile: its own, then Terraform's.
PROFILE_VARIABLES: Final = ("TCCLI_PROFILE", "TENCENTCLOUD_PROFILE")
#: The SDK's second place.
SYSTEM_CREDENTIALS: Final = Path("/etc/tencentcloud/credentials")

_SYSTEM_PARAMETERS: Final = "_sys_param"


def tccli_directory(settings: Settings) -> Path:
    return settings.home / ".tccli"


def profile_name(settings: Settings) -> str:
    """The tccli profile in use: the one that the user named, the environment's, or `default`."""
    from_environment = (settings.environment.get(name, "") for name in PROFILE_VARIABLES)
    return settings.vendor_profile or next((name for name in from_environment if name), "default")


def credential_path(settings: Settings) -> Path:
    return tccli_directory(settings) / f"{_file_name(profile_name(settings))}.credential"


def tccli_credential(settings: Settings) -> Mapping[str, Any] | None:
    """What `tccli configure` or `tccli auth login` wrote for the profile; None where there is no file."""
    return _json_file(credential_path(settings))


def tccli_configuration(settings: Settings) -> Mapping[str, Any]:
    """Region, language and endpoints of the profile, empty where there is no file."""
    path = tccli_directory(settings) / f"{_file_name(profile_name(settings))}.configure"
    return _json_file(path) or {}


def tccli_profiles(settings: Settings) -> list[str]:
    """The names of the profiles that have credentials."""
    return sorted(path.stem for path in tccli_directory(settings).glob("*.credential"))


def profile_region(settings: Settings) -> str:
    """The region of the tccli profile in use, or empty. Older versions kept it at the top of the file."""
    document = tccli_configuration(settings)
    system = document.get(_SYSTEM_PARAMETERS)
    found = (system.get("region") if isinstance(system, dict) else None) or document.get("region")
    return found.strip() if isinstance(found, str) else ""


def profile_endpoint(settings: Settings, product: str) -> str:
    """The host that the tccli profile names for a product, or empty; tccli's own default is no choice of the user's."""
    entry = tccli_configuration(settings).get(product)
    found = entry.get("endpoint") if isinstance(entry, dict) else None
    host = found.strip().removeprefix("https://").rstrip("/") if isinstance(found, str) else ""
    return "" if host == f"{product}.tencentcloudapi.com" or "/" in host else host


def ini_paths(settings: Settings) -> tuple[Path, Path]:
    """The SDK's files, in its order."""
    return settings.home / ".tencentcloud" / "credentials", SYSTEM_CREDENTIALS


def ini_section(path: Path) -> Mapping[str, str] | None:
    """`[default]` of one of the SDK's files, quotes around values removed; None where there is none."""
    content = _content(path)
    if content is None:
        return None
    parser = configparser.ConfigParser(interpolation=None, default_section="\0none")
    try:
        parser.read_string(content)
    except configparser.Error as error:
        raise _broken(path, "it has no line [default], or a line that is no `name = value`") from error
    if not parser.has_section("default"):
        return None
    return {name: value.strip().strip("\"'") for name, value in parser.items("default") if value}


def _file_name(profile: str) -> str:
    """`profile` if it can be part of a file's name."""
    if "/" in profile or "\\" in profile or profile in {".", ".."} or "\0" in profile:
        raise usage_error(f"{profile!r} is no profile of tccli", "`tccli configure list` shows the profile in use")
    return profile


def _json_file(path: Path) -> Mapping[str, Any] | None:
    content = _content(path)
    if content is None or not content.strip():
        return None
    try:
        document = json.loads(content)
    except ValueError as error:
        raise _broken(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _broken(path, "it is no JSON object")
    return document


def _content(path: Path) -> str | None:
    """The text of a file; None where there is none, a usage error where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _broken(path, reason) from error


def _broken(path: Path, why: str) -> ImgmoveError:
    return usage_error(f"cannot use {path}: {why}", "mend the file, or make it again with `tccli configure`")
