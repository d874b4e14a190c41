// The cases of the run and the words of the outcomes, as the page opens with them: names stand once.
const outcomes = page.outcomes.map(([name, symbol, word, css]) => ({ name, symbol, word, css })); // worst first
const outcomeOf = new Map(outcomes.map((one) => [one.name, one]));

const cases = page.cases.map(([model, variant, target, outcome, simulated], place) => {
  const [[modelName, modelPart], [variantName, variantPart], [targetName, targetPart]] = [
    page.names.model[model], page.names.variant[variant], page.names.target[target],
  ];
  return {
    place, model: modelName, variant: variantName, target: targetName, outcome: outcomes[outcome].name, simulated: simulated === 1,
    modelAnchor: `model/${modelPart}`, anchor: `case/${modelPart}/${targetPart}/${variantPart}`,
    historyAnchor: `history/${modelPart}/${targetPart}/${variantPart}`, words: `${modelName} ${variantName} ${targetName}`.toLowerCase(),
  };
});

/** The colour and the shape of each variant. */
const looks = new Map(page.names.variant.map(([name, , colour, shape]) => [name, { colour, shape }]));

function badge(outcome) {
  const { symbol, word, css } = outcomeOf.get(outcome);
  return element("span", { class: `badge ${css}` }, element("span", { "aria-hidden": "true" }, symbol), ` ${word}`);
}

const MARKS = {
  simulated: "An emulator or a software renderer: its milliseconds say nothing about real hardware",
  "never steady": "The timing never settled: do not compare this median",
};

function mark(word) {
  return element("span", { class: "mark", title: MARKS[word] }, word);
}

/** A case, or one model and variant on several targets: `all` are cases, `address(one)` the place of one, or null. */
function casesTogether(all, address) {
  const [one] = all;
  const name = `${one.model} ${one.variant}`;
  const link = (of, text) => (address(of) ? element("a", { href: `#${address(of)}` }, text) : text);
  if (all.length === 1) return [link(one, name), element("span", { class: "soft" }, ` on ${one.target}`)];
  return [name, element("details", { class: "targets" }, element("summary", {}, `on ${all.length.toLocaleString("en")} targets`),
    element("ul", {}, ...all.map((of) => element("li", {}, link(of, of.target)))))];
}

/** Its names as a CSV has them: several targets with a space between. */
function casesInWords(all) {
  return `${all[0].model}/${all[0].variant}/${all.map((one) => one.target).join(" ")}`;
}

/** A line of several cases, with those alone that the filter keeps; null where it keeps none. */
function narrowed(row, keep) {
  const all = row.all.filter(keep);
  if (all.length === row.all.length) return row; // most lines are of one case: nothing to be made anew at each letter
  return all.length ? { ...row, all } : null;
}

/** A name that a narrow column may break after its joints rather than in the middle of a word. */
function breakable(name) {
  return name.split(/(?<=[_/.-])(?=[^_/.-])/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
}
