"""Whose key we sign with: found where the vendor's tools find it, in their order (contract; tencent.md 5).

1. `TENCENTCLOUD_SECRET_ID`, `…_SECRET_KEY` and `TENCENTCLOUD_TOKEN` 2. the tccli profile 3. the SDK's files
`~/.tencentcloud/credentials` and `/etc/tencentcloud/credentials` 4. TKE's OIDC 5. the role of the CVM instance.
A profile that the user names (`--profile`) comes before all of them, as in tccli. The SDK's own chain is not used: it
ignores tokens, and asks the metadata service without a timeout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from imgmove.clouds.keys import AccessKey, FixedKey, KeySource, NamedKeys, RenewedKey, WatchedFileKey
from imgmove.clouds.tencent import metadata, profiles, sts
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.hosts import is_loopback
from imgmove.core.settings import Settings

_ID: Final = "TENCENTCLOUD_SECRET_ID"
_SECRET: Final = "TENCENTCLOUD_SECRET_KEY"  # noqa: S105 - the name of a variable
_TOKENS: Final = ("TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN")
_ROLE_ARNS: Final = ("TENCENTCLOUD_ROLE_ARN", "TENCENTCLOUD_ASSUME_ROLE_ARN")
_SESSION_NAMES: Final = ("TENCENTCLOUD_ROLE_SESSION_NAME", "TENCENTCLOUD_ASSUME_ROLE_SESSION_NAME")
_INSTANCE: Final = "the CVM instance's role"
#: How to renew what a tccli profile of this type holds; we do not imitate tccli's own renewal (tencent.md 5).
_LOGINS: Final = {"oauth": "tccli auth login", "sso": "tccli sso login"}


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
        Kind.DENIED, "no credentials for Tencent Cloud", code="NoCredentials",
        hint=f"set {_ID} and {_SECRET}, or run `tccli configure`; looked at: {'; '.join(looked_at)}",
    )  # fmt: skip


def transport_for(settings: Settings) -> Transport:
    """A transport that never asks a proxy for the instance's metadata."""
    return Transport(settings, frozenset({metadata.HOST}))


def _places(settings: Settings, transport: Transport) -> Iterator[tuple[str, Callable[[], KeySource | None]]]:
    yield f"the environment ({_ID})", lambda: _from_variables(settings, transport)
    yield str(profiles.credential_path(settings)), lambda: _from_tccli(settings, transport)
    for path in profiles.ini_paths(settings):
        yield str(path), partial(_from_ini, path, settings, transport)
    yield "OIDC (TKE_WEB_IDENTITY_TOKEN_FILE)", lambda: _from_oidc(settings, transport)
    if not is_rehearsal(settings):
        yield _INSTANCE, lambda: _from_instance(settings, transport)


def _named_profile(settings: Settings, transport: Transport) -> KeySource:
    """The profile that the user asked for by name."""
    found = _from_tccli(settings, transport)
    if found is None:
        known = ", ".join(profiles.tccli_profiles(settings)) or "none"
        raise usage_error(
            f"tccli has no credentials in a profile {settings.vendor_profile!r}",
            f"there are: {known} (in {profiles.tccli_directory(settings)}); `tccli configure --profile NAME` makes one",
        )
    return found


def _from_variables(settings: Settings, transport: Transport) -> KeySource | None:
    key_id, secret = (settings.environment.get(name, "").strip() for name in (_ID, _SECRET))
    if not key_id and not secret:
        return None
    if not key_id or not secret:
        missing = _SECRET if key_id else _ID
        raise ImgmoveError(
            Kind.DENIED, f"of {_ID} and {_SECRET} only one is set", code="NoCredentials",
            hint=f"set {missing} as well, or unset the other",
        )  # fmt: skip
    key = NamedKeys(FixedKey(AccessKey(key_id, secret, _variable(settings, _TOKENS))), f"the environment ({_ID})")
    role = sts.Role(_variable(settings, _ROLE_ARNS), _variable(settings, _SESSION_NAMES))
    return _as_role(role, key, settings, transport)


