"""For who adds a cloud or tests imgmove: twins of the seams in memory, and the contracts that adapters must keep.

docs/how-to/test-a-cloud.md shows how to run a cloud of your own through them.
"""
