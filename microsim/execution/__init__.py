"""Where work runs: serial, processes."""
