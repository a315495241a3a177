"""Looking into disk images: containers, partition tables, LVM, file systems; in a process of its own with limits."""
