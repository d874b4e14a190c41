// Building blocks: elements out of text alone, figures as people read them, and the data of the page.

const page = JSON.parse(document.getElementById("page-data").textContent);

/** An element with attributes and children. Text becomes text nodes: what a record says is never read as markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Three significant digits, as `numbers.significant` in Python. */
function significant(value, digits = 3) {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -5 || exponent > 9) return value.toExponential(digits - 1);
  const rounded = Number(value.toPrecision(digits));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function milliseconds(value) {
  if (value === 0 || (Math.abs(value) >= 1 && Math.abs(value) < 1000)) return `${significant(value)} ms`;
  if (Math.abs(value) >= 1000) return `${significant(value / 1000)} s`;
  return Math.abs(value) >= 0.001 ? `${significant(value * 1e3)} µs` : `${significant(value * 1e6)} ns`;
}

function byteSize(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let place = 0;
  let rest = value;
  while (Math.abs(rest) >= 1024 && place < 3) { rest /= 1024; place += 1; }
  return place === 0 ? `${value} B` : `${significant(rest)} ${units[place]}`;
}

/** A figure of the history in its unit. */
function figure(value, metric) {
  if (value === null || value === undefined) return "–";
  if (metric.unit === "ms") return milliseconds(value);
  if (metric.unit === "B") return byteSize(value);
  const text = Number.isInteger(value) ? value.toLocaleString("en") : significant(value, 4);
  return metric.unit ? `${text} ${metric.unit}` : text;
}

function signed(value, digits = 3) {
  return `${value < 0 ? "−" : "+"}${significant(Math.abs(value), digits)}`;
}

function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

function minute(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A hash by its beginning. */
function brief(text) {
  return /^[0-9a-f]{13,}/.test(text) ? text.slice(0, 12) + (text.includes("+") ? "+" : "") : text || "none";
}

function say(message) {
  const notice = document.getElementById("notice");
  notice.textContent = message;
  notice.hidden = !message;
}
