"""Two sides of one case timed in turns, now: the one comparison of speed that can fail a gate."""
