// One filter for all views; it stands in the address, so that a filtered view can be kept and shared.
const filter = (() => {
  const form = document.getElementById("filter");
  const output = form.querySelector("output");
  const fieldNames = ["model", "variant", "target", "outcome", "text"];
  const fields = Object.fromEntries(fieldNames.map((name) => [name, form.elements.namedItem(name)]));
  let view = null;
  let narrowed = false;

  function usable(name) { return view.element.dataset.filters?.split(" ").includes(name); }

  /** Only what the view offers counts: an outcome that was chosen elsewhere must not empty the history unseen. */
  function wanted() {
    const chosen = Object.fromEntries(fieldNames.map((name) => [name, usable(name) ? fields[name].value : ""]));
    const words = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
    return (one) => (!chosen.model || one.model === chosen.model)
      && (!chosen.variant || one.variant === chosen.variant)
      && (!chosen.target || one.target === chosen.target)
      && (!chosen.outcome || one.outcome === chosen.outcome || (chosen.outcome === "not passed" && one.outcome !== "passed"))
      && words.every((word) => one.words.includes(word));
  }

  /** Lines that stand in the page, and those of lists, which draw some of theirs. */
  function applyToLines(keep, active) {
    let [shown, all] = [0, 0];
    for (const one of view.element.querySelectorAll("[data-model]")) {
      const { model, variant, target, outcome } = one.dataset;
      one.hidden = active && !keep({ model, variant, target, outcome, words: `${model} ${variant} ${target}`.toLowerCase() });
      all += 1;
      shown += one.hidden ? 0 : 1;
    }
    for (const list of view.lists) {
      const [kept, every] = list.filter(keep);
      shown += kept;
      all += every;
    }
    return [shown, all];
  }

  function apply(atOnce) {
    const active = fieldNames.some((name) => usable(name) && fields[name].value);
    const keep = wanted();
    let [shown, all] = view.element.id === "overview" ? [0, 0] : applyToLines(keep, active);
    if (view.element.id === "overview" && cases.length) {
      // The matrix was written whole: an opening page need not go through thousands of cases to leave it so.
      if (active || narrowed) [shown, all] = [matrix.show(keep), cases.length];
      narrowed = active;
      troubles.show(keep);
    }
    if (view.element.id === "history") [shown, all] = historyViews.fillIndex(view.element, keep);
    if (view.charts) {
      const own = cases.filter((one) => one.modelAnchor === view.element.id && keep(one));
      for (const key of view.element.querySelectorAll("[data-variant-key]")) key.hidden = !own.some((one) => one.variant === key.dataset.variantKey);
      charts.follow(view.element, view.charts, keep, atOnce);
    }
    form.querySelector("[type=reset]").hidden = !active;
    const number = (value) => value.toLocaleString("en");
    output.textContent = active ? `${number(shown)} of ${number(all)} ${view.element.id === "overview" ? "cases" : "shown"}` : "";
  }

  return {
    /** The filter as the address holds it: only what is set. */
    query() {
      const set = fieldNames.filter((name) => fields[name].value).map((name) => [name, fields[name].value]);
      return new URLSearchParams(set).toString();
    },
    read(query) {
      const given = new URLSearchParams(query);
      for (const name of fieldNames) {
        const value = given.get(name) ?? "";
        // A bookmark may name what this run has not: the filter then says so by showing nothing.
        if (fields[name].tagName === "SELECT" && value && ![...fields[name].options].some((option) => option.value === value)) {
          fields[name].append(element("option", {}, value));
        }
        fields[name].value = value;
      }
    },
    /** `next`: the element of a view, its lists, and the rows of its charts. */
    show(next) {
      view = next;
      const slot = view.element.querySelector("[data-filter-slot]");
      form.hidden = !slot;
      slot?.append(form);
      for (const label of form.querySelectorAll("[data-filter]")) label.hidden = !usable(label.dataset.filter);
      apply(true);
    },
    start(changed) {
      form.addEventListener("input", () => { apply(false); changed(); });
      form.addEventListener("submit", (event) => event.preventDefault());
      form.addEventListener("reset", () => setTimeout(() => { apply(false); changed(); fields.text.focus(); }));
    },
  };
})();
