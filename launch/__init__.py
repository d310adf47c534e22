"""Command-line launchers: flags -> config -> one call."""
