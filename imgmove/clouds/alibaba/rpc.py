"""Calls of Alibaba's RPC services (ECS, STS, RAM): the official client builds and signs, our transport sends.

`call_api` of the official client takes plain dictionaries and gives back raw answers, so that no field is dropped
(TaskId and ExportTaskId, alibaba.md 1.2). Its own transport is replaced: it ignores NO_PROXY, also for loopback, loses
the HTTP status of an answer that is not JSON, follows redirects and prints tokens under `DEBUG=sdk` (5.3 to 5.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from imgmove.clouds.alibaba import answers, errors, limits, sdk
from imgmove.clouds.keys import KeySource
from imgmove.clouds.transport import Answer, Transport
from imgmove.core.errors import ImgmoveError
from imgmove.core.settings import Settings

with sdk.quiet():
    from alibabacloud_ecs20140526.client import Client as OfficialEcsClient
    from alibabacloud_tea_openapi import utils_models
    from alibabacloud_tea_openapi.client import Client as OfficialOpenApiClient
    from alibabacloud_tea_openapi.utils import Utils
    from darabonba.request import DaraRequest
    from darabonba.runtime import RuntimeOptions

_ALGORITHM: Final = "ACS3-HMAC-SHA256"


class _OwnTransport:
    """Mixed into an official client: sends what it was asked to send by our `Transport`, signed by the SDK."""

    transport: Transport
    keys: KeySource | None
    changes: bool
    _endpoint: str
    _protocol: str
    _user_agent: str

    def do_request(self, params: Any, request: Any, _runtime: Any) -> dict[str, Any]:
        """One request, built as the official `do_request` builds it (alibaba.md 5.4); the answer as it came."""
        signed = DaraRequest()
        signed.method, signed.pathname = params.method, params.pathname
        signed.query = dict(request.query or {})
        body = Utils.to_form(request.body).encode() if request.body else None
        signed.headers = {
            "host": self._endpoint,
            "accept": "application/json",
            "user-agent": Utils.get_user_agent(self._user_agent),
            "x-acs-version": params.version,
            "x-acs-action": params.action,
            "x-acs-date": Utils.get_timestamp(),
            "x-acs-signature-nonce": Utils.get_nonce(),
            "x-acs-content-sha256": Utils.hash(body or b"", _ALGORITHM).hex(),
        }
        if body is not None:
            signed.headers["content-type"] = "application/x-www-form-urlencoded"
        self._authorize(signed, anonymous=params.auth_type == "Anonymous")
        query = urlencode(signed.query, quote_via=quote, safe="~")
        url = f"{self._protocol}://{self._endpoint}{params.pathname}?{query}"
        answer = self.transport.send(params.method, url, signed.headers, body, changes=request.changes)
        return {"answer": answer.unpacked()}

    def _authorize(self, signed: Any, *, anonymous: bool) -> None:
        if anonymous or self.keys is None:
            signed.query["Format"] = "json"
            return
        key = self.keys.current()
        if key.token:
            signed.headers["x-acs-accesskey-id"] = key.id
            signed.headers["x-acs-security-token"] = key.token
        payload = signed.headers["x-acs-content-sha256"]
        signed.headers["Authorization"] = Utils.get_authorization(signed, _ALGORITHM, payload, key.id, key.secret)


class EcsClient(_OwnTransport, OfficialEcsClient):  # type: ignore[misc]  # the SDK ships no types
    """The official ECS client, which knows the endpoint of every region."""


class OpenApiClient(_OwnTransport, OfficialOpenApiClient):  # type: ignore[misc]  # the SDK ships no types
    """The official client of services whose endpoint is known."""


class Rpc:
    """One RPC service at one endpoint. Safe to use from several threads."""

    def __init__(self, service: str, version: str, client: Any, region: str = "") -> None:
        self._service = service
        self._version = version
        self._client = client
        self._region = region

    @property
    def endpoint(self) -> str:
        """Host and port that calls go to."""
        return str(self._client._endpoint)

    def call(
        self, action: str, parameters: Mapping[str, Any], *, form: Mapping[str, str] | None = None,
        changes: bool = False, anonymous: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Send `action` once; the answer's JSON object, every key kept. `None` values are left out.

        `form` travels in the body, out of the URL: for parameters that are secrets.

        Raises `ImgmoveError` with the vendor's code for a refusal, UNAVAILABLE for no answer or one that is none of
        the service's; `maybe_applied` then says, for an action that `changes` something, whether it may have worked.
        """
        params = utils_models.Params(
            action=action, version=self._version, protocol="HTTPS", pathname="/", method="POST",
            auth_type="Anonymous" if anonymous else "AK", style="RPC", req_body_type="formData", body_type="json",
        )  # fmt: skip
        query = Utils.query({name: value for name, value in parameters.items() if value is not None})
        request = utils_models.OpenApiRequest(query=query, body=dict(form) if form else None)
        request.changes = changes
        with errors.asking(self._region):
            return self._body(self._client.call_api(params, request, RuntimeOptions())["answer"], changes=changes)

    def _body(self, answer: Answer, *, changes: bool) -> dict[str, Any]:
        body = answers.json_object(answer.body)
        if body is None:
            raise self._no_json(answer, changes=changes)
        if answer.status >= 400 or (answers.text(body, "Code") and "Message" in body):
            raise self._refused(answer, body, changes=changes)
        if answer.status >= 300:
            raise errors.not_theirs(self._service, answer, changes=changes)
        return body

    def incomplete(self, field: str, body: Mapping[str, Any], *, changes: bool) -> ImgmoveError:
        """The error for an answer that lacks a field that it must have."""
        answer = Answer(200, {"x-acs-request-id": answers.text(body, "RequestId")}, b"{}", f"https://{self.endpoint}/")
        return errors.not_theirs(self._service, answer, changes=changes, what=f"no {field} in the answer")

    def _no_json(self, answer: Answer, *, changes: bool) -> ImgmoveError:
        root = answers.xml_root(answer.body)
        if answer.status >= 400 and root is not None and answers.xml_text(root, "Code"):
            body = {child.tag: child.text or "" for child in root}
            return self._refused(answer, body, changes=changes)
        return errors.not_theirs(self._service, answer, changes=changes)

    def _refused(self, answer: Answer, body: Mapping[str, Any], *, changes: bool) -> ImgmoveError:
        code = answers.text(body, "Code") or answers.text(body, "code")
        message = answers.text(body, "Message") or answers.text(body, "message")
        if not code:
            return errors.not_theirs(self._service, answer, changes=changes)
        action = errors.missing_action(body.get("AccessDeniedDetail"))
        retry_after_ms = answers.number(answer.headers, "x-acs-retry-after")
        return errors.refused(
            self._service, answer, code, message,
            answers.text(body, "RequestId") or errors.request_id_of(answer.headers),
            changes=changes, hint=f"grant the action {action}" if action else "",
            retry_after_seconds=retry_after_ms / 1000 if retry_after_ms and retry_after_ms > 0 else None,
        )  # fmt: skip


