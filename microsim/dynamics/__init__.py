"""How lives go on; not built yet, the place is kept."""
