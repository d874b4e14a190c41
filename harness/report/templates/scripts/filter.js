// One filter for all views; it stands in the address, so that a filtered view can be kept and shared.
const filter = (() => {
  const form = document.getElementById("filter");
  const output = form.querySelector("output");
  const names = ["model", "variant", "target", "outcome", "text"];
  const fields = Object.fromEntries(names.map((name) => [name, form.elements.namedItem(name)]));
  const cells = new Map();
  for (const [model, variant, target, outcome] of page.cases) {
    const key = `${model}\n${target}`;
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key).push({ model, variant, target, outcome });
  }
  const order = Object.keys(page.outcomes); // worst first
  let view = null;

  function usable(name) { return view.dataset.filters?.split(" ").includes(name); }

  /** Only what the view offers counts: an outcome that was chosen elsewhere must not empty the history unseen. */
  function wanted() {
    const chosen = Object.fromEntries(names.map((name) => [name, usable(name) ? fields[name].value : ""]));
    const words = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
    return (one) => (!chosen.model || one.model === chosen.model)
      && (!chosen.variant || one.variant === chosen.variant)
      && (!chosen.target || one.target === chosen.target)
      && (!chosen.outcome || one.outcome === chosen.outcome || (chosen.outcome === "not passed" && one.outcome !== "passed"))
      && words.every((word) => `${one.model} ${one.variant} ${one.target}`.toLowerCase().includes(word));
  }

  function showCell(cell, keep) {
    const every = cells.get(`${cell.dataset.cellModel}\n${cell.dataset.columnTarget}`);
    const kept = every.filter(keep);
    const worst = order.find((outcome) => kept.some((one) => one.outcome === outcome));
    cell.querySelector("a").hidden = !worst;
    cell.className = worst ? `cell ${page.outcomes[worst].css}` : "cell empty";
    if (!worst) return 0;
    cell.querySelector(".sign").textContent = page.outcomes[worst].symbol;
    cell.querySelector(".word").textContent = page.outcomes[worst].word;
    cell.querySelector(".count").textContent = `${kept.filter((one) => one.outcome === worst).length} of ${kept.length}`;
    return kept.length;
  }

  function showMatrix(table, keep) {
    let shown = 0;
    const used = new Set();
    for (const row of table.tBodies[0].rows) {
      let inRow = 0;
      for (const cell of row.querySelectorAll("[data-cell-model]")) {
        const number = showCell(cell, keep);
        if (number) used.add(cell.dataset.columnTarget);
        inRow += number;
      }
      row.hidden = inRow === 0;
      shown += inRow;
    }
    const families = {};
    for (const cell of table.querySelectorAll("[data-column-target]")) {
      cell.hidden = !used.has(cell.dataset.columnTarget);
      if (cell.tagName === "TH" && !cell.hidden) families[cell.dataset.family] = (families[cell.dataset.family] ?? 0) + 1;
    }
    for (const cell of table.querySelectorAll("th.family")) {
      cell.hidden = !families[cell.dataset.family];
      cell.colSpan = families[cell.dataset.family] ?? 1;
    }
    return shown;
  }

  function apply() {
    const active = names.some((name) => usable(name) && fields[name].value);
    const keep = wanted();
    let shown = 0;
    let all = 0;
    for (const one of view.querySelectorAll("[data-model]")) {
      one.hidden = active && !keep(one.dataset);
      all += 1;
      shown += one.hidden ? 0 : 1;
    }
    for (const group of view.querySelectorAll("[data-group]")) group.hidden = !group.querySelector("[data-model]:not([hidden])");
    const matrix = view.querySelector(".matrix");
    if (matrix) [shown, all] = [showMatrix(matrix, keep), page.cases.length];
    // Its lists are cut off where they are long, so the filter must come before the cut.
    if (view.id === "history") [shown, all] = historyViews.fillIndex(view, keep);
    form.querySelector("[type=reset]").hidden = !active;
    output.textContent = active ? `${shown} of ${all} ${matrix ? "cases" : "shown"}` : "";
  }

  return {
    /** The filter as the address holds it: only what is set. */
    query() {
      const set = names.filter((name) => fields[name].value).map((name) => [name, fields[name].value]);
      return new URLSearchParams(set).toString();
    },
    read(query) {
      const given = new URLSearchParams(query);
      for (const name of names) {
        const value = given.get(name) ?? "";
        // A bookmark may name what this run has not: the filter then says so by showing nothing.
        if (fields[name].tagName === "SELECT" && value && ![...fields[name].options].some((option) => option.value === value)) {
          fields[name].append(element("option", {}, value));
        }
        fields[name].value = value;
      }
    },
    show(next) {
      view = next;
      const slot = view.querySelector("[data-filter-slot]");
      form.hidden = !slot;
      slot?.append(form);
      for (const label of form.querySelectorAll("[data-filter]")) label.hidden = !usable(label.dataset.filter);
      apply();
    },
    start(changed) {
      form.addEventListener("input", () => { apply(); changed(); });
      form.addEventListener("submit", (event) => event.preventDefault());
      form.addEventListener("reset", () => setTimeout(() => { apply(); changed(); fields.text.focus(); }));
    },
  };
})();
