"""Images made byte by byte: small, valid as they come, and hostile where a field or a table is said to be otherwise."""
