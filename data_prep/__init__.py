"""Where examples come from: sources, splits, leakage audit, and the build that writes shards."""
