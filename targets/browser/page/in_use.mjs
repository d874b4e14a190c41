// What really does the work, in the browser's own words.
import {PageError} from './errors.mjs';

const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render/i;
// What WebKit tells every page, whatever draws.
const MASK = 'Apple GPU';

// An unnamed renderer is taken for software: milliseconds pass for a GPU's only where a GPU is named.
export function rendered(renderer) {
  return {renderer, software_renderer: String(['', MASK].includes(renderer) || SOFTWARE.test(renderer))};
}

// A WebGPU adapter's names in one line.
export const adapterName = info => [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');

const ADAPTER_MILLISECONDS = 5000;
const PAUSE_MILLISECONDS = 100;

// A WebGPU adapter, or null. The first `requestAdapter` after a browser's start answers null while its GPU process still
// starts up, so it is asked until one is there.
export async function adapter() {
  if (!navigator.gpu) return null;
  for (const begun = performance.now(); performance.now() - begun < ADAPTER_MILLISECONDS;) {
    const found = await navigator.gpu.requestAdapter({powerPreference: 'high-performance'});
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  return null;
}

// Refused once the browser takes a WebGPU device away (its process died, its driver was reset); it never comes true.
export const deviceGone = device => refusedOnce(device.lost.then(
  ({message}) => `the browser took the GPU device away (${message.split('\n')[0].slice(0, 200) || 'no reason given'})`));

// The same of a WebGL context.
export const contextGone = gl => refusedOnce(new Promise(resolve => {
  gl.canvas.addEventListener('webglcontextlost', () => resolve('the browser took the WebGL context away'), {once: true});
}));

function refusedOnce(words) {
  const gone = words.then(said => { throw new PageError('failed', `${said}, so that nothing computed the outputs`); });
  gone.catch(() => {});  // whoever waits for it sees it
  return gone;
}

// What a WebGL context draws with.
export function webglName(gl) {
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  return gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}

// The names of the WebAssembly files that this page has fetched, without those of other kinds.
export function wasmFiles() {
  const names = performance.getEntriesByType('resource').map(({name}) => new URL(name).pathname.split('/').pop());
  return [...new Set(names.filter(name => name.endsWith('.wasm')))].join(' ');
}

// What a page can say of itself, whatever runs in it.
export const surroundings = () => ({
  user_agent: navigator.userAgent,
  hardware_concurrency: String(navigator.hardwareConcurrency),
  cross_origin_isolated: String(crossOriginIsolated),
});
