"""The runtimes: one folder a family, each with all that is particular to it."""
