"""Other machines that have targets, and one run over all of them, on Dask's distributed scheduler.

Nothing here imports `distributed` before a scheduler is asked for.
"""
