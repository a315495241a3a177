"""Whose key we sign with: found where the vendor's tools find it, in their order (contract; alibaba.md 6).

1. `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_SECRET` and `ALIBABA_CLOUD_SECURITY_TOKEN` 2. OIDC 3. the profile of `aliyun`
4. the ini file 5. the role of the ECS instance 6. `ALIBABA_CLOUD_CREDENTIALS_URI`. A profile that the user names
(`--profile`) comes before all of them, as in the CLI. The chain of `alibabacloud-credentials` is the same, but starts
a scheduler thread and reads its variables at import; it serves for the modes that rewrite the profile alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.alibaba import assume_role, metadata, profile_modes, profiles
from imgmove.clouds.alibaba.profiles import AliyunConfig
from imgmove.clouds.keys import AccessKey, FixedKey, KeySource, NamedKeys, RenewedKey
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.hosts import is_loopback
from imgmove.core.settings import Settings

_OIDC_VARIABLES: Final = (
    "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
)  # fmt: skip
#: The SDK's names first, then what the CLI takes besides (6.2). One row is one source: parts are never mixed.
_KEY_VARIABLES: Final = (
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
    ("ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_SECURITY_TOKEN"),
    ("ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECURITY_TOKEN"),
)


def find(settings: Settings, transport: Transport) -> KeySource:
    """Where keys come from under these settings.

    DENIED with every place that was looked at where there is none; a usage error for a profile that does not exist
    or cannot be read. Asks the network only where no variable and no file has an answer. Keys say where they are from.
    """
    if settings.vendor_profile:
        return _named_profile(settings, transport)
    looked_at: list[str] = []
    for place, look in _places(settings, transport):
        found = look()
        if found is not None:
            return found
        looked_at.append(place)
    raise ImgmoveError(
        Kind.DENIED, "no credentials for Alibaba Cloud", code="NoCredentials",
        hint="set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or run `aliyun configure`; "
        f"looked at: {'; '.join(looked_at)}",
    )  # fmt: skip


def _places(settings: Settings, transport: Transport) -> Iterator[tuple[str, Callable[[], KeySource | None]]]:
    yield "the environment (ALIBABA_CLOUD_ACCESS_KEY_ID)", lambda: _from_variables(settings)
    yield "OIDC (ALIBABA_CLOUD_OIDC_TOKEN_FILE)", lambda: _from_oidc(settings, transport)
    yield str(profiles.aliyun_config_path(settings)), lambda: _from_config(settings, transport)
    yield str(profiles.ini_path(settings)), lambda: _from_ini(settings, transport)
    if _metadata_allowed(settings):
        yield "the ECS instance's role", lambda: _from_instance(settings, transport)
    yield "ALIBABA_CLOUD_CREDENTIALS_URI", lambda: _from_uri(settings, transport)


def _named_profile(settings: Settings, transport: Transport) -> KeySource:
    """The profile that the user asked for by name, of the CLI's file or else of the ini file."""
    name = settings.vendor_profile
    config = profiles.aliyun_config(settings)
    sections = profiles.ini_sections(settings)
    if (config is None or name not in config.profiles) and name in sections:
        return _of_section(sections[name], name, settings, transport)
    if config is None:
        raise profiles.missing_profile(name, profiles.aliyun_config_path(settings), sections)
    return _of_profile(config, name, settings, transport)


def _of_profile(config: AliyunConfig, name: str, settings: Settings, transport: Transport) -> KeySource:
    keys = profile_modes.from_profile(config, name, settings, transport)
    return NamedKeys(keys, f"profile {name!r} of {config.path}")


def _of_section(section: Mapping[str, str], name: str, settings: Settings, transport: Transport) -> KeySource:
    keys = profile_modes.from_ini_section(section, name, settings, transport)
    return NamedKeys(keys, f"section {name!r} of {profiles.ini_path(settings)}")


def _from_variables(settings: Settings) -> KeySource | None:
    for names in _KEY_VARIABLES:
        key_id, secret, token = (settings.environment.get(name, "").strip() for name in names)
        if key_id and secret:
            return NamedKeys(FixedKey(AccessKey(key_id, secret, token)), f"the environment ({names[0]})")
        if key_id or secret:
            raise ImgmoveError(
                Kind.DENIED, f"of {names[0]} and {names[1]} only one is set", code="NoCredentials",
                hint=f"set {names[1] if key_id else names[0]} as well, or unset the other",
            )  # fmt: skip
    return None


def _from_oidc(settings: Settings, transport: Transport) -> KeySource | None:
    role_arn, provider_arn, token_file = (settings.environment.get(name, "") for name in _OIDC_VARIABLES)
    if not (role_arn and provider_arn and token_file):
        return None
    role = assume_role.Role(
        role_arn, settings.environment.get("ALIBABA_CLOUD_ROLE_SESSION_NAME", ""),
        sts_host=profile_modes.sts_host(settings),
    )  # fmt: skip
    keys = RenewedKey(
        lambda: assume_role.assume_with_oidc(role, provider_arn, token_file, settings, transport), settings.now
    )
    return NamedKeys(keys, f"OIDC, for the role {role_arn}")


def _from_config(settings: Settings, transport: Transport) -> KeySource | None:
    config = profiles.aliyun_config(settings)
    chosen = profiles.variable_profile(settings)
    if config is None:
        return None
    if chosen and chosen not in config.profiles and chosen in profiles.ini_sections(settings):
        return None
    name = chosen or config.current
    if not chosen and (name not in config.profiles or profile_modes.is_unset(config.profiles[name])):
        return None  # `aliyun configure` leaves an empty profile "default" behind
    return _of_profile(config, name, settings, transport)


def _from_ini(settings: Settings, transport: Transport) -> KeySource | None:
    sections = profiles.ini_sections(settings)
    name = profiles.variable_profile(settings) or "default"
    if name not in sections:
        return None
    return _of_section(sections[name], name, settings, transport)


def _metadata_allowed(settings: Settings) -> bool:
    """Not where it is switched off, and not where a service was pointed at this very machine (an emulator)."""
    if settings.environment.get("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() == "true":
        return False
    return not any(is_loopback(urlsplit(url).hostname or "") for url in settings.endpoints.values())


def _from_instance(settings: Settings, transport: Transport) -> KeySource | None:
    role_name = settings.environment.get("ALIBABA_CLOUD_ECS_METADATA", "")
    source = profile_modes.instance_role(role_name, settings, transport)
    try:
        source.current()
    except ImgmoveError as error:
        if error.kind in {Kind.UNAVAILABLE, Kind.DENIED}:
            return None  # no instance, or one without a role: the next place
        raise
    return NamedKeys(source, "the ECS instance's role")


def _from_uri(settings: Settings, transport: Transport) -> KeySource | None:
    uri = settings.environment.get("ALIBABA_CLOUD_CREDENTIALS_URI", "")
    if not uri:
        return None
    return NamedKeys(
        RenewedKey(lambda: metadata.from_uri(transport, uri), settings.now), "ALIBABA_CLOUD_CREDENTIALS_URI"
    )
