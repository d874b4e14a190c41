// LiteRT.js as the page's session drives it: a `.tflite` on one accelerator.
import * as accelerator from './accelerator.mjs';
import {counted} from './buffers.mjs';
import {PageError} from './errors.mjs';
import {fetched} from './files.mjs';
import {heard} from './console_messages.mjs';

export {LACKS} from './lacks.mjs';
export const ARRAYS = {float32: Float32Array, int32: Int32Array, uint8: Uint8Array};

let request;
let library;
let module;
let active;
let content;
let model;
let signature;
let order;
let buffers;
let words;
let split = '';
let warned = '';
export let gone = null;

export async function open(asked) {
  request = asked;
  words = heard();  // before the module is there, which keeps the console's functions
  const started = await accelerator.load(request);
  ({library, module, details: active, gone} = started);
  buffers = counted(module.liteRtWasm);
  const {contents, hashes} = await fetched(request.files);
  content = new Uint8Array(contents.get(request.entry));
  const start = performance.now();
  await compile();
  const milliseconds = performance.now() - start;
  order = {inputs: places(request.inputs, signature.getInputDetails(), 'input'),
    outputs: places(request.outputs, signature.getOutputDetails(), 'output')};
  const {startMilliseconds} = started;
  return {details: inUse(), milliseconds, startMilliseconds, loaded: {files: {[request.entry]: hashes[request.entry]}, inputs: request.inputs.map(info => info.tensor)}};
}

// What a `.tflite` has behind the place of its root: its format and version.
const MARK = 'TFL3';

async function compile() {
  const mark = String.fromCharCode(...content.subarray(4, 8));
  if (mark !== MARK) {
    throw new PageError('failed', `${request.entry} is no TensorFlow Lite model (${content.length} bytes): convert it again`);
  }
  model = await library.loadAndCompile(content, {accelerator: request.backend, gpuOptions: {precision: 'fp32'}}).catch(error => {
    const reason = words.errors();  // its exception names places in its source alone
    if (/Failed to load model/.test(error?.message)) {
      const why = reason ? ` (${reason.replace(/[.\s]+$/, '')})` : '';
      throw new PageError('failed',
          `LiteRT.js cannot load ${request.entry}, ${content.length} bytes${why}: it is damaged or not whole; convert it again`);
    }
    throw reason ? new Error(`LiteRT.js cannot compile ${request.entry}: ${reason}`) : error;
  });
  split = words.partition();
  warned = [words.warnings(), words.errors()].filter(Boolean).join(' ');  // it has compiled, some other way
  signature = request.signature ? model.signatures[request.signature] : model;
  if (!signature) throw new PageError('failed', `LiteRT.js finds no signature '${request.signature}' in the model`);
}

// Where each tensor of the artifact is in LiteRT.js's own order. It names them as the signature does, and as the graph does
// where there is none. Throws where names or shapes do not go together: values would go to the wrong place.
function places(infos, details, side) {
  const listed = details.map(({name}) => name).join(', ');
  const found = infos.map(info => {
    const place = details.findIndex(({name}) => name === info.name);
    return place >= 0 ? place : details.findIndex(({name}) => name === info.tensor || `${name}:0` === info.tensor);
  });
  if (infos.length === 1 && details.length === 1) found[0] = 0;
  if (found.includes(-1) || new Set(found).size !== details.length) {
    throw new PageError('failed', `the artifact has the ${side}s ${infos.map(({name}) => name).join(', ')}, and LiteRT.js ${listed}`);
  }
  found.forEach((place, position) => {
    const [theirs, ours] = [[...details[place].shape], infos[position].shape];
    if (side === 'input' && String(theirs) !== String(ours)) {
      throw new PageError('unsupported', `LiteRT.js takes an input of [${theirs}] and the model is run with [${ours}]: it sets no shapes`);
    }
  });
  return found;
}

export const tensor = (values, {shape}) => new library.Tensor(new values.constructor(values), [...shape]);
export const read = result => result.data();
export const describe = ({type}) => ({shape: [...type.layout.dimensions], dtype: type.dtype});
export const dispose = feeds => feeds.forEach(feed => feed.delete());
export const alive = () => buffers.alive();

// LiteRT.js puts the whole model on wasm where a browser cannot split it, and parts of it where it can.
export const inUse = () => ({
  ...active,
  litertjs: request.version,
  backend: model.options.accelerator,
  ...(request.backend === 'webgpu' ? {accelerated: model.isFullyAccelerated ? 'whole' : `in part: ${split || 'the rest on wasm'}`} : {}),
  ...(warned ? {warnings: warned} : {}),
});

// What another accelerator computes is caught by the gate, by what `inUse` says. What an invocation fails at is said on the
// console alone: its results are then what was in memory.
export function check() {
  const failed = words.errors();
  if (failed) throw new PageError('failed', `LiteRT.js failed and gave results all the same: ${failed}`);
}

export async function renew() {
  if (request.state_to_reset !== 'none') await again();
}

// Whether there is state that was set back.
export async function restart() {
  if (request.state === 'none') return false;
  await again();
  return true;
}

// LiteRT.js sets no variables back: the model is compiled anew.
async function again() {
  model.delete();
  await compile();
}

export async function execute(feeds) {
  const given = [];
  order.inputs.forEach((place, position) => { given[place] = feeds[position]; });
  const results = await signature.run(given);
  buffers.made(results.length);
  return order.outputs.map(place => results[place]);
}

export function release(tensors) {
  new Set(tensors).forEach(result => result.delete());
}

export async function sizes(feeds) {
  release(await execute(feeds));
  return {wasm_heap_bytes: module.liteRtWasm.HEAPU8.byteLength};
}
