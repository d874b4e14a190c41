"""The engine: matrix, conversion cache, parity, latency, statistics, store, gate, report. It knows no runtime."""

__version__ = "0.1.0"
