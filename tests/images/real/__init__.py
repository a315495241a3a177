"""Real disk images, built without rights by the usual tools, and tests that judge them from end to end."""
