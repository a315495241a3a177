"""What is wrong with a seed."""

from __future__ import annotations


class SeedError(ValueError):
    """A seed that can't be sown: the message says where and why."""
