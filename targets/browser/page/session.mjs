// One artifact in one runtime, driven from outside through `harness`. Tensors travel as bytes over HTTP; what is called
// and returned here is small.
//
// `runtime.mjs` is the family's own. It exports:
//   LACKS            its words for what it cannot do, for `described`
//   ARRAYS           type name → the typed array that holds values of that type
//   open(request)    loads the library and the artifact; {details, loaded, milliseconds of the artifact, startMilliseconds
//                    of the library before it: its WebAssembly, a GPU's device}
//   firstParts()     up to the end of the first invocation, if it can tell: {compileMilliseconds, uploadMilliseconds}
//   tensor(values, {shape, dtype})
//   execute(feeds)   one invocation; tensors in the order of the artifact's outputs, `feeds` in that of its inputs
//   read(tensor)     a promise of its values;  describe(tensor)  {shape, dtype}
//   release(tensors, feeds), dispose(feeds)   end results (but for those that are no invocation's to end), and inputs
//   check()          throws where something else than what was asked for does the work
//   renew()          fresh state before a sample;  restart()  fresh state around a timing
//   alive()          how many tensors there are
//   gone             a promise that never comes true and is refused, with a PageError, once what computes is gone; if it has one
//   inUse()          what does the work now, in strings
//   sizes(feeds)     figures of one invocation
//   inside(feeds, {perOperator, kernels})   where the time goes, as far as it is asked for and can be told: {operators:
//                    [{operator, shape, count, milliseconds: one number an invocation}], kernelMilliseconds: [a GPU's own
//                    time of all kernels, one an invocation], kernelStepMilliseconds: the step of its timers, or null}
import {clockStep} from './clock.mjs';
import {PageError, described} from './errors.mjs';
import * as runtime from './runtime.mjs';

let inputs;
let loadMilliseconds;
let startMilliseconds;
let firstMilliseconds = null;
let isStateless;
// The first sample of the session with what came of it, until it was run again after others: {feed, values, checked}.
let witness = null;

// What the page asked of anybody but its server: its policy refuses it.
const foreign = [];
addEventListener('securitypolicyviolation', ({blockedURI}) => {
  if (/^(https?|wss?):/.test(blockedURI)) foreign.push(blockedURI);
});

async function open(request) {
  inputs = request.inputs;
  isStateless = request.state === 'none';
  const opened = await runtime.open(request);
  ({milliseconds: loadMilliseconds, startMilliseconds} = opened);
  return {details: opened.details, loaded: opened.loaded};
}

// Into room of its size as it comes: `arrayBuffer` holds a body twice for a while.
async function content(response) {
  const room = new Uint8Array(Number(response.headers.get('Content-Length')));
  let length = 0;
  for (const reader = response.body.getReader();;) {
    const {done, value} = await reader.read();
    if (done) break;
    room.set(value, length);
    length += value.length;
  }
  if (length < room.length) throw new PageError('failed', `the samples broke off after ${length} of ${room.length} bytes`);
  return room.buffer;
}

// In the body, each input is all its samples one after another. Returns a sample's tensors by its index, and a copy of the
// first sample's values as a function that makes tensors of them and holds nothing else of the body.
async function fetched(samples) {
  const body = await content(await fetch('../samples'));
  let offset = 0;
  const blocks = inputs.map(info => {
    const Values = runtime.ARRAYS[info.dtype];
    if (!Values) throw new PageError('unsupported', `a page has no tensors of type ${info.dtype}`);
    const size = info.shape.reduce((product, length) => product * length, 1);
    const bytes = size * samples * Values.BYTES_PER_ELEMENT;
    if (offset + bytes > body.byteLength) throw new PageError('failed', 'the samples are shorter than their description');
    // Where it lies, if its type allows that: large tensors are not held twice.
    const values = offset % Values.BYTES_PER_ELEMENT
        ? new Values(body.slice(offset, offset + bytes)) : new Values(body, offset, size * samples);
    offset += bytes;
    return {values, size, info};
  });
  if (offset !== body.byteLength) throw new PageError('failed', 'the samples are not as long as their description');
  return {
    feed: index => blocks.map(({values, size, info}) => runtime.tensor(values.subarray(index * size, (index + 1) * size), info)),
    first: () => again(blocks.map(({values, size, info}) => ({values: values.slice(0, size), info}))),
  };
}

// Outside of `fetched`: a function made in there would keep all that is in there.
const again = kept => () => kept.map(({values, info}) => runtime.tensor(values, info));

// What waits for something that is gone would wait until its time is up.
const unlessGone = work => runtime.gone ? Promise.race([work, runtime.gone]) : work;

