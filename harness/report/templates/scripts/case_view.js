// The view of one case, drawn from its figures when it is gone to.
const caseView = (() => {
  const soft = (text) => element("span", { class: "soft" }, text);
  const strong = (text) => element("strong", {}, text);
  const link = (address, text) => element("a", { href: `#${address}` }, text);

  /** A hash by its beginning; the whole of it for who points at it. */
  function hash(text) { return element("code", { title: text }, text.slice(0, 16)); }

  /** Names and what is said of them: a text, an element, or a list of both. */
  function facts(pairs) {
    return element("dl", { class: "facts" }, ...pairs.map(([name, said]) => element("div", {}, element("dt", {}, name), element("dd", {}, ...[said].flat()))));
  }

  /** `headings`: title and the class of its column. `lines`: lists of cells that `cell` or `heading` made. */
  function table(name, label, headings, lines) {
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      element("table", { class: "wide", "data-table": name },
        element("thead", {}, element("tr", {}, ...headings.map(([title, css]) => element("th", { scope: "col", class: css }, title)))),
        element("tbody", {}, ...lines.map((cells) => element("tr", {}, ...cells)))));
  }

  const cell = (css, ...content) => element("td", { class: css }, ...content);
  const heading = (title, ...content) => element("th", { scope: "row", title }, ...content);

  function glance(one, timing) {
    return element("p", { class: "glance" }, badge(one.outcome), one.simulated ? mark("simulated") : null,
      timing && element("span", {}, strong(milliseconds(timing.median_ms)), timing.state === "none" ? " " : null, timing.state === "none" ? mark("never steady") : null),
      one.parity && element("span", {}, "error ", strong(errorWords(one.parity.end_to_end))),
      one.artifact && element("span", {}, strong(byteSize(one.artifact.bytes))));
  }

  function onward(one, known) {
    const asked = (names) => new URLSearchParams(names.map((name) => [name, one[name]])).toString();
    return element("p", { class: "onward" },
      one.hasHistory ? link(known.historyAnchor, "History of these figures") : null,
      one.hasChanges ? link(`changes?${asked(["model", "variant", "target"])}`, "What changed here") : null,
      link(`${known.modelAnchor}?${asked(["variant"])}`, "The same variant on other targets"));
  }

  // Where nothing was held against a limit, and there is something to say, a tick would contradict it.
  function result(check) {
    if (!check.passed) return element("span", { class: "broken" }, "✗ broken");
    return check.message && check.limit === null ? element("span", { class: "apart" }, "• noted") : element("span", { class: "held" }, "✓ held");
  }

  function rules(one) {
    if (!one.checks.length) return [];
    const checks = one.checks.map((check, place) => ({ ...check, margin: one.margins[place] })).sort((left, right) => left.passed - right.passed);
    return [element("h2", {}, "Rules"), table(`rules of ${one.id}`, "Rules",
      [["Result"], ["Rule"], ["Figure"], ["Measured", "number"], ["Limit", "number"], ["Margin", "number"], ["Limit set by"]],
      checks.map((check) => [
        cell("result", result(check)),
        heading(null, check.rule, check.message && element("br"), check.message && soft(check.message)),
        cell(null, element("code", {}, check.metric)), cell("number", optional(check.measured)), cell("number", optional(check.limit)),
        cell("number", check.margin), cell("source", check.source),
      ]))];
  }

  const shell = (line) => element("pre", { class: "command" }, element("code", {}, line));

  function atFault(one) { return one.inside ? [element("h2", {}, "Which operator is at fault"), shell(one.inside)] : []; }

  function comparison(edge, one) {
    const figures = [optional(one.sqnr_db), optional(one.max_abs), optional(one.mean_abs), optional(one.rmse), cosine(one.cosine),
      share(one.top1_agreement), share(one.top5_agreement), optional(one.max_lsb), share(one.differing_share), optional(one.smallest_tolerance)];
    return [heading(page.words.edges[edge], edge), cell(null, one.output),
      cell("number", one.finite ? errorWords([one]) : element("span", { class: "broken" }, "✗ NaN or infinity")),
      ...figures.map((figure) => cell("number", figure))];
  }

  function answers(one) {
    const { parity } = one;
    if (!parity) return [];
    const task = parity.task ? [` ${figureName(parity.task.name)} on ${whole(parity.task.samples)} labelled inputs: `, strong(significant(parity.task.value)), `, the original ${significant(parity.task.golden)}.`] : [];
    const edges = Object.keys(page.words.edges);
    return [element("h2", {}, "Same answers?"),
      element("p", { class: "soft" }, `${parity.samples_note || `${whole(parity.samples)} inputs.`} Reference: ${parity.reference}.`, ...task, " ", link("run", "What the words mean")),
      ...one.conditions.map((sentence) => element("p", {}, sentence)),
      table(`comparisons of ${one.id}`, "Comparisons", [["Compared"], ["Output"], ...page.words.compared.map((name) => [name, "number"])],
        [parity.conversion, parity.runtime, parity.end_to_end].flatMap((list, place) => list.map((each) => comparison(edges[place], each))))];
  }

  /** The raw samples as a small line. */
  function sparkline(line) {
    const drawing = (name, attributes, ...children) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.append(...children);
      return made;
    };
    const [low, high] = [milliseconds(line.low_ms), milliseconds(line.high_ms)];
    const thinned = line.drawn < line.samples ? `, thinned to ${line.drawn} (the least and the greatest of each stretch)` : "";
    return element("figure", { class: "sparkline" },
      drawing("svg", { viewBox: "0 0 600 72", preserveAspectRatio: "none", role: "img", "aria-label": `Every sample in order, from ${low} to ${high}` },
        drawing("rect", { width: line.warmup_x, height: 72, class: "warmup" }), drawing("path", { d: `M0 ${line.median_y}H600`, class: "median" }), drawing("polyline", { points: line.points })),
      element("figcaption", {}, `${whole(line.samples)} samples in order${thinned}; ${low} at the bottom, ${high} at the top${line.above ? `, ${line.above} above it` : ""}. Dashed: the median. Shaded: warm-up, not counted.`));
  }

  /** What goes into the first inference, or before it, as far as it is known. */
  function parts(timing) {
    const compiling = timing.details.compilation ? `Compiling, ${timing.details.compilation}` : "Of it, compiling";
    return [[compiling, timing.compile_ms], ["Laying weights and inputs into the GPU's memory", timing.upload_ms],
      ["Loading", timing.load_ms], ["Starting the runtime", timing.start_ms]].filter(([, value]) => value !== null);
  }

  function speed(one, timing) {
    if (!timing) return one.latency_note ? [element("h2", {}, "How fast?"), element("p", {}, one.latency_note)] : [];
    const marks = [one.simulated && "simulated", timing.state === "none" && "never steady"].filter(Boolean);
    const times = [["Median", timing.median_ms], ["p90", timing.p90_ms], ["p99", timing.p99_ms], ["Least", timing.min_ms],
      ["First inference", timing.first_ms], ...parts(timing)].map(([name, value]) => [name, milliseconds(value)]);
    times.splice(1, 0, ["95 % interval", interval(timing.median_interval)]);
    if (timing.kernel_ms !== null) times.push(["Kernels, by the GPU's timers", milliseconds(timing.kernel_ms)], ["95 % interval of these", interval(timing.kernel_interval)]);
    if (timing.kernel_resolution_ns !== null) times.push(["Step of these timers", milliseconds(timing.kernel_resolution_ns / 1e6)]);
    return [element("h2", {}, "How fast?", ...marks.flatMap((word) => [" ", mark(word)])),
      facts([...times, ["Counted", `${whole(timing.iterations)}, after ${whole(timing.warmup_discarded)} of warm-up`],
        ["Course", page.words.steady[timing.state]], ...(timing.load_average === null ? [] : [["Load average", significant(timing.load_average)]])]),
      one.line && sparkline(one.line)];
  }

  function sizes(one) {
    const { figures, exact } = one.measured;
    const pairs = Object.entries(figures).map(([name, value]) => [figureName(name), exact.includes(name) ? [`${namedFigure(name, value)} `, soft("equal at every run")] : namedFigure(name, value)]);
    return pairs.length ? [element("h2", {}, "How big?"), facts(pairs)] : [];
  }

  function operators(one) {
    if (!one.bars.length) return [];
    const lines = one.bars.map(([index, operator, instructions, part, width]) => element("tr", {},
      element("td", { class: "number" }, String(index)), element("th", { scope: "row" }, operator),
      element("td", { class: "number", "data-value": instructions }, whole(instructions)), element("td", { class: "number", "data-value": part }, share(part)),
      element("td", { class: "bar-cell" }, element("div", { class: "amount", style: `width: ${(width * 100).toFixed(1)}%` }))));
    const headings = [["#", "index", "number"], ["Operator", "operator"], ["Instructions", "instructions", "number"], ["Share", "share", "number"]]
      .map(([title, name, css]) => element("th", { scope: "col", class: css, "data-column": name }, title));
    return [element("h2", {}, "Where the instructions go"),
      one.bars.length < one.operators ? element("p", { class: "soft" }, `The ${one.bars.length} costliest of ${one.operators} operators.`) : null,
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Operators of ${one.id}` },
        element("table", { class: "bars", "data-table": `operators of ${one.id}` },
          element("thead", {}, element("tr", {}, ...headings, element("td"))), element("tbody", {}, ...lines)))];
  }

  function times(one) {
    if (!one.times.length) return [];
    const lines = one.times.map(([operator, shape, count, ms, part, width]) => element("tr", {},
      element("th", { scope: "row" }, operator), element("td", {}, shape), element("td", { class: "number", "data-value": count }, whole(count)),
      element("td", { class: "number", "data-value": ms }, milliseconds(ms)), element("td", { class: "number", "data-value": part }, share(part)),
      element("td", { class: "bar-cell" }, element("div", { class: "amount", style: `width: ${(width * 100).toFixed(1)}%` }))));
    const headings = [["Operator", "operator"], ["Result", "shape"], ["Runs", "runs", "number"], ["Time", "ms", "number"], ["Share", "share", "number"]]
      .map(([title, name, css]) => element("th", { scope: "col", class: css, "data-column": name }, title));
    return [element("h2", {}, "Where the time goes"),
      one.times.length < one.timed ? element("p", { class: "soft" }, `The ${one.times.length} costliest of ${one.timed} kinds of operator.`) : null,
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Times of the operators of ${one.id}` },
        element("table", { class: "bars", "data-table": `times of operators of ${one.id}` },
          element("thead", {}, element("tr", {}, ...headings, element("td"))), element("tbody", {}, ...lines)))];
  }

  function origin(one, timing) {
    const { artifact } = one;
    const listed = (object, words) => Object.entries(object).map(words).join(", ");
    const text = (value) => (/^[0-9a-f]{32,}$/.test(value) ? hash(value) : value);
    const pairs = [];
    if (artifact) {
      pairs.push(["Artifact", [hash(artifact.digest), `, ${whole(artifact.bytes)} bytes`]]);
      for (const file of artifact.files) pairs.push([file.path, [`${whole(file.bytes)} bytes, sha256 `, hash(file.sha256)]]);
      if (Object.keys(artifact.converter).length) pairs.push(["Converted with", listed(artifact.converter, ([name, version]) => `${name} ${version}`)]);
      if (Object.keys(artifact.operators).length) pairs.push(["Operators", listed(artifact.operators, ([name, number]) => `${number} × ${name}`)]);
    }
    const { loaded } = one.measured;
    if (loaded) {
      for (const [name, digest] of Object.entries(loaded.files)) pairs.push([`${name}, as the runtime opened it`, ["sha256 ", hash(digest)]]);
      if (loaded.inputs.length) pairs.push(["Inputs, as the runtime calls them", loaded.inputs.join(", ")]);
    }
    pairs.push(...Object.entries(one.fingerprint).map(([name, value]) => [name, text(value)]));
    if (timing) pairs.push(...Object.entries(timing.details).map(([name, value]) => [`${name.replaceAll("_", " ")} (timing)`, value]));
    pairs.push(["Machine", link("run", one.machine)], ["Case", [hash(one.key), `, took ${duration(one.seconds)}`]]);
    if (one.reused_from) pairs.push(["Measured by", ["run ", element("code", {}, one.reused_from), "; nothing has changed since"]]);
    return [element("h2", {}, "Where it comes from"), facts(pairs)];
  }

  /** The view under its name; `given` is what `harness.report.case_view` says of the case. */
  function make(anchor, given) {
    const known = cases.find((one) => one.anchor === anchor);
    const one = { ...given, id: `${given.model}/${given.variant}/${given.target}` };
    const timing = one.latency;
    const last = `${one.variant} on ${one.target}`;
    return element("section", { class: `view case ${outcomeOf.get(one.outcome).css}`, id: anchor, "aria-labelledby": `${anchor}/title`, "data-title": `${one.model} ${last}` },
      element("nav", { class: "crumbs", "aria-label": "Where this is" }, link("overview", "Overview"), " › ", link(known.modelAnchor, one.model), " › ", element("span", { "aria-current": "page" }, last)),
      element("header", { class: "case-head" },
        element("h1", { id: `${anchor}/title`, tabindex: "-1" }, `${one.model} `, soft("as"), ` ${one.variant} `, soft("on"), ` ${one.target}`),
        glance(one, timing), one.reason && element("p", { class: "reason" }, one.reason), onward(one, known)),
      element("div", { class: "inside" },
        one.log && element("p", {}, "Full log: ", element("code", {}, one.log), " in the logs of this run."),
        ...[rules(one), atFault(one), answers(one), speed(one, timing), sizes(one), operators(one), times(one), origin(one, timing)].flat().filter(Boolean),
        element("h2", {}, "Measure it again"), shell(one.command)));
  }

  return { make };
})();
