"""One run: which cases, in which order, on which slots; each ends in one outcome."""
