"""Reports of a runtime's fault for its authors: the smallest model that shows it, and a script that repeats it."""
