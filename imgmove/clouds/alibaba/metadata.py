"""Temporary keys from elsewhere: the metadata service of an ECS instance, and a credentials URI (alibaba.md 6.1)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.alibaba import answers, errors
from imgmove.clouds.keys import AccessKey
from imgmove.clouds.transport import Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind

METADATA_HOST: Final = "100.100.100.200"
#: Never to be asked through a proxy.
DIRECT_HOSTS: Final = frozenset({METADATA_HOST})
#: As the SDK: whoever is on no instance shall not wait.
TIMEOUT_SECONDS: Final = 1.0
_TOKEN_SECONDS: Final = 21600


class InstanceRole:
    """The RAM role of the ECS instance that we run on; asked with a session token, without one where that fails."""

    def __init__(
        self, transport: Transport, role_name: str = "", *, v1_disabled: bool = False,
        address: str = f"http://{METADATA_HOST}",
    ) -> None:  # fmt: skip
        self._transport = transport
        self._role_name = role_name
        self._v1_disabled = v1_disabled
        self._base = f"{address}/latest"

    def fetch(self) -> AccessKey:
        """The role's key of this moment; DENIED where there is no instance or no role."""
        headers = self._token_header()
        roles = "/meta-data/ram/security-credentials/"
        role = self._role_name or self._get(roles, headers).body.decode("utf-8", "replace").strip()
        if not role or "\n" in role or "/" in role:
            raise ImgmoveError(Kind.DENIED, "the instance has no RAM role", code="NoInstanceRole",
                               hint="attach one to the instance, or use an access key")  # fmt: skip
        return key_of(self._get(f"{roles}{role}", headers), "the instance's metadata service")

    def _token_header(self) -> dict[str, str]:
        wanted = {"X-aliyun-ecs-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        url = f"{self._base}/api/token"
        try:
            answer = self._transport.send("PUT", url, wanted, timeout_seconds=TIMEOUT_SECONDS)
        except ImgmoveError:
            if self._v1_disabled:
                raise
            return {}
        token = answer.body.decode("utf-8", "replace").strip()
        return {"X-aliyun-ecs-metadata-token": token} if answer.status == 200 and token.isprintable() and token else {}

    def _get(self, path: str, headers: dict[str, str]) -> Answer:
        answer = self._transport.send("GET", f"{self._base}{path}", headers, timeout_seconds=TIMEOUT_SECONDS)
        if answer.status != 200:
            raise ImgmoveError(Kind.DENIED, f"the metadata service gives no role credentials (HTTP {answer.status})",
                               code="NoInstanceRole", hint="attach a RAM role to the instance")  # fmt: skip
        return answer


def from_uri(transport: Transport, uri: str) -> AccessKey:
    """A key from a credentials URI, whose answer has the metadata service's form."""
    return key_of(transport.send("GET", uri, {"Accept": "application/json"}), "the credentials URI")


def key_of(answer: Answer, who: str) -> AccessKey:
    """The key in an answer of the form `{"Code": "Success", "AccessKeyId": …}`; the error shows nothing of it."""
    body = answers.json_object(answer.body) or {}
    names = ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    if answer.status != 200 or body.get("Code") != "Success" or not all(answers.text(body, name) for name in names):
        what = "no JSON" if not body else "no credentials"
        raise ImgmoveError(
            Kind.DENIED, f"{who} gives {what} (HTTP {answer.status})", code="NoCredentials",
            request_id=errors.request_id_of(answer.headers),
        )  # fmt: skip
    key_id, secret, token = (answers.text(body, name) for name in names)
    return AccessKey(key_id, secret, token, answers.unix_time(answers.text(body, "Expiration")))
