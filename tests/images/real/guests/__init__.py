"""Guests as trees of files: small, but with everything in place that a real one of their kind needs to start."""
