"""Pinned, hashed requirement files of the child environments: `NAME.in` says what is wanted, `NAME.txt` is compiled."""