def ecs(region: str, settings: Settings, keys: KeySource, transport: Transport) -> Rpc:
    """ECS in `region`: at the endpoint that the settings name, else at the SDK's own for the region.

    `network = internal` chooses the VPC name, which the SDK's map of endpoints would hide (alibaba.md 5.1).
    """
    client = EcsClient(_config(settings, region, settings.endpoints.get("ECS", ""), _internal(region, settings)))
    client.keys, client.transport = keys, transport
    return Rpc("ECS", limits.ECS_API_VERSION, client, region)


def sts(host: str, settings: Settings, keys: KeySource | None, transport: Transport) -> Rpc:
    """STS: at the endpoint that the settings name, else at `host`."""
    client = OpenApiClient(_config(settings, "", settings.endpoints.get("ALIBABA_STS", ""), host))
    client.keys, client.transport = keys, transport
    return Rpc("ALIBABA_STS", limits.STS_API_VERSION, client)


def ram(settings: Settings, keys: KeySource, transport: Transport) -> Rpc:
    """RAM, which is one service for all regions: at the endpoint that the settings name, else at its own."""
    internal = settings.options.get("network") == "internal"
    host = limits.RAM_INTERNAL_HOST if internal else limits.RAM_HOST
    client = OpenApiClient(_config(settings, "", settings.endpoints.get("RAM", ""), host))
    client.keys, client.transport = keys, transport
    return Rpc("RAM", limits.RAM_API_VERSION, client)


def _internal(region: str, settings: Settings) -> str | None:
    return f"ecs-vpc.{region}.aliyuncs.com" if settings.options.get("network") == "internal" else None


def _config(settings: Settings, region: str, override: str, host: str | None) -> Any:
    parts = urlsplit(override)
    return utils_models.Config(
        region_id=region, endpoint=parts.netloc or host, protocol=parts.scheme or "https",
        user_agent=settings.user_agent,
    )  # fmt: skip
