"""Baselines: accepted results as files that people review, one a model, without raw samples."""
