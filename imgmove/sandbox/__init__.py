"""Both clouds, emulated on loopback: Tencent Cloud (CVM, ECM, CAM, STS, COS) and Alibaba Cloud (ECS, RAM, STS, OSS).

    with Sandbox() as sandbox:
        subprocess.run(["my-migration"], env={**os.environ, **sandbox.environment()})

`python -m imgmove.sandbox` runs one in the foreground. Importing this imports no vendor's SDK.
"""

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import Effect, Fault, FaultError, FaultPlan, load_faults, parse_fault
from imgmove.sandbox.http import SERVICES
from imgmove.sandbox.persistence import DirectoryError
from imgmove.sandbox.request_log import LogEntry
from imgmove.sandbox.sandbox import NotStartedError, Sandbox
from imgmove.sandbox.seed import DEFAULT, Seed, SeedError, with_images
from imgmove.sandbox.serving import serve

__all__ = [
    "DEFAULT",
    "SERVICES",
    "Clock",
    "DirectoryError",
    "Effect",
    "Fault",
    "FaultError",
    "FaultPlan",
    "LogEntry",
    "NotStartedError",
    "Sandbox",
    "Seed",
    "SeedError",
    "load_faults",
    "parse_fault",
    "serve",
    "with_images",
]
