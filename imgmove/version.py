"""The version, a constant so that `imgmove --version` reads no package metadata."""

__version__ = "0.1.0"
