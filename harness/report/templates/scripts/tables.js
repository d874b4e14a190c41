// Tables that are named (`data-table`) can be sorted by their headings and saved as CSV: what is on the screen, in its order,
// with figures as they were measured and not as they are shown.
const tables = (() => {
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

  function csv(table) {
    const columns = columnsOf(table);
    const lines = [columns.flatMap((column) => column.names)];
    for (const row of table.tBodies[0].rows) {
      if (row.hidden) continue;
      lines.push(columns.flatMap(({ place, names }) => {
        const value = valueOf(row.cells[place]);
        if (names.length === 1) return [value === "–" ? "" : value];
        const parts = value.split("|");
        return names.map((_, index) => parts[index] ?? "");
      }));
    }
    return `${lines.map((line) => line.map(field).join(",")).join("\r\n")}\r\n`;
  }

  function save(table) {
    const link = element("a", { download: `${table.dataset.table} ${page.run}.csv`.replace(/[^\w.-]+/g, "-") });
    link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  function compare(left, right) {
    if (left === "" || right === "") return (left === "") - (right === "");
    const difference = parseFloat(left) - parseFloat(right);
    const numeric = /^[-+]?[\d.]/.test(left) && /^[-+]?[\d.]/.test(right);
    return numeric && !Number.isNaN(difference) ? difference : left.localeCompare(right, "en", { numeric: true });
  }

  function sort(table, column) {
    const descending = column.cell.getAttribute("aria-sort") === "ascending";
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    column.cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: valueOf(row.cells[column.place]).replace(/^–$/, "") }));
    rows.sort((left, right) => {
      const order = compare(left.key, right.key);
      // What is not known stands last either way.
      return descending && left.key !== "" && right.key !== "" ? -order : order;
    });
    table.tBodies[0].append(...rows.map(({ row }) => row));
  }

  function prepare(table) {
    for (const column of columnsOf(table)) {
      const button = element("button", { type: "button", class: "sort" });
      button.append(...column.cell.childNodes);
      button.addEventListener("click", () => sort(table, column));
      column.cell.append(button);
    }
    const button = element("button", { type: "button", class: "csv", "aria-label": `Save as CSV: ${table.dataset.table}` }, "CSV");
    button.addEventListener("click", () => save(table));
    (table.closest(".scroll") ?? table).after(element("p", { class: "tools" }, button));
  }

  return {
    prepareIn(view) { view.querySelectorAll("table[data-table]").forEach(prepare); },
  };
})();
