// Asks the browser for the name of what renders, without any library: before a target is started with flags for a GPU.
import {adapter, adapterName, webglName} from './in_use.mjs';

async function renderer({backend, renderer: known}) {
  if (backend === 'webgpu') {
    const found = await adapter();
    return {renderer: found ? adapterName(found.info) : ''};
  }
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
  return {renderer: gl ? known || webglName(gl) : ''};
}

globalThis.harness = {renderer};
