// Figures as people read them: the same words as `harness.report.numbers` makes of them, and a test holds the two together.

/** Three significant digits, and no exponent where it can be avoided. */
function significant(value, digits = 3) {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -5 || exponent > 9) return value.toExponential(digits - 1).replace(/e([+-])(\d)$/, "e$10$2");
  const rounded = Number(value.toPrecision(digits));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function whole(value) { return value.toLocaleString("en"); }

/** `counted(2, "run")`: 2 runs. */
function counted(number, noun) { return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`; }

/** Whole numbers stay whole: 9 LSB, not 9.00. */
function optional(value) {
  if (value === null) return "–";
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? whole(value) : significant(value);
}

/** The unit that fits that many milliseconds, and how many of it make one. */
function unitOf(value) {
  if (value === 0 || (Math.abs(value) >= 1 && Math.abs(value) < 1000)) return ["ms", 1];
  if (Math.abs(value) >= 1000) return ["s", 1e-3];
  return Math.abs(value) >= 0.001 ? ["µs", 1e3] : ["ns", 1e6];
}

function milliseconds(value) {
  if (value === null) return "–";
  const [unit, factor] = unitOf(value);
  return `${significant(value * factor)} ${unit}`;
}

/** Both ends in the unit that fits the lower one, with as many digits as it takes to see that it is an interval. */
function interval({ low, high }) {
  if (low === null || high === null) return "–";
  const [unit, factor] = unitOf(low);
  const ends = (digits) => [low, high].map((end) => significant(end * factor, digits));
  const [first, last] = [3, 4, 5].map(ends).find(([left, right]) => left !== right) ?? ends(3);
  return `${first}–${last} ${unit}`;
}

function byteSize(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let place = 0;
  let rest = value;
  while (Math.abs(rest) >= 1024 && place < 3) { rest /= 1024; place += 1; }
  return place === 0 ? `${value} B` : `${significant(rest)} ${units[place]}`;
}

/** A part of one as a percentage. */
function share(value) { return value === null ? "–" : `${significant(value * 100)} %`; }

/** Six places, because all the news is in the last ones. */
function cosine(value) { return value === null ? "–" : value.toFixed(6); }

/** Seconds as minutes or hours where they are many. */
function duration(seconds) {
  if (seconds < 60) return `${significant(seconds, 2)} s`;
  const all = Math.round(seconds);
  const minutes = Math.floor(all / 60);
  return minutes < 60 ? `${minutes} min ${all % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function errorShare(error) {
  if (error === 0) return "exact";
  if (error < 1e-8) return "< 0.01 ppm";
  return error < 1e-4 ? `${significant(error * 1e6, 2)} ppm` : `${significant(error * 100, 2)} %`;
}

/** The error relative to the signal; null where it cannot be told. */
function relativeError({ finite, sqnr_db: ratio, max_abs: largest }) {
  if (!finite) return null;
  if (ratio !== null) return 10 ** (-ratio / 20);
  return largest === 0 ? 0 : null;
}

/** The largest relative error of some comparisons in words. */
function errorWords(comparisons) {
  if (!comparisons.length) return "–";
  if (!comparisons.every(({ finite }) => finite)) return "NaN or infinity";
  const errors = comparisons.map(relativeError);
  return errors.includes(null) ? "undefined" : errorShare(Math.max(...errors));
}

/** A figure whose name ends in its unit. */
function namedFigure(name, value) {
  if (name.endsWith("_crc32")) return value.toString(16).padStart(8, "0");
  return name.endsWith("_bytes") ? byteSize(value) : whole(value);
}

/** `peak_memory_bytes` as a heading: the unit stands beside the value. */
function figureName(name) {
  const words = name.replace(/_bytes$/, "").replace(/_crc32$/, "").replaceAll("_", " ").toLowerCase();
  const title = (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\b(ram|gpu)\b/gi, (word) => word.toUpperCase());
  return title + (name.endsWith("_crc32") ? " (checksum)" : "");
}
