// Long tables: only the lines that are looked at are drawn; the filter, the order and the CSV are of all.
const lists = (() => {
  const STEP = 400;
  const AT_ONCE = 50; // lines of a screen; the others follow when it has been drawn, so that typing is never waited for
  const number = (value) => value.toLocaleString("en");

  /**
   * `columns`: title, names, numeric, hint, heading (of its line), value(row) as text, content(row) as one node, text, or a list.
   * `narrow(row, keep)`: what the filter leaves of a row, or null. `first`: how many lines are drawn to begin with.
   */
  function make(name, columns, every, narrow, first = STEP) {
    let kept = every;
    let order = null;
    let drawn = 0;
    let rest = null;
    let target = 0; // how many are to be drawn
    const body = element("tbody");
    const status = element("span", { class: "soft", role: "status" });
    const more = element("button", { type: "button" });
    const csv = tables.csvButton(name, () => {
      const saved = columns.filter((column) => column.names[0] !== "");
      return [saved.flatMap((column) => column.names), ...kept.map((row) => saved.flatMap((column) => tables.fields(column.value(row), column.names)))];
    });
    const headings = columns.map((column) => {
      const cell = element("th", { scope: "col", class: column.numeric ? "number" : null, "data-column": column.names.join("|"), title: column.hint || null }, column.title);
      if (column.names[0] !== "") tables.sortButton(cell, (descending) => { order = { column, descending }; arrange(); });
      return cell;
    });
    const table = element("table", { class: "wide", "data-table": name }, element("thead", {}, element("tr", {}, ...headings)), body);
    tables.speak(table);
    const holder = element("div", { class: "list" },
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${name}` }, table),
      element("p", { class: "tools" }, status, " ", more, " ", csv));

    function line(row) {
      return element("tr", { role: "row" }, ...columns.map((column) => {
        const content = column.content(row);
        const made = element(column.heading ? "th" : "td", {
          scope: column.heading ? "row" : null, role: column.heading ? "rowheader" : "cell", "data-title": column.title,
          class: column.numeric ? "number" : column.css ?? null,
        });
        made.append(...(Array.isArray(content) ? content : [content]).filter((part) => part !== null && part !== ""));
        if (made.textContent === tables.NOTHING) made.dataset.none = "";
        return made;
      }));
    }

    function append(upTo) {
      const end = Math.min(kept.length, upTo);
      body.append(...kept.slice(drawn, end).map(line));
      drawn = end;
    }

    function draw(upTo) {
      target = upTo;
      append(Math.min(drawn + AT_ONCE, upTo));
      clearTimeout(rest);
      if (drawn < Math.min(kept.length, upTo)) rest = setTimeout(() => append(upTo));
      const left = Math.max(0, kept.length - upTo);
      status.textContent = left ? `The first ${number(upTo)} of ${number(kept.length)} lines; sorting and CSV are of all.` : "";
      more.textContent = `Show ${number(Math.min(STEP, left))} more`;
      more.hidden = left === 0;
      csv.firstChild.textContent = left ? `CSV of all ${number(kept.length)}` : "CSV";
    }

    function arrange() {
      if (order) kept = tables.sorted(kept, order.column.value, order.descending);
      body.replaceChildren();
      drawn = 0;
      draw(first);
    }

    more.addEventListener("click", () => {
      const next = target;
      append(target);
      draw(target + STEP);
      // The button may have gone; reading goes on at the first of the new lines.
      if (more.hidden) body.rows[next]?.querySelector("a")?.focus();
    });

    return {
      holder,
      /** Keep what the filter wants: how many lines that are, and how many there are. */
      filter(keep) {
        kept = every.map((row) => narrow(row, keep)).filter(Boolean);
        arrange();
        return [kept.length, every.length];
      },
    };
  }

  const KINDS = {
    model: { value: (one) => one.model, content: (one) => (one.modelAnchor ? element("a", { href: `#${one.modelAnchor}` }, ...breakable(one.model)) : one.model) },
    target: {
      value: (one) => one.target,
      content: (one) => [element("a", { href: `#${one.anchor}` }, ...breakable(one.target)), ...(one.simulated ? [" ", mark("simulated")] : [])],
    },
    variant: { value: (one) => one.variant, content: (one) => one.variant },
    outcome: { value: (one) => one.outcome, content: (one) => badge(one.outcome) },
    case: {
      value: (_one, all) => casesInWords(all),
      content: (_one, all) => casesTogether(all, ({ anchor }) => anchor),
    },
  };

  function displayed(cell) {
    const [value, text, extra = {}] = Array.isArray(cell) ? cell : [cell ?? "", cell ?? "–"];
    return { value: String(value), text: String(text), extra };
  }

  function content(cell, one) {
    const { text, extra } = displayed(cell);
    if (extra.history) return element("a", { href: `#${one.historyAnchor}`, "aria-label": `History of ${one.variant} on ${one.target}` }, text);
    const words = extra.tone ? element("span", { class: extra.tone }, text) : text;
    return [words, ...(extra.marks ?? []).flatMap((word) => [" ", mark(word)]),
      ...(extra.advice ? [element("code", { class: "advice" }, extra.advice)] : [])];
  }

  /** A list out of a document of `harness.report.lists`. */
  function fromDocument({ name, columns, lines, first }) {
    let place = 0;
    const about = Math.max(0, columns.findIndex((one) => ["model", "case"].includes(one.kind)));
    const made = columns.map((column, index) => {
      const kind = KINDS[column.kind];
      const common = { ...column, heading: index === about, css: ["long", "words"].includes(column.kind) ? column.kind : null };
      if (kind) return { ...common, value: ({ all }) => kind.value(all[0], all), content: ({ all }) => kind.content(all[0], all) };
      place += 1;
      const at = place;
      const shown = column.kind === "badge"
        ? ({ line }) => (line[at] ? badge(line[at]) : [element("span", { "aria-hidden": "true" }, "–"), element("span", { class: "hidden" }, "not in that run")])
        : ({ line, all }) => content(line[at], all[0]);
      return { ...common, value: ({ line }) => displayed(line[at]).value, content: shown };
    });
    const rows = lines.map((line) => ({ line, all: casesOf(line[0]) }));
    return make(name, made, rows, narrowed, first);
  }

  /** The cases of a line: a place in the record, several of them, or the names of a case that this run has not. */
  function casesOf(first) {
    if (!Array.isArray(first)) return [cases[first]];
    return typeof first[0] === "number" ? first.map((place) => cases[place]) : [gone(first)];
  }

  function gone([model, variant, target, outcome]) {
    return { model, variant, target, outcome, words: `${model} ${variant} ${target}`.toLowerCase() };
  }

  return {
    make,
    /** Put the lists of a view into their places; gives them. */
    place(view, documents) {
      return documents.flatMap((document) => {
        const slot = [...view.querySelectorAll("[data-list]")].find((one) => one.dataset.list === document.name);
        if (!slot) return [];
        const list = fromDocument(document);
        slot.replaceWith(list.holder);
        return [list];
      });
    },
  };
})();