// One invocation, timed until every output's data is here: a GPU's call returns long before its work is done.
async function invoked(feeds) {
  const start = performance.now();
  const tensors = await unlessGone(runtime.execute(feeds));
  const values = await unlessGone(Promise.all(tensors.map(runtime.read)));
  const milliseconds = performance.now() - start;
  runtime.check();
  firstMilliseconds ??= milliseconds;
  const shapes = tensors.map(runtime.describe);
  runtime.release(tensors, feeds);
  return {milliseconds, values, shapes};
}

async function posted(parts) {
  const response = await fetch('../results', {method: 'POST', body: new Blob(parts)});
  if (!response.ok) throw new PageError('failed', `the results were refused (HTTP ${response.status})`);
}

// A library may be right at its first inference alone: what it keeps from that one (a cached shape, a reused buffer) is
// wrong for the next. The first sample of a session, run again after others, has to give the same values.
async function checkFirst(first, results) {
  const isFirst = witness === null;
  witness ??= {feed: first(), values: results[0].values, checked: false};
  if (witness.checked || (isFirst && results.length === 1)) return;
  witness.checked = true;
  const feeds = witness.feed();
  const again = await invoked(feeds);
  runtime.dispose(feeds);
  if (!same(witness.values, again.values)) {
    throw new PageError('failed', 'the first sample gave other values when it was run again after others: what is right at the '
        + 'first inference is not at later ones');
  }
  witness.feed = witness.values = null;
}

// Posts, output after output, every sample's values; returns dtype and shape of one sample's, and in `sizes` the shapes of
// all samples, output after output, where they depend on the data.
async function infer({samples}) {
  const {feed, first} = await fetched(samples);
  const results = [];
  for (let index = 0; index < samples; index++) {
    const feeds = feed(index);
    await runtime.renew();
    results.push(await invoked(feeds));
    runtime.dispose(feeds);
  }
  if (isStateless) await checkFirst(first, results);
  const shapes = results.map(result => result.shapes);
  await posted(shapes[0].flatMap((_, column) => results.map(result => result.values[column])));
  const varies = shapes.some(found => JSON.stringify(found) !== JSON.stringify(shapes[0]));
  const sizes = varies ? shapes[0].map((_, column) => shapes.map(found => found[column].shape)) : null;
  return {outputs: shapes[0], sizes};
}

const same = (one, other) => one.every((values, index) => {
  const [a, b] = [values, other[index]].map(array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return a.length === b.length && a.every((byte, position) => byte === b[position]);
});

const NO_PARTS = {compileMilliseconds: null, uploadMilliseconds: null};
const NOTHING = {operators: [], kernelMilliseconds: [], kernelStepMilliseconds: null};

// Posts the milliseconds of each invocation as float64. Inputs stay where the first invocation put them.
async function time({minIterations, minSeconds, maxIterations, maxSeconds, perOperator, kernels}) {
  const feeds = (await fetched(1)).feed(0);
  await runtime.restart();
  const before = await invoked(feeds);
  let last = before;
  const samples = [];
  const tensors = runtime.alive();
  const begun = performance.now();
  while (samples.length < maxIterations) {
    last = await invoked(feeds);
    samples.push(last.milliseconds);
    const seconds = (performance.now() - begun) / 1000;
    if (seconds >= maxSeconds || (samples.length >= minIterations && seconds >= minSeconds)) break;
  }
  const leaked = runtime.alive() - tensors;
  const inside = (perOperator || kernels) && runtime.inside ? await runtime.inside(feeds, {perOperator, kernels}) : NOTHING;
  if (await runtime.restart()) last = await invoked(feeds);  // what it gave last follows from all that went before
  runtime.dispose(feeds);
  await posted([Float64Array.from(samples)]);
  return {
    firstMilliseconds,
    loadMilliseconds,
    startMilliseconds,
    ...NO_PARTS,
    ...runtime.firstParts?.(),
    clockMilliseconds: clockStep(),
    stable: same(before.values, last.values),
    ...inside,
    details: {...runtime.inUse(), tensors_leaked: String(leaked)},
  };
}

async function footprint() {
  const feeds = (await fetched(1)).feed(0);
  const figures = await runtime.sizes(feeds);
  runtime.dispose(feeds);
  return {figures, details: runtime.inUse()};
}

const status = async () => ({foreign});

// The library may fail at what is gone (a shader that does not compile) before the browser tells of it.
const LOSS_MILLISECONDS = 1000;
const causeOf = error => runtime.gone
  ? Promise.race([runtime.gone.catch(loss => loss), new Promise(resolve => setTimeout(resolve, LOSS_MILLISECONDS, error))])
  : error;

const answered = operation => async request => {
  try {
    return await operation(request);
  } catch (error) {
    console.error(error?.stack ?? error);
    return {problem: described(await causeOf(error), runtime.LACKS)};
  }
};

globalThis.harness = Object.fromEntries(
    Object.entries({open, infer, time, footprint, status}).map(([name, operation]) => [name, answered(operation)]));
