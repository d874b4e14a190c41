"""Figures as people read them: three significant digits and the unit that fits."""

from __future__ import annotations

import math
import re

from harness.store.record import Comparison, Interval


def significant(value: float, digits: int = 3) -> str:
    """`value` with that many significant digits and no exponent where it can be avoided."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -5 or exponent > 9:
        return f"{value:.{digits - 1}e}"
    rounded = round(value, digits - 1 - exponent)
    # 9.996 becomes 10.0, which has a digit more before the point.
    decimals = digits - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(0, decimals)}f}"


def optional(value: float | None) -> str:
    """A figure as text, where whole numbers stay whole: 9 LSB, not 9.00."""
    if value is None:
        return "–"
    return whole(int(value)) if float(value).is_integer() and abs(value) < 1e9 else significant(value)


def _unit(value: float) -> tuple[str, float]:
    """The unit that fits that many milliseconds, and how many of it make one."""
    if value == 0 or 1 <= abs(value) < 1000:
        return "ms", 1.0
    if abs(value) >= 1000:
        return "s", 1e-3
    return ("µs", 1e3) if abs(value) >= 0.001 else ("ns", 1e6)


def milliseconds(value: float) -> str:
    """A duration given in milliseconds, in the unit that fits."""
    unit, factor = _unit(value)
    return f"{significant(value * factor)} {unit}"


def interval(value: Interval) -> str:
    """Both ends in milliseconds, in the unit that fits the lower one."""
    unit, factor = _unit(value.low)
    low, high = value.low * factor, value.high * factor
    # As many digits as it takes to see that it is an interval.
    digits = next((digits for digits in range(3, 6) if significant(low, digits) != significant(high, digits)), 3)
    return f"{significant(low, digits)}–{significant(high, digits)} {unit}"


def byte_size(value: int) -> str:
    """Bytes in binary units, as the data sheets of microcontrollers count them."""
    if abs(value) < 1024:
        return f"{value} B"
    if abs(value) < 1024**2:
        return f"{significant(value / 1024)} KiB"
    if abs(value) < 1024**3:
        return f"{significant(value / 1024**2)} MiB"
    return f"{significant(value / 1024**3)} GiB"


def whole(value: int) -> str:
    """A whole number, with its thousands apart."""
    return f"{value:,}"


def share(value: float | None) -> str:
    """A part of one as a percentage."""
    return "–" if value is None else f"{significant(value * 100)} %"


def figure(name: str, value: int) -> str:
    """A figure in the unit that its name ends in."""
    if name.endswith("_crc32"):
        return f"{value:08x}"
    return byte_size(value) if name.endswith("_bytes") else whole(value)


def figure_name(name: str) -> str:
    """A figure's name as a heading. The unit stands beside the value, so `peak_memory_bytes` becomes `Peak memory`."""
    words = name.removesuffix("_bytes").removesuffix("_crc32").replace("_", " ").capitalize()
    return re.sub(r"\b(?i:ram|gpu)\b", lambda found: found[0].upper(), words) + (
        " (checksum)" if name.endswith("_crc32") else ""
    )


def unrounded(value: float) -> str:
    """A figure with all its digits, for two figures that only differ in digits that are not shown otherwise."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.12g}"


def step(before: float, after: float) -> str:
    """How far a figure moved, as a share of what it was; the new figure where it was zero."""
    sign = "+" if after > before else "−"
    if before == 0:
        return f"{sign}{optional(abs(after))}"
    return f"{sign}{significant(abs(after / before - 1) * 100, 2)} %"


def ratio(value: float) -> str:
    """A factor between two durations."""
    return f"{significant(value)}×"


def duration(seconds: float) -> str:
    """Seconds as minutes or hours where they are many."""
    if seconds < 60:
        return f"{significant(seconds, 2)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def relative_error(comparison: Comparison) -> float | None:
    """The size of the error relative to the size of the signal (both root mean square): 0 is exact, 0.01 one per cent.

    None where it cannot be told: a NaN somewhere, or a signal that is zero throughout.
    """
    if not comparison.finite:
        return None
    if comparison.sqnr_db is not None:
        return float(10.0 ** (-comparison.sqnr_db / 20))
    return 0.0 if comparison.max_abs == 0 else None


def worst_error(comparisons: tuple[Comparison, ...]) -> float | None:
    """The largest relative error over the outputs; None where any of them cannot be told, or there is none."""
    errors = [relative_error(comparison) for comparison in comparisons]
    known = [error for error in errors if error is not None]
    return max(known) if known and len(known) == len(errors) else None


def error_text(comparisons: tuple[Comparison, ...]) -> str:
    """The largest relative error as people read it: exact, parts per million, or per cent."""
    if not comparisons:
        return "–"
    if not all(comparison.finite for comparison in comparisons):
        return "NaN or infinity"
    error = worst_error(comparisons)
    return "undefined" if error is None else error_share(error)


def error_share(error: float) -> str:
    """A relative error as text: exact, parts per million, or per cent."""
    if error == 0:
        return "exact"
    if error < 1e-8:
        return "< 0.01 ppm"
    if error < 1e-4:
        return f"{significant(error * 1e6, 2)} ppm"
    return f"{significant(error * 100, 2)} %"
