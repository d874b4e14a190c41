// Building blocks: elements out of text alone, figures of the history, and the data of the page.

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
