"""Flags over environment over profile file: where things are kept, which endpoints and profile are meant."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from imgmove.core.errors import ImgmoveError, usage_error
from imgmove.core.hosts import is_loopback
from imgmove.core.ports import Cloud
from imgmove.core.settings import Settings
from imgmove.core.units import parse_duration

ENDPOINT_PREFIX: Final = "IMGMOVE_ENDPOINT_URL_"
CONFIG_FILE: Final = "config.toml"
_PROFILE_KEYS: Final = frozenset({"region", "insecure_http", "endpoints", "connect_timeout", "read_timeout"})


@dataclass(frozen=True)
class Directories:
    """Where imgmove keeps its configuration and its state (the journal)."""

    config: Path
    state: Path


def directories(environment: Mapping[str, str]) -> Directories:
    """`IMGMOVE_HOME` and `IMGMOVE_HOME/state` where it is set, else the platform's own user directories."""
    home = environment.get("IMGMOVE_HOME")
    if home:
        return Directories(Path(home).expanduser(), Path(home).expanduser() / "state")
    import platformdirs

    return Directories(
        platformdirs.user_config_path("imgmove", appauthor=False),
        platformdirs.user_state_path("imgmove", appauthor=False),
    )


@dataclass(frozen=True)
class Profile:
    """One `[profiles.NAME]` of the configuration file; all empty for a profile that the file does not have."""

    name: str = ""
    region: str = ""
    insecure_http: bool = False
    endpoints: dict[str, str] = field(default_factory=dict)
    clouds: dict[str, dict[str, str]] = field(default_factory=dict)
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 60.0
    in_file: bool = False


#: What `[prices.PROVIDER]` may say, all in the table's currency.
PRICE_KEYS: Final = ("traffic_per_gib", "storage_per_gib_month", "image_per_gib_month")


@dataclass(frozen=True)
class Prices:
    """The user's own prices (`[prices]`), by provider and key; empty where the file has none."""

    currency: str = ""
    table: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, provider: str) -> Mapping[str, float]:
        return self.table.get(provider, {})


def load_prices(environment: Mapping[str, str], providers: Collection[str]) -> Prices:
    """`[prices]` of the file; a usage error that names the entry for an unknown provider or key, or for no number."""
    path = directories(environment).config / CONFIG_FILE
    entry = _read(path).get("prices", {})
    if not isinstance(entry, dict):
        raise usage_error(f"{path}: `prices` is not a table", "write [prices] and [prices.PROVIDER]")
    currency = entry.get("currency", "")
    if not isinstance(currency, str):
        raise usage_error(f"{path}: currency of [prices] is not a text", 'write currency = "CNY"')
    table = {}
    for name, row in entry.items():
        if name == "currency":
            continue
        if name not in providers:
            raise usage_error(
                f"{path}: [prices] knows no {name!r}", f"there are currency and tables for {', '.join(providers)}"
            )
        table[name] = _price_row(row, f"{path}: [prices.{name}]")
    return Prices(currency, table)


