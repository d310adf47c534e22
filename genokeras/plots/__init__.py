"""Pictures people would rather look at than numbers (extra `plot`)."""
