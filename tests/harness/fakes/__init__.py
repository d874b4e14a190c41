"""A fake beside every real part: a target and a converter that do what a test's script says."""
