"""What guests lie on: file systems, partition tables, volume groups, containers."""
