"""The floor: the same servers, hops, commits and requests as ours, and nothing else."""