def _from_tccli(settings: Settings, transport: Transport) -> KeySource | None:
    """The tccli profile in use; None where it has no file, or an empty one."""
    profile = profiles.tccli_credential(settings)
    if profile is None:
        return None
    if profile.get("type") == "cvm-role" or str(profile.get("use-cvm-role", "")).lower() == "true":
        return NamedKeys(RenewedKey(lambda: metadata.instance_key(transport), settings.now), _INSTANCE)
    if _profile_key(profile) is None:
        return None
    path = profiles.credential_path(settings)
    file_key = WatchedFileKey(path, lambda: _TccliKey(profiles.tccli_credential(settings) or {}, settings))
    key = NamedKeys(file_key, f"tccli profile {profiles.profile_name(settings)!r} ({path})")
    role = sts.Role(_word(profile, "role-arn"), _word(profile, "role-session-name"))
    return _as_role(role, key, settings, transport)


class _TccliKey:
    """The key in a tccli profile; DENIED once its login has run out."""

    def __init__(self, profile: Mapping[str, Any], settings: Settings) -> None:
        key = _profile_key(profile)
        if key is None:
            raise usage_error("the tccli profile has no secretId and secretKey", "run `tccli configure`")
        self._key = key
        self._login = _LOGINS.get(_word(profile, "type"), "tccli configure")
        self._now = settings.now

    def current(self) -> AccessKey:
        if self._key.expires_at is not None and self._now() >= self._key.expires_at:
            raise ImgmoveError(
                Kind.DENIED, "the login of the tccli profile has run out", code="ExpiredCredentials",
                hint=f"run `{self._login}` again",
            )  # fmt: skip
        return self._key


def _profile_key(profile: Mapping[str, Any]) -> AccessKey | None:
    key_id, secret = _word(profile, "secretId"), _word(profile, "secretKey")
    expires_at = profile.get("expiresAt")
    runs_out = float(expires_at) if isinstance(expires_at, int | float) and expires_at > 0 else None
    return AccessKey(key_id, secret, _word(profile, "token"), runs_out) if key_id and secret else None


def _from_ini(path: Path, settings: Settings, transport: Transport) -> KeySource | None:
    section = profiles.ini_section(path)
    if not section or not section.get("secret_id") or not section.get("secret_key"):
        return None
    key = NamedKeys(
        FixedKey(AccessKey(section["secret_id"], section["secret_key"], section.get("token", ""))), str(path)
    )
    return _as_role(sts.Role(section.get("role_arn", "")), key, settings, transport)


def _from_oidc(settings: Settings, transport: Transport) -> KeySource | None:
    names = ("TKE_ROLE_ARN", "TKE_PROVIDER_ID", "TKE_WEB_IDENTITY_TOKEN_FILE")
    arn, provider_id, token_file = (settings.environment.get(name, "") for name in names)
    region = settings.environment.get("TKE_REGION", "")
    if not (arn and provider_id and token_file):
        return None
    role = sts.Role(arn)
    keys = RenewedKey(
        lambda: sts.assume_role_with_token(role, provider_id, token_file, region, settings, transport), settings.now
    )
    return NamedKeys(keys, f"OIDC, for the role {arn}")


def _from_instance(settings: Settings, transport: Transport) -> KeySource | None:
    source = RenewedKey(lambda: metadata.instance_key(transport), settings.now)
    try:
        source.current()
    except ImgmoveError as error:
        if error.kind in {Kind.UNAVAILABLE, Kind.DENIED}:
            return None  # no instance, or one without a role
        raise
    return NamedKeys(source, _INSTANCE)


def _as_role(role: sts.Role, key: NamedKeys, settings: Settings, transport: Transport) -> KeySource:
    """`key` itself, or keys of the role that it is to assume."""
    if not role.arn:
        return key
    keys = RenewedKey(lambda: sts.assume_role(role, key, settings, transport), settings.now)
    return NamedKeys(keys, f"{key.name}, for the role {role.arn}")


def is_rehearsal(settings: Settings) -> bool:
    """Some service was pointed at this very machine (an emulator): the metadata service is not asked then."""
    return any(is_loopback(urlsplit(url).hostname or "") for url in settings.endpoints.values())


def _variable(settings: Settings, names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := settings.environment.get(name, "").strip())), "")


def _word(profile: Mapping[str, Any], name: str) -> str:
    value = profile.get(name)
    return value.strip() if isinstance(value, str) else ""
