"""Searches the ways down for the smallest (or fastest) artifact that passes on every target asked for."""
