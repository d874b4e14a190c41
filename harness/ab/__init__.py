"""Times two sides of one case in turns. This is the only comparison of speed that can fail the gate."""
