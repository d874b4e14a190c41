// Tables that are named (`data-table`) can be sorted by their headings and saved as CSV: what is on the screen, in its order,
// with figures as they were measured where the table holds them (`data-value`), else as they are shown.
const tables = (() => {
  const NOTHING = "–"; // a card leaves it out
  const collator = new Intl.Collator("en", { numeric: true });

  function valueOf(cell) {
    if (!cell) return "";
    return (cell.dataset.value ?? cell.textContent).trim().replace(/\s+/g, " ");
  }

  function columnsOf(table) {
    // An empty name marks a column that is for the eye alone.
    return [...table.tHead.rows[0].cells].map((cell, place) => ({ cell, place, names: (cell.dataset.column ?? cell.textContent.trim()).split("|") }))
      .filter(({ names }) => names[0] !== "");
  }

  /** A cell that a spreadsheet would take for a formula gets a quote before it. */
  function field(text) {
    const safe = /^[=@\t\r]|^[+-](?![\d.])/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  /** The fields of one cell: as many as its column has names. */
  function fields(value, names) {
    if (names.length === 1) return [value === NOTHING ? "" : value];
    const parts = value.split("|");
    return names.map((_, index) => parts[index] ?? "");
  }

  function rowsOf(table) {
    const columns = columnsOf(table);
    const shown = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    return [columns.flatMap(({ names }) => names),
      ...shown.map((row) => columns.flatMap(({ place, names }) => fields(valueOf(row.cells[place]), names)))];
  }

  function save(name, rows) {
    const text = `${rows.map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
    const link = element("a", { download: `${name} ${page.run}.csv`.replace(/[^\w.-]+/g, "-") });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  function compare(left, right) {
    const difference = left.number - right.number;
    return Number.isNaN(difference) ? collator.compare(left.value, right.value) : difference;
  }

  /** `rows` by the text that `key` gives for each; what is not known stands last either way. */
  function sorted(rows, key, descending) {
    const keyed = rows.map((row) => {
      const value = key(row).replace(/^–$/, "");
      return { row, value, number: /^[-+]?[\d.]/.test(value) ? parseFloat(value) : NaN };
    });
    keyed.sort((left, right) => {
      if (left.value === "" || right.value === "") return (left.value === "") - (right.value === "");
      return descending ? compare(right, left) : compare(left, right);
    });
    return keyed.map(({ row }) => row);
  }

  /** Marks the heading and says whether the order is now a falling one. */
  function turn(cell) {
    const descending = cell.getAttribute("aria-sort") === "ascending";
    for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    return descending;
  }

  function sortButton(cell, sort) {
    const button = element("button", { type: "button", class: "sort" });
    button.append(...cell.childNodes);
    button.addEventListener("click", () => sort(turn(cell)));
    cell.append(button);
  }

  function csvButton(name, rows) {
    const button = element("button", { type: "button", class: "csv" }, "CSV", element("span", { class: "hidden" }, `: ${name}`));
    button.addEventListener("click", () => save(name, rows()));
    return button;
  }

  /** On a phone a line of a table is drawn as a card, which is no table to a browser: so each part says what it is. */
  function speak(table) {
    table.setAttribute("role", "table");
    for (const group of [table.tHead, ...table.tBodies]) group.setAttribute("role", "rowgroup");
    table.tHead.rows[0].setAttribute("role", "row");
    for (const cell of table.tHead.rows[0].cells) cell.setAttribute("role", "columnheader");
  }

  /** The same for lines that stand in the page already, with the heading of each cell for its card. */
  function speakLines(table) {
    const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    for (const row of table.tBodies[0].rows) {
      row.setAttribute("role", "row");
      [...row.cells].forEach((cell, place) => {
        cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
        cell.dataset.title = titles[place];
        if (cell.textContent.trim() === NOTHING) cell.dataset.none = "";
      });
    }
  }

  function prepare(table) {
    const body = table.tBodies[0];
    if (table.classList.contains("wide")) {
      speak(table);
      speakLines(table);
    }
    for (const { cell, place } of columnsOf(table)) {
      sortButton(cell, (descending) => body.append(...sorted([...body.rows], (row) => valueOf(row.cells[place]), descending)));
    }
    const tools = element("p", { class: "tools" }, csvButton(table.dataset.table, () => rowsOf(table)));
    (table.closest(".scroll") ?? table).after(tools);
  }

  return {
    NOTHING, fields, sorted, sortButton, csvButton, speak,
    prepareIn(view) { view.querySelectorAll("table[data-table]").forEach((table) => { if (!table.closest(".list")) prepare(table); }); },
  };
})();
