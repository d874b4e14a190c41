// What really does the work, in the browser's own words.
const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render/i;

// An unnamed renderer is taken for software: milliseconds pass for a GPU's only where a GPU is named.
export function rendered(renderer) {
  return {renderer, software_renderer: String(renderer === '' || SOFTWARE.test(renderer))};
}

// A WebGPU adapter's names in one line.
export const adapterName = info => [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');

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
