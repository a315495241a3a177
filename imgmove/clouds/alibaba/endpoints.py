"""Where Alibaba's services are asked, and what kind of name each host is (alibaba.md 5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.alibaba import profile_modes, rpc
from imgmove.clouds.alibaba.bucket_address import bucket_address
from imgmove.clouds.keys import KeySource
from imgmove.clouds.transport import Transport
from imgmove.core.hosts import is_loopback
from imgmove.core.inspection import Endpoint, Reach
from imgmove.core.settings import Settings

PUBLIC_MAINLAND_NOTE: Final = (
    "accounts that switched OSS on after 2025-03-20 may not read or write objects by this name: use network = internal "
    "inside the region, or oss_cname with a domain of your own"
)
#: Regions of the mainland's naming that lie outside of it.
_NOT_MAINLAND: Final = frozenset({"cn-hongkong"})
#: (how the host's name is compared, text, what it is), the first that fits wins.
_FORMS: Final[tuple[tuple[str, str, Reach], ...]] = (
    ("start", "oss-accelerate", "accelerated"),
    ("end", "-internal.aliyuncs.com", "internal"),
    ("start", "ecs-vpc.", "internal"),
    ("start", "sts-vpc.", "internal"),
    ("in", ".vpc-proxy.", "internal"),
    ("end", ".aliyuncs.com", "public"),
)


def reach(host: str) -> Reach:
    """What kind of name `host` (without a port) is; a name that is none of Alibaba's is the operator's own."""
    name = host.lower()
    if is_loopback(name):
        return "loopback"
    for how, text, found in _FORMS:
        if {"start": name.startswith(text), "end": name.endswith(text), "in": text in name}[how]:
            return found
    return "custom"


def is_mainland(region: str) -> bool:
    """Does the region lie in mainland China, where OSS's public names are closed to newer accounts (5.2)?"""
    return region.startswith("cn-") and region not in _NOT_MAINLAND


def sts_host(settings: Settings) -> str:
    """STS's name under these settings, where no endpoint is set."""
    internal = True if settings.options.get("network") == "internal" else None
    return profile_modes.sts_host(settings, settings.region if internal else "", internal=internal)


def endpoints(region: str, settings: Settings, keys: KeySource, transport: Transport) -> Iterator[Endpoint]:
    """ECS and OSS where a region is known, STS and RAM in any case. Sends nothing."""
    chosen = region or settings.region
    if chosen:
        yield _endpoint("ECS", f"//{rpc.ecs(chosen, settings, keys, transport).endpoint}")
        yield _store(chosen, settings)
    yield _endpoint("ALIBABA_STS", f"//{rpc.sts(sts_host(settings), settings, keys, transport).endpoint}")
    yield _endpoint("RAM", f"//{rpc.ram(settings, keys, transport).endpoint}")


def _store(region: str, settings: Settings) -> Endpoint:
    found = _endpoint("OSS", bucket_address("bucket", region, settings).base)
    closed = found.reach == "public" and is_mainland(region)
    return Endpoint(found.service, found.host, found.reach, PUBLIC_MAINLAND_NOTE if closed else "")


def _endpoint(service: str, url: str) -> Endpoint:
    parts = urlsplit(url)
    return Endpoint(service, parts.netloc, reach(parts.hostname or ""))
