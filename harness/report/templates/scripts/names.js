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

/** A name that a narrow column may break after its joints rather than in the middle of a word. */
function breakable(name) {
  return name.split(/(?<=[_/.-])(?=[^_/.-])/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
}
