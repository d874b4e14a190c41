"""`numpy/dense`: dense float32 networks in NumPy."""
