"""The copy engine without the command around it: with and without the CRC-64 of every part.

engine_copy.py crc|no-crc        (environment: that of the command)
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from imgmove.app.session import Session
from imgmove.engine.transfer.object_copy import copy_object
from imgmove.engine.transfer.surroundings import CopyOptions, Surroundings


def main(crc: str) -> None:
    resolver = Session().resolver
    source = resolver.store("cos", "bench-1250000000", "ap-guangzhou")
    destination = resolver.store("oss", "bench", "cn-hangzhou")
    options = CopyOptions(compute_crc=crc == "crc")
    with ThreadPoolExecutor(options.workers) as executor:
        copied = copy_object(source, "k", destination, "copy", options, Surroundings(executor))
    if copied.comparison.before_completion != options.compute_crc:
        raise SystemExit("what was compared is not what was asked for")


if __name__ == "__main__":
    main(*sys.argv[1:])
