"""The documentation, tested: links resolve, commands parse, examples run, generated pages are what the code says."""
