"""The answer on disk: layout, shard files, merge, reader, provenance."""
