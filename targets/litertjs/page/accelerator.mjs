// Loads LiteRT.js for one accelerator and says what really runs. It goes on without a GPU, and where it cannot compile all
// of a model for it, with a mere warning: a silent fallback would measure something else.
import {PageError} from './errors.mjs';
import {adapterName, rendered, surroundings, wasmFiles} from './in_use.mjs';

const ADAPTER_MILLISECONDS = 5000;
const PAUSE_MILLISECONDS = 100;

// The first `requestAdapter` after a browser's start answers null while its GPU process still starts up.
async function adapterThere() {
  if (!navigator.gpu) throw new PageError('unsupported', 'this browser has no WebGPU');
  for (const begun = performance.now(); performance.now() - begun < ADAPTER_MILLISECONDS;) {
    if (await navigator.gpu.requestAdapter({powerPreference: 'high-performance'})) return;
    await new Promise(resolve => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  throw new PageError('failed', 'this browser has no GPU adapter for WebGPU: LiteRT.js would go on without, on wasm');
}

// `backend`: wasm or webgpu; `threaded`: whether wasm takes its binary with threads; `waits`: the binary that suspends
// (JSPI) while the GPU works. Returns the library, the loaded module and what is active, in strings.
export async function load({backend, threaded, waits}) {
  if (!crossOriginIsolated) throw new PageError('failed', 'the page is not cross-origin isolated');
  if (backend === 'webgpu') await adapterThere();
  const library = await import(new URL('../bundle/litertjs.mjs', location.href).href);
  const options = {...(threaded ? {threads: true} : {}), ...(waits ? {jspi: true} : {})};
  const module = await library.loadLiteRt(new URL('../bundle/', location.href).href, options);
  const details = {
    ...surroundings(),
    wasm_file: wasmFiles(),
    wasm_threads: String(module.liteRtWasm.getThreadCount()),
  };
  if (backend === 'webgpu') {
    const device = library.getWebGpuDevice();
    if (!device) throw new PageError('failed', 'LiteRT.js found no GPU adapter, and would go on without, on wasm');
    Object.assign(details, rendered(adapterName(device.adapterInfo)), {half_precision: String(device.features.has('shader-f16'))});
  }
  return {library, module, details};
}
