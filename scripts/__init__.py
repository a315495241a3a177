"""What builds parts of the repository: the seed disks, the reference pages."""
