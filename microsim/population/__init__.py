"""Who is simulated: columns, readers, checks, synthesis, calibration, markets and shards."""
