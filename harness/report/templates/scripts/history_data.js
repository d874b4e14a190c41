// The history as the page holds it, read once when it is first asked for, and its changes in words.
const historyData = (() => {
  const NOTHING = { metrics: {}, runs: [], points: 0, shown: 0, leftOut: [], names: {}, cases: {} };
  let read = NOTHING;
  let asked = 0;

  /** What the view of this name is drawn from. */
  async function load(view) {
    const mine = asked += 1;
    const found = (await packs.of(view))?.history ?? NOTHING;
    // Somebody may have gone on to another view meanwhile.
    if (mine === asked) read = found;
  }

  function all() { return read; }

  function size(change, metric) {
    if (!change.relative) {
      return metric.exact ? `${figure(change.from, metric)} → ${figure(change.to, metric)}` : signed(change.size);
    }
    const [step, low, high] = [change.size, change.low, change.high].map((part) => signed(part * 100));
    if (metric.exact) return `${figure(change.from, metric)} → ${figure(change.to, metric)} (${step} %)`;
    return `${step} % (${low} to ${high} %)`;
  }

  function briefSize(change) {
    return change.relative ? `${signed(change.size * 100)} %` : signed(change.size);
  }

  function causes(change) {
    return change.differences.map((one) => `${one.name} ${brief(one.before)} → ${brief(one.after)}`);
  }

  function place(series) {
    const machine = series.machine ? `machine ${series.machine.slice(0, 8)}` : "any machine";
    return series.environment ? `${machine}, ${series.environment}` : machine;
  }

  /** What was left out of a series, in words; nothing where it is whole. */
  function notes(series) {
    const said = [];
    if (series.values.length < series.points) {
      said.push(`thinned from ${series.points.toLocaleString("en")} to ${series.values.length.toLocaleString("en")} points (lowest and highest of each stretch, and every change)`);
    }
    if (series.unsteady) said.push(`${counted(series.unsteady, "timing")} never became steady and left out`);
    if (series.repeated) said.push(`${counted(series.repeated, "reused measurement")} shown once`);
    if (series.simulated) said.push("simulated: no measure of hardware");
    return said;
  }

  /** The series of a case in the order in which people ask for them; [] where there is none. */
  function of(anchor) {
    const order = Object.keys(all().metrics);
    return [...(all().cases[anchor] ?? [])].sort((left, right) => order.indexOf(left.metric) - order.indexOf(right.metric));
  }

  return { load, all, size, briefSize, causes, place, notes, of };
})();
