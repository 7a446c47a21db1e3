"""Benchmarks: what `make bench` measures. Timing is asserted nowhere else."""
