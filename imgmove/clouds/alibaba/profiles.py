"""The files of the vendor's tools: `~/.aliyun/config.json` and `~/.alibabacloud/credentials.ini` (alibaba.md 6)."""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imgmove.core.errors import ImgmoveError, usage_error
from imgmove.core.settings import Settings

#: The variables that choose a profile: the SDK's own, then the other spellings that the CLI takes (6.2).
PROFILE_VARIABLES: Final = ("ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE")

Profile = Mapping[str, Any]


@dataclass(frozen=True)
class AliyunConfig:
    """What `config.json` holds: profiles by name, and the name of the one in use."""

    path: Path
    current: str
    profiles: Mapping[str, Profile]

    def profile(self, name: str) -> Profile:
        """The profile `name`; a usage error with the names that exist else."""
        found = self.profiles.get(name)
        if found is None:
            raise missing_profile(name, self.path, self.profiles)
        return found


def aliyun_config_path(settings: Settings) -> Path:
    return settings.home / ".aliyun" / "config.json"


def ini_path(settings: Settings) -> Path:
    """`ALIBABA_CLOUD_CREDENTIALS_FILE`, else the file in the home directory."""
    named = settings.environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE", "")
    return Path(named) if named else settings.home / ".alibabacloud" / "credentials.ini"


def variable_profile(settings: Settings) -> str:
    """The profile that the environment chooses, or empty."""
    return next((value for name in PROFILE_VARIABLES if (value := settings.environment.get(name, ""))), "")


def aliyun_config(settings: Settings) -> AliyunConfig | None:
    """The CLI's file; None where there is none or the environment switches it off.

    A usage error that names the file for one that cannot be read or is not the CLI's.
    """
    if _is_true(settings, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED") or _is_true(settings, "ALIBABA_CLOUD_IGNORE_PROFILE"):
        return None
    path = aliyun_config_path(settings)
    content = _content(path)
    if content is None or not content.strip():
        return None
    try:
        document = json.loads(content)
    except ValueError as error:
        raise _broken(path, "it is not JSON") from error
    listed = document.get("profiles") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(listed or [], list):
        raise _broken(path, "it has no list of profiles")
    profiles = {str(entry["name"]): entry for entry in listed or [] if isinstance(entry, dict) and entry.get("name")}
    return AliyunConfig(path, str(document.get("current") or "default"), profiles)


def ini_sections(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """The sections of the ini file, empty where there is none; as in the SDK a `#` ends a value."""
    path = ini_path(settings)
    content = _content(path)
    if content is None:
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(content)
    except configparser.Error as error:
        raise _broken(path, "it is not an ini file") from error
    return {
        section: {key: value.partition("#")[0].strip() for key, value in parser.items(section)}
        for section in parser.sections()
    }


def profile_region(settings: Settings) -> str:
    """`region_id` of the CLI's profile in use, or empty. The SDK's chain gives no region (6.2)."""
    config = aliyun_config(settings)
    if config is None:
        return ""
    name = settings.vendor_profile or variable_profile(settings) or config.current
    return str(config.profiles.get(name, {}).get("region_id") or "")


def missing_profile(name: str, path: Path, known: Mapping[str, Any]) -> ImgmoveError:
    listed = ", ".join(sorted(known)) or "none"
    return usage_error(
        f"{path} has no profile {name!r}", f"it has: {listed}; `aliyun configure --profile {name}` makes one",
        code="UnknownProfile",
    )  # fmt: skip


def _is_true(settings: Settings, variable: str) -> bool:
    return settings.environment.get(variable, "").strip().lower() == "true"


def _content(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _broken(path, reason) from error


def _broken(path: Path, reason: str) -> ImgmoveError:
    return usage_error(f"cannot use {path}: {reason}", "mend it with `aliyun configure`", code="UnreadableProfile")
