"""Temporary keys of a RAM role, from STS: AssumeRole with a key, AssumeRoleWithOIDC with a token file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imgmove.clouds.alibaba import answers
from imgmove.clouds.keys import AccessKey, KeySource
from imgmove.clouds.transport import Transport
from imgmove.core.errors import usage_error
from imgmove.core.settings import Settings

if TYPE_CHECKING:
    from imgmove.clouds.alibaba.rpc import Rpc

_SESSION_NAME: Final = "imgmove"
_DEFAULT_SECONDS: Final = 3600


@dataclass(frozen=True)
class Role:
    """A role to be assumed. `sts_host` is STS's name for the region and network that the profile wants."""

    arn: str
    session_name: str = ""
    duration_seconds: int = _DEFAULT_SECONDS
    policy: str = ""
    external_id: str = ""
    sts_host: str = "sts.aliyuncs.com"

    def parameters(self) -> dict[str, Any]:
        return {
            "RoleArn": self.arn,
            "RoleSessionName": self.session_name or _SESSION_NAME,
            "DurationSeconds": self.duration_seconds,
            "Policy": self.policy or None,
        }


def assume(role: Role, source: KeySource, settings: Settings, transport: Transport) -> AccessKey:
    """A new key of `role`, which `source` may assume; DENIED and the like with STS's own words."""
    from imgmove.clouds.alibaba import rpc  # loads the SDK

    service = rpc.sts(role.sts_host, settings, source, transport)
    parameters = role.parameters() | {"ExternalId": role.external_id or None}
    return _key(service, service.call("AssumeRole", parameters))


def assume_with_oidc(
    role: Role, provider_arn: str, token_file: str, settings: Settings, transport: Transport
) -> AccessKey:
    """A new key of `role` for whom the token in `token_file` names; the file is read each time."""
    try:
        token = Path(token_file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise usage_error(f"cannot read the OIDC token {token_file}", "check ALIBABA_CLOUD_OIDC_TOKEN_FILE") from error
    from imgmove.clouds.alibaba import rpc  # loads the SDK

    service = rpc.sts(role.sts_host, settings, None, transport)
    parameters = role.parameters() | {"OIDCProviderArn": provider_arn}
    return _key(service, service.call("AssumeRoleWithOIDC", parameters, form={"OIDCToken": token}, anonymous=True))


def _key(service: Rpc, body: Mapping[str, Any]) -> AccessKey:
    found = body.get("Credentials")
    credentials: Mapping[str, Any] = found if isinstance(found, dict) else {}
    names = ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    key_id, secret, token = (answers.text(credentials, name) for name in names)
    if not key_id or not secret or not token:
        raise service.incomplete("Credentials", body, changes=False)
    return AccessKey(key_id, secret, token, answers.unix_time(answers.text(credentials, "Expiration")))
