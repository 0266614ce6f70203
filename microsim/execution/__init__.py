"""Where work runs: serial, processes, dask, mpi."""
