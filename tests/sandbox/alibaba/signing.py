"""Signatures of Alibaba's RPC services, written from the vendor's documents and not from the sandbox's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import requests

from tests.sandbox.alibaba.cloud import KEY_ID, SECRET, VERSIONS, Cloud

FORM = "application/x-www-form-urlencoded"


def iso(offset_seconds: float = 0.0) -> str:
    """The time now, or so many seconds off, as requests carry it."""
    return (datetime.now(UTC) + timedelta(seconds=offset_seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(text: str) -> str:
    """Percent-encoding of RFC 3986."""
    return quote(text, safe="-_.~")


def canonical(parameters: dict[str, str]) -> str:
    """Sorted by name, encoded, joined."""
    return "&".join(f"{encode(name)}={encode(parameters[name])}" for name in sorted(parameters))


@dataclass
class Acs3:
    """One request with the current signature; every piece can be spoilt before it is sent."""

    action: str
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""
    service: str = "ecs"
    method: str = "POST"
    secret: str = SECRET
    key_id: str = KEY_ID
    headers: dict[str, str] = field(default_factory=dict)
    not_signed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def send(self, cloud: Cloud) -> requests.Response:
        """Signs and sends."""
        headers = {
            "host": cloud.endpoint(self.service),
            "x-acs-action": self.action,
            "x-acs-version": VERSIONS[self.service],
            "x-acs-date": iso(),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(self.body).hexdigest(),
            "accept": "application/json",
            **({"content-type": self.content_type} if self.content_type else {}),
            **self.headers,
        }
        headers = {name: value for name, value in headers.items() if name not in self.left_out}
        headers.setdefault("Authorization", self._authorization(headers))
        url = f"http://{cloud.endpoint(self.service)}/?{urlencode(self.query)}"
        return requests.request(self.method, url, data=self.body, headers=headers, timeout=10)

    def _authorization(self, headers: dict[str, str]) -> str:
        signed = sorted(name for name in headers if name not in ("accept", *self.not_signed))
        request = "\n".join(
            [
                self.method,
                "/",
                canonical(self.query),
                "".join(f"{name}:{headers[name].strip()}\n" for name in signed),
                ";".join(signed),
                headers.get("x-acs-content-sha256", ""),
            ]
        )
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.new(self.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        return f"ACS3-HMAC-SHA256 Credential={self.key_id},SignedHeaders={';'.join(signed)},Signature={signature}"


def acs3(cloud: Cloud, action: str, parameters: dict[str, Any], place: str) -> requests.Response:
    """Sends parameters in the query, in a form or in a JSON document."""
    if place == "query":
        return Acs3(action, query=parameters).send(cloud)
    if place == "form":
        return Acs3(action, body=urlencode(parameters).encode(), content_type=FORM).send(cloud)
    return Acs3(action, body=json.dumps(parameters).encode(), content_type="application/json; charset=utf-8").send(
        cloud
    )


@dataclass
class V1:
    """One request with the older signature."""

    action: str
    parameters: dict[str, str] = field(default_factory=dict)
    service: str = "ecs"
    method: str = "GET"
    form: tuple[str, ...] = ()
    """Names of the parameters that travel in the body."""
    secret: str = SECRET
    algorithm: str = "HMAC-SHA1"
    changes: dict[str, str] = field(default_factory=dict)
    """Common parameters that differ from what is usual; "" leaves one out."""
    tamper: dict[str, str] = field(default_factory=dict)
    """Parameters changed after signing."""

    def send(self, cloud: Cloud) -> requests.Response:
        """Signs and sends."""
        common = {
            "Action": self.action,
            "Version": VERSIONS[self.service],
            "Format": "JSON",
            "AccessKeyId": KEY_ID,
            "Timestamp": iso(),
            "SignatureMethod": self.algorithm,
            "SignatureVersion": "1.0",
            "SignatureNonce": uuid.uuid4().hex,
            **self.changes,
        }
        signed = {**{name: value for name, value in common.items() if value}, **self.parameters}
        to_sign = f"{self.method}&{encode('/')}&{encode(canonical(signed))}"
        digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}.get(self.algorithm, hashlib.sha1)
        code = hmac.new(f"{self.secret}&".encode(), to_sign.encode(), digest).digest()
        sent = {**signed, "Signature": base64.b64encode(code).decode(), **self.tamper}
        query = {name: value for name, value in sent.items() if name not in self.form}
        body = {name: value for name, value in sent.items() if name in self.form}
        url = f"http://{cloud.endpoint(self.service)}/?{urlencode(query)}"
        return requests.request(self.method, url, data=body or None, timeout=10)


def refusal(response: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["Code"]
