"""What an adapter is told about its surroundings; resolved by `imgmove.config`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The surroundings of one cloud's adapters: adapters read no `os.environ`, clock or home by themselves.

    `endpoints` maps a service of the contract (`CVM`, `ECM`, `CAM`, `TENCENT_STS`, `COS`, `ECS`, `RAM`,
    `ALIBABA_STS`, `OSS`) to a URL, checked already: `https`, or `http` to a loopback address (or any, where the
    profile says `insecure_http`).
    `options` are the profile's own words for this cloud (`[profiles.NAME.tencent]`): `site` (`mainland` or
    `international`), `network` (`public` or `internal`), and what else the cloud documents.
    `vendor_profile` is the profile of the vendor's own tool (tccli, aliyun); empty for that tool's default.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    home: Path = Path()
    """The user's home directory, where the vendors' tools keep their files."""
    vendor_profile: str = ""
    region: str = ""
    """The profile's or the environment's default region, empty where there is none."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 60.0
    now: Callable[[], float] = field(default=lambda: 0.0)
    """Unix seconds."""
    user_agent: str = "imgmove"
