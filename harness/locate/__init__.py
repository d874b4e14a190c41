"""Finds the operator at fault: compares every operator's result of a case with what it should be."""
