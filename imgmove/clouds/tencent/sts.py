"""Temporary keys of a role: by another key (AssumeRole), or by an identity token (TKE's OIDC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imgmove.clouds.keys import AccessKey, FixedKey, KeySource
from imgmove.clouds.tencent import answers, sdk
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.transport import Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings

DURATION_SECONDS: Final = 7200
_SESSION_NAME: Final = "imgmove"
#: The SDK asks STS there where nothing names a region (tencent.md 5).
_REGION: Final = "ap-guangzhou"


@dataclass(frozen=True)
class Role:
    arn: str
    session_name: str = ""


def assume_role(role: Role, keys: KeySource, settings: Settings, transport: Transport) -> AccessKey:
    """A temporary key of `role`, asked for with `keys`. DENIED, NOT_FOUND or UNAVAILABLE where there is none."""
    api = Api(sdk.STS, settings.region or _REGION, settings, keys, transport)
    response = api.call("AssumeRole", _parameters(role))
    return _key(api, response)


def assume_role_with_token(
    role: Role, provider_id: str, token_file: str, region: str, settings: Settings, transport: Transport
) -> AccessKey:
    """A temporary key of `role` for the token in `token_file`, which is read anew each time: it is renewed there."""
    try:
        token = Path(token_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImgmoveError(
            Kind.DENIED, f"cannot read the identity token {token_file}", code="NoCredentials",
            hint="check TKE_WEB_IDENTITY_TOKEN_FILE",
        ) from error  # fmt: skip
    api = Api(sdk.STS, region or _REGION, settings, FixedKey(AccessKey("", "")), transport)
    parameters = {**_parameters(role), "ProviderId": provider_id, "WebIdentityToken": token}
    return _key(api, api.call("AssumeRoleWithWebIdentity", parameters, signed=False))


def _parameters(role: Role) -> dict[str, Any]:
    return {
        "RoleArn": role.arn,
        "RoleSessionName": role.session_name or _SESSION_NAME,
        "DurationSeconds": DURATION_SECONDS,
    }


def _key(api: Api, response: Mapping[str, Any]) -> AccessKey:
    found = answers.child(response, "Credentials")
    key_id, secret = answers.text(found, "TmpSecretId"), answers.text(found, "TmpSecretKey")
    if not key_id or not secret:
        raise api.incomplete("Credentials", response)
    expires_at = answers.number(response, "ExpiredTime")
    return AccessKey(key_id, secret, answers.text(found, "Token"), float(expires_at) if expires_at else None)
