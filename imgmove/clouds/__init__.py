"""Clouds: one folder for each vendor, found by the entry-point group `imgmove.clouds`, ours like anybody else's."""
