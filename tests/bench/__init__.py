"""Measuring imgmove against its peers, on stores of its own: `python -m tests.bench` (docs/explanation/performance.md)."""
