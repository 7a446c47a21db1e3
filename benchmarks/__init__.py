"""The benchmarks that `make bench` runs. Timing is asserted nowhere else."""
