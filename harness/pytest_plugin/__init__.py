"""The harness within pytest: `pytest --harness`, a `parity` fixture, TFLite cases under pytest-benchmark's fixture."""
