"""Both clouds, emulated on loopback."""
