"""Arrays in, comparisons out."""
