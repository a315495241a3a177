"""Submits at most once, watches to the end, copies by parts, runs a plan from any state. Knows no vendor."""
