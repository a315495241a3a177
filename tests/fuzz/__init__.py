"""Parsers of hostile bytes under a fuzzer: `python -m tests.fuzz TARGET --seconds 60` (needs the extra `imgmove[fuzz]`)."""
