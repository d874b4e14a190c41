"""`harness serve`: the dashboard and a read-only JSON interface to the index, for this machine alone."""
