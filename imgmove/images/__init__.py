"""What is in a disk image: formats recognised by content, never by name."""
