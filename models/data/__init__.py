"""The zoo's data sets. All are deterministic and need NumPy only; the digits also need scikit-learn."""
