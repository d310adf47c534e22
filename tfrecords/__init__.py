"""What an example is, on disk and in memory: codec, schema, writer, manifest, readers (NumPy)."""
