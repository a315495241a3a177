"""The headers of disk image formats, read with suspicion: a module a format, each with one `look`."""
