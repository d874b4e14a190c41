// Loads LiteRT.js for one accelerator and says what really runs. It goes on without a GPU, and where it cannot compile all
// of a model for it, with a mere warning: a silent fallback would measure something else.
import {PageError} from './errors.mjs';
import {adapter, adapterName, deviceGone, rendered, surroundings, wasmFiles} from './in_use.mjs';

// `backend`: wasm or webgpu; `threaded`: whether wasm takes its binary with threads; `waits`: the binary that suspends
// (JSPI) while the GPU works. Returns the library, the loaded module, what is active, in strings, the milliseconds that the
// module took to be loaded, and what is refused once a GPU's device is gone.
export async function load({backend, threaded, waits}) {
  if (!crossOriginIsolated) throw new PageError('failed', 'the page is not cross-origin isolated');
  if (backend === 'webgpu') {
    if (!navigator.gpu) throw new PageError('unsupported', 'this browser has no WebGPU');
    if (!await adapter()) {
      throw new PageError('failed', 'this browser has no GPU adapter for WebGPU: LiteRT.js would go on without, on wasm');
    }
  }
  const library = await import(new URL('../bundle/litertjs.mjs', location.href).href);
  const options = {...(threaded ? {threads: true} : {}), ...(waits ? {jspi: true} : {})};
  const start = performance.now();
  const module = await library.loadLiteRt(new URL('../bundle/', location.href).href, options);
  const startMilliseconds = performance.now() - start;
  const details = {
    ...surroundings(),
    wasm_file: wasmFiles(),
    wasm_threads: String(module.liteRtWasm.getThreadCount()),
  };
  let gone = null;
  if (backend === 'webgpu') {
    const device = library.getWebGpuDevice();
    if (!device) throw new PageError('failed', 'LiteRT.js found no GPU adapter, and would go on without, on wasm');
    gone = deviceGone(device);
    Object.assign(details, rendered(adapterName(device.adapterInfo)), {half_precision: String(device.features.has('shader-f16'))});
  }
  return {library, module, details, startMilliseconds, gone};
}
