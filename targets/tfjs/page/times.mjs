// Where the time of an invocation goes in TensorFlow.js, kernel by kernel, and a GPU's own time of all of them.

const MOST_REPEATS = 30;
const FEWEST_REPEATS = 3;
const MILLISECONDS = 150;

// Calls `once` again and again for about `MILLISECONDS`; returns what each call gave.
async function repeated(once) {
  const found = [];
  const begun = performance.now();
  while (found.length < FEWEST_REPEATS || (found.length < MOST_REPEATS && performance.now() - begun < MILLISECONDS)) {
    found.push(await once());
  }
  return found;
}

// The smallest step between two times that the GPU's timers were seen to give, over the page's life.
const seen = new Set();
const MOST_SEEN = 2000;
const SAME = 1e-7;  // milliseconds: differences below are the rounding of a sum

function note(milliseconds) {
  if (Number.isFinite(milliseconds) && seen.size < MOST_SEEN) seen.add(milliseconds);
}

function timerStep() {
  const sorted = [...seen].sort((one, other) => one - other);
  const steps = sorted.slice(1).map((value, index) => value - sorted[index]).filter(step => step > SAME);
  return steps.length ? Math.min(...steps) : null;
}

// What ends so is an operation of the library around the kernel that it runs, which is listed itself.
export const isKernel = ({name}) => !name.endsWith('__op');

const shapeOf = kernel => (kernel.outputShapes[0] ?? []).join('×');

// One invocation's kernels, those of one name with results of one shape together.
async function profiled(tf, feeds, {execute, release}) {
  const {kernels} = await tf.profile(async () => release(await execute(feeds), feeds));
  const rows = new Map();
  for (const kernel of kernels.filter(isKernel)) {
    const key = `${kernel.name} ${shapeOf(kernel)}`;
    const row = rows.get(key) ?? {operator: kernel.name, shape: shapeOf(kernel), count: 0, milliseconds: 0};
    row.count++;
    row.milliseconds += Number(kernel.kernelTimeMs);  // not a number where the backend has no timer
    note(Number(kernel.kernelTimeMs));
    rows.set(key, row);
  }
  return rows;
}

async function operators(tf, feeds, model) {
  const runs = await repeated(() => profiled(tf, feeds, model));
  const [first] = runs;
  const alike = runs.filter(run => run.size === first.size && [...first.keys()].every(key => run.has(key)));
  return [...first].map(([key, row]) => ({...row, milliseconds: alike.map(run => run.get(key).milliseconds)}))
      .filter(({milliseconds}) => milliseconds.every(Number.isFinite));
}

// Whether a GPU times its kernels itself; where it does not, TensorFlow.js reads results back, and times that.
const hasTimers = (tf, backend) => ['webgl', 'webgpu'].includes(backend) && tf.backend().timerAvailable();

async function kernels(tf, feeds, {execute, release}) {
  const model = {results: null};
  return repeated(async () => {
    // A graph without control flow runs before the first wait: its promise is here for its results alone.
    const {kernelMs} = await tf.time(() => { model.results = execute(feeds); });
    release(await model.results, feeds);
    note(kernelMs);
    return kernelMs;
  });
}

// `perOperator`, `kernels`: which of the two is asked for.
export async function inside(tf, backend, feeds, model, asked) {
  const timed = hasTimers(tf, backend);
  const tells = timed || !['webgl', 'webgpu'].includes(backend);
  const found = asked.perOperator && tells ? await operators(tf, feeds, model) : [];
  const each = asked.kernels && timed && model.isSynchronous() ? await kernels(tf, feeds, model) : [];
  const kernelMilliseconds = each.every(Number.isFinite) ? each : [];
  return {operators: found, kernelMilliseconds, kernelStepMilliseconds: kernelMilliseconds.length ? timerStep() : null};
}