def _price_row(row: Any, where: str) -> dict[str, float]:
    if not isinstance(row, dict):
        raise usage_error(f"{where} is not a table", f"its entries are {', '.join(PRICE_KEYS)}")
    for key, value in row.items():
        if key not in PRICE_KEYS:
            raise usage_error(f"{where} knows no {key!r}", f"its entries are {', '.join(PRICE_KEYS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise usage_error(f"{where}: {key} = {value!r} is no price", f"write a number, like {key} = 0.5")
    return {key: float(value) for key, value in row.items()}


def load_profile(name: str, environment: Mapping[str, str]) -> Profile:
    """The profile `name` (empty: `IMGMOVE_PROFILE`, the file's `default_profile`, or `default`) of the file.

    A name that the file does not have is taken as a profile of the vendors' own tools (`tccli --profile`,
    `aliyun --profile`). Raises a usage error that names the file and the entry for anything unreadable or unknown.
    """
    path = directories(environment).config / CONFIG_FILE
    document = _read(path)
    wanted = name or environment.get("IMGMOVE_PROFILE", "") or str(document.get("default_profile", ""))
    table = document.get("profiles", {})
    if not isinstance(table, dict):
        raise usage_error(f"{path}: `profiles` is not a table", "write [profiles.NAME]")
    entry = table.get(wanted or "default")
    if entry is None:
        return Profile(name=wanted)
    if not isinstance(entry, dict):
        raise usage_error(f"{path}: profile {wanted or 'default'!r} is not a table", "write [profiles.NAME]")
    return _profile(wanted, entry, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise usage_error(f"cannot read {path}: {_reason(error)}", "check the file and its permissions") from error
    except tomllib.TOMLDecodeError as error:
        raise usage_error(f"{path} is not valid TOML: {error}", "mend that line") from error


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _profile(name: str, entry: dict[str, Any], path: Path) -> Profile:
    where = f"{path}: profile {name or 'default'!r}"
    clouds = {key: _words(value, f"{where}, [{key}]") for key, value in entry.items() if key not in _PROFILE_KEYS}
    insecure = entry.get("insecure_http", False)
    if not isinstance(insecure, bool):
        raise usage_error(f"{where}: insecure_http is not true or false", "write insecure_http = true without quotes")
    try:
        return Profile(
            name=name,
            region=str(entry.get("region", "")),
            insecure_http=insecure,
            endpoints={
                key.upper(): url for key, url in _words(entry.get("endpoints", {}), f"{where}, [endpoints]").items()
            },
            clouds=clouds,
            connect_timeout_seconds=parse_duration(str(entry.get("connect_timeout", "10s"))),
            read_timeout_seconds=parse_duration(str(entry.get("read_timeout", "60s"))),
            in_file=True,
        )
    except ImgmoveError as error:
        raise usage_error(f"{where}: {error.message}", error.hint) from error


def _words(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(isinstance(item, dict | list) for item in value.values()):
        raise usage_error(f"{where} is not a table of plain values", "docs/reference/configuration.md shows the file")
    return {str(key): str(item).lower() if isinstance(item, bool) else str(item) for key, item in value.items()}


@dataclass(frozen=True)
class Configuration:
    """A profile and the environment, joined. `environment` is never read again from the process."""

    profile: Profile
    environment: Mapping[str, str]
    home: Path
    now: Callable[[], float]

    @classmethod
    def load(cls, profile: str, environment: Mapping[str, str], home: Path, now: Callable[[], float]) -> Configuration:
        return cls(load_profile(profile, environment), environment, home, now)

    def settings(self, cloud: Cloud) -> Settings:
        """What the adapters of `cloud` are told; a usage error for a wrong endpoint."""
        options = self.profile.clouds.get(cloud.name, {})
        return Settings(
            environment=self.environment,
            home=self.home,
            vendor_profile=options.get("profile", self.profile.name if not self.profile.in_file else ""),
            region=self._region(cloud, options),
            endpoints=self._endpoints(cloud),
            options={key: value for key, value in options.items() if key not in {"profile", "region"}},
            connect_timeout_seconds=self.profile.connect_timeout_seconds,
            read_timeout_seconds=self.profile.read_timeout_seconds,
            now=self.now,
        )

    def _region(self, cloud: Cloud, options: Mapping[str, str]) -> str:
        """The profile's region, else the environment's (contract, "Credentials and endpoints")."""
        named = options.get("region") or self.profile.region
        from_environment = (self.environment.get(variable, "") for variable in cloud.region_variables)
        return named or next((value for value in from_environment if value), "")

    def _endpoints(self, cloud: Cloud) -> dict[str, str]:
        found: dict[str, str] = {}
        for service in cloud.endpoint_services:
            variable = ENDPOINT_PREFIX + service
            url = self.environment.get(variable, "").strip()
            where = variable if url else f"endpoint {service} of profile {self.profile.name or 'default'!r}"
            url = url or self.profile.endpoints.get(service, "")
            if url:
                found[service] = check_endpoint(url, where, insecure_http=self.profile.insecure_http)
        return found


def check_endpoint(url: str, where: str, *, insecure_http: bool) -> str:
    """`url` without a trailing slash, if a service may be reached at it; a usage error that names `where` else."""
    problem = _endpoint_problem(url, insecure_http=insecure_http)
    if problem:
        raise usage_error(f"{where}: {problem}", "write it like http://127.0.0.1:9001 or https://HOST")
    return url.rstrip("/")


def _endpoint_problem(url: str, *, insecure_http: bool) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"{url!r} is not a URL ({error})"
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return f"{url!r} is not an http or https URL with a host"
    if parts.username is not None or parts.query or parts.fragment or parts.path not in {"", "/"}:
        return f"{url!r} has more than scheme, host and port"
    if parts.scheme == "http" and not insecure_http and not is_loopback(parts.hostname):
        return (
            f"plain http to {parts.hostname} would send data unencrypted; "
            "use https, or say insecure_http = true in the profile"
        )
    return ""


def process_environment() -> Mapping[str, str]:
    """A copy of the process's environment: the one place that reads it."""
    return dict(os.environ)
