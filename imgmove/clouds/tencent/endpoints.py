"""Where each service of Tencent Cloud is asked under given settings, and by which kind of address."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.tencent import sdk
from imgmove.clouds.tencent.abilities import ECM
from imgmove.clouds.tencent.cos_address import bucket_address, service_address
from imgmove.core.hosts import is_loopback
from imgmove.core.inspection import Endpoint, Reach
from imgmove.core.settings import Settings

#: A name that no bucket has: the endpoint is what remains without it.
_BUCKET: Final = "bucket-0"
#: What the vendor's own host names tell, the first that fits; what fits none is somebody's own.
_REACHES: Final[tuple[tuple[str, Reach], ...]] = (
    (r"[a-z]+(\.[a-z0-9-]+)?\.internal\.tencentcloudapi\.com", "internal"),
    (r"[a-z]+(\.[a-z0-9-]+)?\.intl\.tencentcloudapi\.com", "international"),
    (r"[a-z]+(\.[a-z0-9-]+)?\.tencentcloudapi\.com", "public"),
    (r"cos\.accelerate\.(myqcloud\.com|tencentcos\.cn)", "accelerated"),
    (r"cos-internal\.[a-z0-9-]+\.tencentcos\.cn", "internal"),
    (r"(cos\.[a-z0-9-]+|service\.cos)\.(myqcloud\.com|tencentcos\.cn)", "public"),
)
_INTRANET: Final = "from a CVM instance of the same region the name leads to the intranet, which is free of charge"


def endpoints(provider: str, region: str, settings: Settings) -> tuple[Endpoint, ...]:
    """The image service, COS, STS and CAM. Sends nothing; a usage error for a `site` or `network` that is none."""
    images = sdk.ECM if provider == ECM.provider else sdk.CVM
    return (
        _api(images, region, settings), _cos(region, settings), _api(sdk.STS, region, settings),
        _api(sdk.CAM, "", settings),
    )  # fmt: skip


def _api(service: sdk.Service, region: str, settings: Settings) -> Endpoint:
    host = sdk.endpoint_of(service, region, settings).host
    return Endpoint(service.name, host, _reach(host))


def _cos(region: str, settings: Settings) -> Endpoint:
    """ECM's own regions hold no buckets: without one of COS's the list of buckets is what is asked."""
    has_buckets = bool(region) and not region.endswith("-ecm")
    address = bucket_address(_BUCKET, region, settings) if has_buckets else service_address(settings)
    host = urlsplit(address.base).netloc.removeprefix(f"{_BUCKET}.")
    reach = _reach(host)
    return Endpoint("COS", host, reach, _INTRANET if reach == "public" else "")


def _reach(host: str) -> Reach:
    name = urlsplit(f"//{host}").hostname or ""
    if is_loopback(name):
        return "loopback"
    return next((reach for pattern, reach in _REACHES if re.fullmatch(pattern, name)), "custom")
