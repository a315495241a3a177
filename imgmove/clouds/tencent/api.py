"""Calls of API 3.0: signed by the official client, sent once over our own transport, answered or refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imgmove.clouds.keys import KeySource
from imgmove.clouds.tencent import answers, errors, limits, sdk
from imgmove.clouds.tencent.sdk import Endpoint, Service
from imgmove.clouds.transport import Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings


@dataclass(frozen=True)
class _Reply:
    """An answer as the SDK reads it. Without a content type it leaves errors and warnings to us."""

    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """One service in one region (empty: a service without regions). Safe to use from several threads."""

    def __init__(
        self, service: Service, region: str, settings: Settings, keys: KeySource, transport: Transport
    ) -> None:
        self.service = service.name
        self.region = region
        self._transport = transport
        self._endpoint: Endpoint = sdk.endpoint_of(service, region, settings)
        self._client = sdk.client(service, region, self._endpoint, keys, settings.user_agent, self)

    def call(
        self, action: str, parameters: Mapping[str, Any], *, changes: bool = False, signed: bool = True
    ) -> dict[str, Any]:
        """The `Response` of one call, sent once. Parameters that are None are left out.

        Raises the refusal, or UNAVAILABLE for no answer of the service; `maybe_applied` only for calls that `change`
        something.
        """
        body = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer = self._client.call_json(action, body, options={"SkipSign": not signed})
        except ImgmoveError as error:
            raise (error if changes else replace(error, maybe_applied=False)) from error.__cause__
        response: dict[str, Any] = answer["Response"]
        return response

    def send_request(self, request: Any) -> _Reply:
        """Send what the SDK has built and signed; called by the SDK."""
        url = f"{self._endpoint.scheme}://{request.host}{request.uri}"
        headers = {name: str(value) for name, value in request.header.items()}
        answer = self._transport.send("POST", url, headers, request.data.encode(), changes=True).unpacked()
        document = answers.json_object(answer.body) or {}
        response = document.get("Response")
        if not isinstance(response, dict) or not response:
            raise self._no_answer(answer)
        if response.get("Error"):
            raise self._refusal(answer, response)
        if answer.status != 200:
            raise self._no_answer(answer)
        return _Reply(json.dumps(document).encode())

    def incomplete(self, missing: str, response: Mapping[str, Any], *, changes: bool = False) -> ImgmoveError:
        """The error for an answer that lacks what the vendor's definition promises.

        One that has a request id has accepted a call that `changes` something: UNKNOWN, for nobody knows its name.
        """
        request_id = answers.text(response, "RequestId")
        if changes and request_id:
            return ImgmoveError(
                Kind.UNKNOWN, f"{self.service} accepted it, but its answer has no {missing} (request {request_id})",
                code="AcceptedWithoutId", hint="look for it in the console, by the request id", request_id=request_id,
                maybe_applied=True,
            )  # fmt: skip
        answer = Answer(200, {}, url=f"{self._endpoint.scheme}://{self._endpoint.host}/")
        error = errors.not_theirs(self.service, answer, changes=changes, what=f"no {missing} in the answer")
        return replace(error, request_id=request_id or None)

    def pages(
        self, action: str, parameters: Mapping[str, Any], items: str, identifier: str
    ) -> Iterator[dict[str, Any]]:
        """The objects of every page of a list with Offset and Limit, each once. Lists that are null are empty."""
        seen: set[str] = set()
        offset = 0
        while True:
            response = self.call(action, {**parameters, "Offset": offset, "Limit": limits.PAGE_SIZE})
            if items not in response:
                raise self.incomplete(items, response)
            page = answers.objects(response, items)
            fresh = [item for item in page if answers.text(item, identifier) not in seen]
            seen.update(answers.text(item, identifier) for item in fresh)
            yield from fresh
            offset += len(page)
            total = answers.number(response, "TotalCount")
            if not fresh or (offset >= total if total is not None else len(page) < limits.PAGE_SIZE):
                return

    def numbered_pages(self, action: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The objects of every page of a list of CAM's, which counts its pages (`Page`, `Rp`)."""
        seen = 0
        for page in itertools.count(1):
            response = self.call(action, {**parameters, "Page": page, "Rp": limits.CAM_PAGE_SIZE})
            if "List" not in response:
                raise self.incomplete("List", response)
            found = answers.objects(response, "List")
            yield from found
            seen += len(found)
            total = answers.number(response, "TotalNum")
            if not found or (seen >= total if total is not None else len(found) < limits.CAM_PAGE_SIZE):
                return

    def _refusal(self, answer: Answer, response: Mapping[str, Any]) -> ImgmoveError:
        error = answers.child(response, "Error")
        code, message = answers.text(error, "Code"), answers.text(error, "Message")
        if not code:
            return errors.not_theirs(self.service, answer, changes=True, what="an error without a code")
        request_id = answers.text(response, "RequestId")
        return errors.refused(self.service, answer, code, message, request_id, changes=True)

    def _no_answer(self, answer: Answer) -> ImgmoveError:
        return errors.not_theirs(self.service, answer, changes=True)
