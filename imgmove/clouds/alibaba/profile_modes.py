"""What each mode of a profile means: `mode` in the CLI's file, `type` in the ini file (alibaba.md 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from imgmove.clouds.alibaba import assume_role, metadata, sdk
from imgmove.clouds.alibaba.assume_role import Role
from imgmove.clouds.alibaba.profiles import AliyunConfig, Profile, aliyun_config
from imgmove.clouds.keys import AccessKey, FixedKey, KeySource, RenewedKey, WatchedFileKey
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.settings import Settings

#: Modes that run a command or a browser's session and rewrite the profile: left to the vendor's own library.
_LIBRARY_MODES: Final = frozenset({"External", "CloudSSO", "OAuth"})


def from_profile(config: AliyunConfig, name: str, settings: Settings, transport: Transport) -> KeySource:
    """The keys of the CLI's profile `name`, read again whenever the file changes.

    A usage error for a profile that is unknown, incomplete or of no known mode.
    """
    if str(config.profile(name).get("mode") or "AK") in _LIBRARY_MODES:
        return _from_library(config, name, settings)

    def read() -> KeySource:
        return _built(aliyun_config(settings) or config, name, settings, transport, ())

    return WatchedFileKey(config.path, read)


def _built(
    config: AliyunConfig, name: str, settings: Settings, transport: Transport, above: tuple[str, ...]
) -> KeySource:
    profile = config.profile(name)
    mode = str(profile.get("mode") or "AK")
    where = f"{config.path}: profile {name!r}"
    if name in above:
        raise usage_error(f"{where}: its source_profile leads back to itself", "mend the chain", code="UnusableProfile")
    if mode in _LIBRARY_MODES:
        return _from_library(config, name, settings)
    if mode == "ChainableRamRoleArn":
        source = _needed(profile, "source_profile", where)
        source_keys = _built(config, source, settings, transport, (*above, name))
        return _assumed(_role(profile, where, settings), source_keys, settings, transport)
    build = _MODES.get(mode)
    if build is None:
        known = ", ".join(sorted({*_MODES, *_LIBRARY_MODES, "ChainableRamRoleArn"}))
        raise usage_error(f"{where} has the mode {mode}, which imgmove does not know", f"use one of {known}")
    return build(profile, where, settings, transport)


def from_ini_section(section: Mapping[str, str], name: str, settings: Settings, transport: Transport) -> KeySource:
    """The keys of a section of the ini file; a usage error for one that is incomplete or of no known type."""
    where = f"the credentials file's section {name!r}"
    kind = section.get("type", "")
    renamed: Profile = dict(section) | {
        "ram_role_arn": section.get("role_arn", ""),
        "ram_session_name": section.get("role_session_name", ""),
        "ram_role_name": section.get("role_name", ""),
        "oidc_token_file": section.get("oidc_token_file_path", ""),
        "sts_token": section.get("security_token", ""),
    }
    mode = _INI_TYPES.get(kind)
    if mode is None:
        raise usage_error(f"{where} has the type {kind!r}", f"use one of {', '.join(sorted(_INI_TYPES))}")
    return _MODES[mode](renamed, where, settings, transport)


def is_unset(profile: Profile) -> bool:
    """True for the empty profile that `aliyun configure` writes before anybody filled it."""
    return str(profile.get("mode") or "AK") in {"AK", "StsToken"} and not profile.get("access_key_id")


def sts_host(settings: Settings, region: str = "", *, internal: bool | None = None) -> str:
    """STS's name, by the profile, else by ALIBABA_CLOUD_STS_REGION and ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED."""
    chosen = region or settings.environment.get("ALIBABA_CLOUD_STS_REGION", "")
    if internal is None:
        internal = settings.environment.get("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "").lower() == "true"
    return f"{'sts-vpc' if internal else 'sts'}.{chosen}.aliyuncs.com" if chosen else "sts.aliyuncs.com"


def instance_role(role_name: str, settings: Settings, transport: Transport) -> KeySource:
    """The keys of the instance's role."""
    v1_disabled = settings.environment.get("ALIBABA_CLOUD_IMDSV1_DISABLED", "").lower() == "true"
    role = metadata.InstanceRole(transport, role_name, v1_disabled=v1_disabled)
    return RenewedKey(role.fetch, settings.now)


def _needed(profile: Profile, key: str, where: str) -> str:
    value = str(profile.get(key) or "").strip()
    if not value:
        raise usage_error(f"{where} has no {key}", "`aliyun configure` fills it in", code="IncompleteProfile")
    return value


def _static(profile: Profile, where: str, _settings: Settings, _transport: Transport) -> KeySource:
    return FixedKey(AccessKey(_needed(profile, "access_key_id", where), _needed(profile, "access_key_secret", where)))


def _sts_token(profile: Profile, where: str, _settings: Settings, _transport: Transport) -> KeySource:
    parts = (_needed(profile, key, where) for key in ("access_key_id", "access_key_secret", "sts_token"))
    key_id, secret, token = parts
    return FixedKey(AccessKey(key_id, secret, token))


def _role_arn(profile: Profile, where: str, settings: Settings, transport: Transport) -> KeySource:
    key_id, secret = _needed(profile, "access_key_id", where), _needed(profile, "access_key_secret", where)
    source = FixedKey(AccessKey(key_id, secret, str(profile.get("sts_token") or "")))
    return _assumed(_role(profile, where, settings), source, settings, transport)


def _role_of_instance_role(profile: Profile, where: str, settings: Settings, transport: Transport) -> KeySource:
    source = instance_role(str(profile.get("ram_role_name") or ""), settings, transport)
    return _assumed(_role(profile, where, settings), source, settings, transport)


def _instance(profile: Profile, _where: str, settings: Settings, transport: Transport) -> KeySource:
    return instance_role(str(profile.get("ram_role_name") or ""), settings, transport)


def _oidc(profile: Profile, where: str, settings: Settings, transport: Transport) -> KeySource:
    role = _role(profile, where, settings)
    provider_arn = _needed(profile, "oidc_provider_arn", where)
    token_file = _needed(profile, "oidc_token_file", where)
    return RenewedKey(
        lambda: assume_role.assume_with_oidc(role, provider_arn, token_file, settings, transport), settings.now
    )


def _uri(profile: Profile, where: str, settings: Settings, transport: Transport) -> KeySource:
    uri = _needed(profile, "credentials_uri", where)
    return RenewedKey(lambda: metadata.from_uri(transport, uri), settings.now)


def _assumed(role: Role, source: KeySource, settings: Settings, transport: Transport) -> KeySource:
    return RenewedKey(lambda: assume_role.assume(role, source, settings, transport), settings.now)


def _role(profile: Profile, where: str, settings: Settings) -> Role:
    internal = True if profile.get("enable_vpc") else None
    return Role(
        arn=_needed(profile, "ram_role_arn", where),
        session_name=str(profile.get("ram_session_name") or profile.get("role_session_name") or ""),
        duration_seconds=_seconds(profile.get("expired_seconds"), where),
        policy=str(profile.get("policy") or ""),
        external_id=str(profile.get("external_id") or ""),
        sts_host=sts_host(settings, str(profile.get("sts_region") or ""), internal=internal),
    )


def _seconds(value: Any, where: str) -> int:
    try:
        return int(value or Role.duration_seconds)
    except (TypeError, ValueError) as error:
        raise usage_error(f"{where}: expired_seconds is not a number", "write the seconds, 3600 say") from error


def _from_library(config: AliyunConfig, name: str, settings: Settings) -> KeySource:
    """A profile whose secrets the vendor's library fetches and writes back to the file by itself."""
    with sdk.quiet():
        from alibabacloud_credentials.exceptions import CredentialException
        from alibabacloud_credentials.provider import CLIProfileCredentialsProvider
    provider = CLIProfileCredentialsProvider(profile_name=name, profile_file=str(config.path))

    def fetch() -> AccessKey:
        try:
            found = provider.get_credentials()
        except (CredentialException, ValueError, OSError) as error:
            # The library's text may quote what a command or a service answered: it is not shown.
            raise ImgmoveError(
                Kind.DENIED, f"profile {name!r} of {config.path} gives no credentials ({type(error).__name__})",
                code="NoCredentials", hint=f"try `aliyun sts GetCallerIdentity --profile {name}`, or log in again",
            ) from None  # fmt: skip
        token = found.get_security_token() or ""
        # The library renews by itself: ask it again for every request.
        return AccessKey(found.get_access_key_id(), found.get_access_key_secret(), token, expires_at=0.0)

    return RenewedKey(fetch, settings.now)


_Build = Callable[[Profile, str, Settings, Transport], KeySource]

_MODES: Final[Mapping[str, _Build]] = {
    "AK": _static,
    "StsToken": _sts_token,
    "RamRoleArn": _role_arn,
    "RamRoleArnWithRoleName": _role_of_instance_role,
    "EcsRamRole": _instance,
    "OIDC": _oidc,
    "CredentialsURI": _uri,
}

_INI_TYPES: Final[Mapping[str, str]] = {
    "access_key": "AK",
    "sts": "StsToken",
    "ram_role_arn": "RamRoleArn",
    "oidc_role_arn": "OIDC",
    "ecs_ram_role": "EcsRamRole",
}
