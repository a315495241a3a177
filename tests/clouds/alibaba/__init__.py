"""Tests of Alibaba Cloud's adapters."""
