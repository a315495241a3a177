"""Tests of imgmove.sandbox.disks."""
