// Axes by the figures that they must hold: straight or logarithmic, with few round ticks.
const scales = (() => {
  // A linear axis hides the small figures where the largest is more than this many times the smallest.
  const LOG_SPAN = 20;

  function isWide(values) {
    return Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > LOG_SPAN;
  }

  /** The value in the middle of the axis. */
  function middle(values) {
    return isWide(values) ? Math.sqrt(Math.min(...values) * Math.max(...values)) : Math.max(...values) / 2;
  }

  /** The domain is written out, because a layer that shows few of the rows must not narrow it. */
  function scale(values) {
    if (isWide(values)) return { type: "log", domain: [Math.min(...values), Math.max(...values)], padding: 12 };
    return { domain: [0, Math.max(...values) || 1], padding: 12 };
  }

  /** Powers of the base that lie inside, and where they are too few to read an axis by, 2 and 5 times those of ten. */
  function powers(base, low, high) {
    const log = base === 2 ? Math.log2 : Math.log10;
    const [first, last] = [Math.floor(log(low)), Math.ceil(log(high))];
    const all = Array.from({ length: last - first + 1 }, (_, place) => Number((base ** (first + place)).toPrecision(12)));
    const inside = (values) => values.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
    if (base === 2 || inside(all).length > 2) return inside(all);
    return inside(all.flatMap((value) => [1, 2, 5].map((factor) => Number((value * factor).toPrecision(12)))));
  }

  /** Few round values inside the axis: 1, 2 and 5 times a power of ten, or powers of two (for bytes). */
  function ticks(values, base) {
    const high = Math.max(...values) || 1;
    if (isWide(values)) return powers(base, Math.min(...values), high);
    const decade = 10 ** Math.floor(Math.log10(high / 5));
    const step = base === 2 ? 2 ** Math.ceil(Math.log2(high / 5)) : [1, 2, 5, 10].map((factor) => decade * factor).find((one) => one >= high / 5) ?? decade * 10;
    return Array.from({ length: Math.floor(high / step) + 1 }, (_, place) => step * place);
  }

  /** Round numbers of KiB or MiB between the least and the greatest of some bytes. */
  function byteTicks(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const unit = 1024 ** Math.max(0, Math.floor(Math.log2(high || 1) / 10));
    const span = (high > low ? high - low : high || 1) / unit;
    const decade = 10 ** Math.floor(Math.log10(span / 4));
    const step = ([1, 2, 5].map((factor) => factor * decade).find((one) => one >= span / 4) ?? 10 * decade) * unit;
    const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
    return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step);
  }

  /** Zero has no place on a logarithmic axis: what is exact stands one decade below all else, on a line that says so. */
  function errors(values) {
    const some = values.filter((value) => value > 0);
    const [low, high] = some.length ? [Math.min(...some), Math.max(...some)] : [1e-7, 1e-7];
    const [lowest, highest] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const hasExact = some.length < values.length;
    const first = hasExact ? lowest - 1 : lowest;
    const decades = Array.from({ length: Math.max(highest, lowest + 1) - first + 1 }, (_, place) => Number(`1e${first + place}`));
    return { exact: Number(`1e${lowest - 1}`), decades, hasExact };
  }

  return { isWide, middle, scale, ticks, byteTicks, errors };
})();
