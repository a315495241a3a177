"""What the services of one account share: keys, connections, clients for each region, and buckets."""

from __future__ import annotations

import threading
from typing import Final

from imgmove.clouds.keys import AccessKey
from imgmove.clouds.tencent import credentials
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.tencent.sdk import Service
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.settings import Settings

#: For how long the vendor's importer may fetch an object: an import may be queued for long (tencent.md 3.4).
SHARE_SECONDS: Final = 24 * 3600.0


class Account:
    """Clients and buckets, made at first use and kept. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._transport = credentials.transport_for(settings)
        self._keys = credentials.find(settings, self._transport)
        self._clients: dict[tuple[str, str], Api] = {}
        self._stores: dict[tuple[str, str], CosStore] = {}
        self._lock = threading.Lock()

    def key(self) -> AccessKey:
        """The key that the next request is signed with; DENIED or UNAVAILABLE where it cannot be had."""
        return self._keys.current()

    @property
    def skew_seconds(self) -> float | None:
        """The services' clock minus ours, by the last answer."""
        return self._transport.skew_seconds

    def api(self, service: Service, region: str) -> Api:
        with self._lock:
            found = self._clients.get((service.name, region))
            if found is None:
                found = Api(service, region, self.settings, self._keys, self._transport)
                self._clients[service.name, region] = found
            return found

    def store(self, bucket: str, region: str) -> CosStore:
        """A bucket in `region`; the store is asked where it is if that is empty."""
        with self._lock:
            found = self._stores.get((bucket, region))
            if found is None:
                found = CosStore(bucket, region, self.settings, self._keys, self._transport)
                self._stores[bucket, region] = found
            return found
