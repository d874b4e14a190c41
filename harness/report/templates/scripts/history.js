// The views of the history, made from data: all changes and series, and the series of one case.
const historyViews = (() => {
  const MOST_CHANGES = 60; // drawn to begin with: the list of series stands below

  /** The case of a series, as the filter asks for it. */
  function named(anchor) {
    const [model, variant, target] = historyData.all().names[anchor];
    return { anchor, model, variant, target, words: `${model} ${variant} ${target}`.toLowerCase() };
  }

  const CASE = {
    title: "Case", names: ["case"], heading: true,
    value: ({ all }) => casesInWords(all),
    content: ({ all }) => casesTogether(all, ({ anchor }) => anchor),
  };

  function metricOf({ series }) { return historyData.all().metrics[series.metric]; }

  const FIGURE = { title: "Figure", names: ["figure"], value: (row) => metricOf(row).title, content: (row) => metricOf(row).title };

  function column(title, name, value, content, more = {}) {
    return { title, names: name.split("|"), value, content, ...more };
  }

  function runOf(place) { return historyData.all().runs[place]; }

  function direction(change) {
    const word = change.worse ? "worse" : "better";
    return element("span", { class: change.worse ? "broken" : "held" }, `${change.to > change.from ? "▲" : "▼"} ${word}`);
  }

  function label(change) {
    if (!change.label) return "–";
    return change.label.kind + (change.label.note ? `: ${change.label.note}` : "");
  }

  function differences({ change }) {
    const causes = historyData.causes(change);
    return [causes.length ? causes.join(", ") : "nothing that the records hold",
      element("span", { class: "soft runs" }, ` between runs ${runOf(change.before).id} and ${runOf(change.after).id}`)];
  }

  const LABEL = column("Label", "label", ({ change }) => label(change), ({ change }) => label(change));

  const CHANGE_COLUMNS = [
    column("When", "when", ({ change }) => new Date(runOf(change.after).started * 1000).toISOString(),
      ({ change }) => element("span", { class: "date" }, day(runOf(change.after).started))),
    CASE, FIGURE,
    column("Change", "direction", ({ change }) => (change.worse ? "worse" : "better"), ({ change }) => direction(change)),
    column("By how much", "before|after|share|share_low|share_high",
      ({ change }) => [change.from, change.to, change.size, change.low, change.high].join("|"),
      (row) => historyData.size(row.change, metricOf(row)), { css: "step" }),
    column("What differs between the two runs", "differences", ({ change }) => historyData.causes(change).join("; "), differences, { css: "long" }),
    LABEL,
  ];

  const SERIES_COLUMNS = [
    CASE, FIGURE,
    column("Where", "machine|environment", ({ series }) => `${series.machine}|${series.environment}`, ({ series }) => where(series), { css: "long" }),
    column("Runs", "runs", ({ series }) => String(series.points), ({ series }) => series.points.toLocaleString("en"), { numeric: true }),
    column("Course", "", () => "", ({ series }) => miniature(series)),
    column("Latest", "latest", ({ series }) => String(series.values.at(-1)), (row) => figure(row.series.values.at(-1), metricOf(row)), { numeric: true }),
    column("On", "latest_day", ({ series }) => day(runOf(series.runs.at(-1)).started),
      ({ series }) => element("span", { class: "date" }, day(runOf(series.runs.at(-1)).started))),
    column("Changes", "changes", ({ series }) => String(series.changes.length), ({ series }) => String(series.changes.length), { numeric: true }),
  ];

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

  /** Settings of a browser run to lines: the list has their beginning, the history of the case has all. */
  function where(series) {
    const text = historyData.place(series);
    return text.length > 70 ? element("span", { title: text }, `${text.slice(0, 69)}…`) : text;
  }

  let index = null;

  function makeIndex() {
    const { cases: byCase, runs } = historyData.all();
    const every = Object.entries(byCase).flatMap(([anchor, list]) => list.map((series) => ({ anchor, series })));
    const changes = every.flatMap(({ anchor, series }) => series.changes.map((change) => ({ anchor, series, change })));
    changes.sort((left, right) => runs[right.change.after].started - runs[left.change.after].started);
    const own = CHANGE_COLUMNS.filter((one) => one !== LABEL || changes.some(({ change }) => change.label));
    every.sort((left, right) => right.series.changes.length - left.series.changes.length);
    return {
      every,
      changes: lists.make("changes", own, together(changes), narrowed, MOST_CHANGES),
      series: lists.make("series", SERIES_COLUMNS, every.map((row) => ({ ...row, all: [named(row.anchor)] })), narrowed),
    };
  }

  /** Changes in their order; an exact figure that changed alike on several targets, for one reason, is one line. */
  function together(changes) {
    const groups = new Map();
    for (const row of changes) {
      const one = named(row.anchor);
      const { before, after, from, to, differences: causes, label: given } = row.change;
      const alike = [one.model, one.variant, row.series.metric, before, after, from, to, causes, given];
      const key = metricOf(row).exact ? JSON.stringify(alike) : row;
      if (!groups.has(key)) groups.set(key, { ...row, all: [] });
      const { all } = groups.get(key);
      // One target may have several series, one for each of its environments.
      if (!all.some(({ anchor }) => anchor === row.anchor)) all.push(one);
    }
    return [...groups.values()];
  }

  /** What was left out of the page, in words. */
  function thinned() {
    const { runs, points, shown, leftOut } = historyData.all();
    const metrics = historyData.all().metrics;
    const missing = [...new Set(leftOut.map((one) => metrics[one.metric]?.title ?? one.metric))];
    return `${counted(points, "point")} of ${index.every.length.toLocaleString("en")} series over ${counted(runs.length, "run")}`
      + (shown < points ? `; thinned to ${counted(shown, "point")}: of each stretch of a long series the lowest and the highest are kept, and every change` : "; none left out")
      + (missing.length ? `. There was no room for all series of ${missing.join(", ")}: harness serve has them, and harness history MODEL` : "") + ".";
  }

  /** The lists of what the filter keeps. How many series that are, and how many there are. */
  function fillIndex(view, keep) {
    if (!index) {
      index = makeIndex();
      view.querySelector("#history-thinned").textContent = thinned();
      view.querySelector("#history-changes-table").append(element("p", { hidden: true }, "No figure changed."), index.changes.holder);
      view.querySelector("#history-series-table").append(index.series.holder);
    }
    const [changed] = index.changes.filter(keep);
    index.changes.holder.hidden = changed === 0;
    index.changes.holder.previousElementSibling.hidden = changed > 0;
    return index.series.filter(keep);
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

  function isFlat({ values, low, high }) {
    return new Set([...values, ...(low ?? []), ...(high ?? [])].filter((value) => value !== null)).size === 1;
  }

  /** A figure that never moved has no span to make round numbers from: its own is the only one on the axis. */
  function flatAxis(value, metric) {
    const margin = Math.abs(value) / 10 || 1;
    return [{ domain: [value - margin, value + margin] }, [value], JSON.stringify(figure(value, metric))];
  }

  /** One run has no span of time either. */
  function onlyDay(drawing, started) {
    const half = 43_200_000;
    chartFill.axis(drawing, "x", { domain: [started * 1000 - half, started * 1000 + half] }, [started * 1000], JSON.stringify(minute(started)));
  }

  function specification(series, metric, kit) {
    const drawing = structuredClone(kit.drawings.history);
    drawing.datasets = {
      points: rows(series, metric),
      changes: series.changes.map((change) => ({
        when: runOf(change.after).started * 1000, label: historyData.briefSize(change), tone: change.worse ? "worse" : "better",
      })),
    };
    // An axis of dates cannot be made of none.
    if (!series.changes.length) drawing.layer = drawing.layer.filter((layer) => layer.data.name !== "changes");
    if (series.values.length === 1) onlyDay(drawing, runOf(series.runs[0]).started);
    if (isFlat(series)) chartFill.axis(drawing, "y", ...flatAxis(series.values[0], metric));
    for (const layer of drawing.layer) {
      const axis = layer.encoding.y?.axis;
      if (axis && !axis.values && TICKS[metric.unit]) axis.labelExpr = kit.ticks[TICKS[metric.unit]];
      if (axis && !axis.values && metric.unit === "B") axis.values = scales.byteTicks(series.values);
      // An exact figure has no value between two runs.
      if (layer.mark.type === "line" && metric.exact) layer.mark.interpolate = "step-after";
    }
    return drawing;
  }

  const POINT_COLUMNS = [
    column("When", "when", (row) => new Date(row.when).toISOString(), (row) => row.When, { heading: true }),
    column("Run", "run", (row) => row.Run, (row) => row.Run),
    column("Value", "value", (row) => String(row.value), (row) => row.Value, { numeric: true }),
    column("95 % interval", "low|high", (row) => `${row.low}|${row.high}`, (row) => row["95 % interval"], { numeric: true }),
    column("Commit", "commit", (row) => row.Commit, (row) => row.Commit),
    column("Machine", "machine", (row) => row.Machine, (row) => row.Machine),
  ];

  function pointTable(series, metric, id) {
    const details = element("details", { class: "figures" }, element("summary", { id }, "These figures as a table"));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const list = lists.make(`${metric.title} over runs`, POINT_COLUMNS, rows(series, metric).reverse(), (row) => row);
      list.filter(() => true);
      details.append(list.holder);
    });
    return details;
  }

  function seriesPanel(anchor, series, place) {
    const id = `${anchor}/series-${place}`;
    const metric = historyData.all().metrics[series.metric];
    const holder = element("div", { class: "chart", role: "img", "aria-label": `${metric.title} over ${counted(series.points, "run")}`, "aria-describedby": `${id}/way` });
    const notes = historyData.notes(series);
    const panel = element("section", { class: "panel series" },
      element("h2", {}, metric.title[0].toUpperCase() + metric.title.slice(1)),
      element("p", { class: "soft" }, [historyData.place(series), metric.unit && !TICKS[metric.unit] ? `in ${metric.unit}` : "", counted(series.points, "run"),
        metric.exact ? "exact" : "with its 95 % interval, shaded", metric.lower_is_better ? "lower is better" : "higher is better", ...notes].filter(Boolean).join(" · ")),
      holder);
    if (series.changes.length) {
      const own = CHANGE_COLUMNS.filter((one) => one !== CASE && one !== FIGURE && (one !== LABEL || series.changes.some((change) => change.label)));
      const list = lists.make(`changes of ${metric.title}`, own, series.changes.map((change) => ({ anchor, series, change })).reverse(), (row) => row);
      list.filter(() => true);
      panel.append(list.holder);
    } else {
      panel.append(element("p", {}, "No change found."));
    }
    panel.append(pointTable(series, metric, `${id}/way`));
    charts.add(holder, (kit) => specification(series, metric, kit));
    return panel;
  }

  /** The view of one case, or null where the page holds no history of it. */
  function caseView(anchor) {
    const series = historyData.of(anchor);
    if (!series.length) return null;
    const { model, variant, target } = named(anchor);
    const own = cases.find((one) => one.historyAnchor === anchor)?.anchor;
    return element("section", { class: "view", id: anchor, "aria-labelledby": `${anchor}/title`, "data-title": `History of ${model} ${variant} on ${target}` },
      element("nav", { class: "crumbs", "aria-label": "Where this is" },
        element("a", { href: "#overview" }, "Overview"), " › ", element("a", { href: "#history" }, "History"), " › ",
        element("span", { "aria-current": "page" }, `${model} ${variant} on ${target}`)),
      element("h1", { id: `${anchor}/title`, tabindex: "-1" }, element("span", { class: "soft" }, "History of"), ` ${model} `, element("span", { class: "soft" }, "as"), ` ${variant} `, element("span", { class: "soft" }, "on"), ` ${target}`),
      element("p", { class: "onward" }, own ? element("a", { href: `#${own}` }, "This case in this run, with its environment") : "This case is not in this run."),
      ...series.map((one, place) => seriesPanel(anchor, one, place)));
  }

  return { fillIndex, caseView };
})();
