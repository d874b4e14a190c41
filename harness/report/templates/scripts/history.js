// The views of the history, made from data: all changes and series, and the series of one case.
const historyViews = (() => {
  const MOST_LINES = 500;

  function heading(name, column, numeric = false) {
    return element("th", { scope: "col", class: numeric ? "number" : null, "data-column": column }, name);
  }

  function cell(text, value, numeric = false) {
    return element("td", { class: numeric ? "number" : null, "data-value": value }, text);
  }

  function table(name, headings, rows) {
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
      element("table", { class: "wide", "data-table": name },
        element("thead", {}, element("tr", {}, ...headings)), element("tbody", {}, ...rows)));
  }

  function named([model, variant, target]) {
    return { "data-model": model, "data-variant": variant, "data-target": target };
  }

  function caseCell(anchor, [model, variant, target]) {
    return element("th", { scope: "row", "data-value": `${model}/${variant}/${target}` },
      element("a", { href: `#${anchor}` }, `${model} ${variant}`), element("span", { class: "soft" }, ` on ${target}`));
  }

  function direction(change) {
    const word = change.worse ? "worse" : "better";
    return cell(element("span", { class: change.worse ? "broken" : "held" }, `${change.to > change.from ? "▲" : "▼"} ${word}`), word);
  }

  function label(change) {
    if (!change.label) return "–";
    return change.label.kind + (change.label.note ? `: ${change.label.note}` : "");
  }

  /** `own`: on the page of one series, which names the case and the figure already. */
  function changeTable(name, changes, own) {
    const headings = [
      heading("When", "when"), own ? null : heading("Case", "case"), own ? null : heading("Figure", "figure"), heading("Change", "direction"),
      heading("By how much", "before|after|share|share_low|share_high"), heading("What differs between the two runs", "differences"),
      heading("Label", "label"),
    ];
    return table(name, headings.filter(Boolean), changes.map(({ anchor, series, change }) => changeRow(anchor, series, change, own)));
  }

  function changeRow(anchor, series, change, own) {
    const { metrics, runs, names } = historyData.all();
    const metric = metrics[series.metric];
    const after = runs[change.after];
    const causes = historyData.causes(change);
    const raw = [change.from, change.to, change.size, change.low, change.high].join("|");
    return element("tr", named(names[anchor]),
      cell(element("span", { class: "date" }, day(after.started)), new Date(after.started * 1000).toISOString()),
      own ? null : caseCell(anchor, names[anchor]), own ? null : cell(metric.title),
      direction(change), cell(historyData.size(change, metric), raw),
      element("td", { class: "long", "data-value": causes.join("; ") },
        causes.length ? causes.join(", ") : "nothing that the records hold",
        element("span", { class: "soft runs" }, ` between runs ${runs[change.before].id} and ${after.id}`)),
      cell(label(change)));
  }

  /** A line of the values, at most 80 of them, for a glance down a list. */
  function miniature(series) {
    const step = Math.max(1, Math.floor(series.values.length / 80));
    const values = series.values.filter((_, place) => place % step === 0);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const height = (value) => (high === low ? 12 : 22 - ((value - low) / (high - low)) * 20).toFixed(1);
    const points = values.map((value, place) => `${((place / Math.max(1, values.length - 1)) * 120).toFixed(1)},${height(value)}`);
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of [["viewBox", "0 0 120 24"], ["class", "miniature"], ["aria-hidden", "true"]]) picture.setAttribute(name, value);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", points.length === 1 ? `0,12 120,12` : points.join(" "));
    picture.append(line);
    return picture;
  }

  function seriesRow(anchor, series) {
    const { metrics, runs, names } = historyData.all();
    const metric = metrics[series.metric];
    const last = series.values.length - 1;
    return element("tr", named(names[anchor]), caseCell(anchor, names[anchor]), cell(metric.title),
      cell(historyData.place(series), series.machine), cell(series.points.toLocaleString("en"), series.points, true),
      element("td", {}, miniature(series)), cell(figure(series.values[last], metric), series.values[last], true),
      cell(element("span", { class: "date" }, day(runs[series.runs[last]].started)), day(runs[series.runs[last]].started)), cell(String(series.changes.length), series.changes.length, true));
  }

  /** The lists of what the filter keeps. How many series that are, and how many there are. */
  function fillIndex(view, keep) {
    const { cases, runs, names, points, shown } = historyData.all();
    const every = Object.entries(cases).flatMap(([anchor, list]) => list.map((series) => ({ anchor, series })));
    const kept = every.filter(({ anchor }) => keep({ model: names[anchor][0], variant: names[anchor][1], target: names[anchor][2] }));
    const changes = kept.flatMap(({ anchor, series }) => series.changes.map((change) => ({ anchor, series, change })));
    changes.sort((left, right) => runs[right.change.after].started - runs[left.change.after].started);
    kept.sort((left, right) => right.series.changes.length - left.series.changes.length);
    const number = (value, noun) => `${value.toLocaleString("en")} ${noun}${value === 1 ? "" : "s"}`;
    view.querySelector("#history-thinned").textContent = `${number(points, "point")} of ${every.length.toLocaleString("en")} series over ${number(runs.length, "run")}`
      + (shown < points ? `; thinned to ${number(shown, "point")}: of each stretch of a long series the lowest and the highest are kept, and every change.` : "; none left out.")
      + (Math.max(changes.length, kept.length) > MOST_LINES ? ` The lists show ${MOST_LINES} lines: filter them, or go to a case, for the others.` : "");
    fill(view.querySelector("#history-changes-table"), changes.length
      ? changeTable("changes", changes.slice(0, MOST_LINES), false) : element("p", {}, "No figure changed."));
    fill(view.querySelector("#history-series-table"), table("series", [heading("Case", "case"), heading("Figure", "figure"),
      heading("Where", "machine"), heading("Runs", "runs", true), heading("Course", ""), heading("Latest", "latest", true),
      heading("On", "latest_day"), heading("Changes", "changes", true)],
    kept.slice(0, MOST_LINES).map(({ anchor, series }) => seriesRow(anchor, series))));
    return [kept.length, every.length];
  }

  function fill(holder, content) {
    holder.replaceChildren(content);
    tables.prepareIn(holder);
  }

  function rows(series, metric) {
    const { runs } = historyData.all();
    return series.values.map((value, place) => {
      const run = runs[series.runs[place]];
      const [low, high] = [series.low?.[place] ?? null, series.high?.[place] ?? null];
      return {
        when: run.started * 1000, value, low: low ?? value, high: high ?? value, Run: run.id, When: minute(run.started),
        Value: figure(value, metric), "95 % interval": low === null ? "none: exact" : `${figure(low, metric)} – ${figure(high, metric)}`,
        Commit: brief(run.commit ?? "not known"), Machine: run.machine.slice(0, 8),
      };
    });
  }

  const TICKS = { ms: "TIME", B: "BYTES" };

  function specification(series, metric) {
    const { runs } = historyData.all();
    const { chart, labels } = data("history-chart");
    chart.datasets = {
      points: rows(series, metric),
      changes: series.changes.map((change) => ({
        when: runs[change.after].started * 1000, label: historyData.briefSize(change), tone: change.worse ? "worse" : "better",
      })),
    };
    for (const layer of chart.layer) {
      if (layer.encoding.y?.axis && TICKS[metric.unit]) layer.encoding.y.axis.labelExpr = labels[TICKS[metric.unit]];
    }
    return chart;
  }

  function pointTable(series, metric) {
    const details = element("details", { class: "figures" }, element("summary", {}, "The same figures as a table"));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const list = rows(series, metric).reverse();
      details.append(table(`${metric.title} over runs`, [heading("When", "when"), heading("Run", "run"), heading("Value", "value", true),
        heading("95 % interval", "low|high", true), heading("Commit", "commit"), heading("Machine", "machine")],
      list.map((row) => element("tr", {}, cell(row.When, new Date(row.when).toISOString()), cell(row.Run), cell(row.Value, row.value, true),
        cell(row["95 % interval"], `${row.low}|${row.high}`, true), cell(row.Commit), cell(row.Machine)))));
      tables.prepareIn(details);
    });
    return details;
  }

  function seriesPanel(anchor, series) {
    const metric = historyData.all().metrics[series.metric];
    const holder = element("div", { class: "chart", role: "img", "aria-label": `${metric.title} over ${series.points} runs; the same figures are in the table below` });
    const notes = historyData.notes(series);
    const panel = element("section", { class: "panel series" },
      element("h2", {}, metric.title[0].toUpperCase() + metric.title.slice(1)),
      element("p", { class: "soft" }, [historyData.place(series), `${series.points.toLocaleString("en")} runs`,
        metric.exact ? "exact" : "with its 95 % interval, shaded", metric.lower_is_better ? "lower is better" : "higher is better", ...notes].join(" · ")),
      holder);
    if (series.changes.length) {
      panel.append(changeTable(`changes of ${metric.title}`, series.changes.map((change) => ({ anchor, series, change })).reverse(), true));
    } else {
      panel.append(element("p", {}, "No change found."));
    }
    panel.append(pointTable(series, metric));
    charts.add(holder, () => specification(series, metric));
    return panel;
  }

  /** The view of one case, or null where the page holds no history of it. */
  function caseView(anchor) {
    const series = historyData.of(anchor);
    if (!series.length) return null;
    const [model, variant, target, own] = historyData.all().names[anchor];
    const current = page.cases.some((one) => one[0] === model && one[1] === variant && one[2] === target);
    return element("section", { class: "view", id: anchor, "aria-labelledby": `${anchor}/title`, "data-title": `History of ${model} ${variant} on ${target}` },
      element("nav", { class: "crumbs", "aria-label": "Where this is" },
        element("a", { href: "#overview" }, "Overview"), " › ", element("a", { href: "#history" }, "History"), " › ",
        element("span", { "aria-current": "page" }, `${model} ${variant} on ${target}`)),
      element("h1", { id: `${anchor}/title`, tabindex: "-1" }, `${model} `, element("span", { class: "soft" }, "as"), ` ${variant} `, element("span", { class: "soft" }, "on"), ` ${target}`),
      element("p", { class: "onward" }, current ? element("a", { href: `#${own}` }, "This case in this run, with its environment") : "This case is not in this run."),
      ...series.map((one) => seriesPanel(anchor, one)));
  }

  return { fillIndex, caseView };
})();
