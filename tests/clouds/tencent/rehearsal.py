"""Our own sandbox as the cloud behind the adapters, for the contract suites."""

from __future__ import annotations

import time
from pathlib import Path

import urllib3

from imgmove.core.ports import SignedRequest
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from imgmove.testing.memory_store import Answer

BUCKET = "imgmove-gz-1250000000"
REGION = "ap-guangzhou"


def settings_for(sandbox: Sandbox, home: Path) -> Settings:
    """What `imgmove.config` makes of the sandbox's environment."""
    environment = sandbox.environment()
    endpoints = {name.upper(): url for name, url in sandbox.endpoints.items()}
    return Settings(environment=environment, home=home, endpoints=endpoints, now=time.time, user_agent="imgmove/test")


def send(request: SignedRequest, body: bytes, sandbox: Sandbox) -> Answer:
    """Send a signed request as a worker does; COS's own names lead to the sandbox."""
    url, headers = request.url, dict(request.headers)
    parts = urllib3.util.parse_url(url)
    if (parts.host or "").endswith(".myqcloud.com"):
        headers["Host"] = str(parts.host)
        url = sandbox.endpoints["cos"] + parts.request_uri
    answer = urllib3.request(request.method, url, body=body or None, headers=headers, redirect=False, retries=False)
    return Answer(answer.status, dict(answer.headers), answer.data)
