// Runs the model of case.js by LiteRT.js' public packages alone; compare.js says what came of it.
const ARRAYS = {float32: Float32Array, int32: Int32Array, uint8: Uint8Array};

const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));
const valuesOf = ({dtype, data}) => new ARRAYS[dtype](bytesOf(data).buffer);

// Which of the model's own tensors each of a list is.
function places(infos, details) {
  return infos.map(({name, tensor}) => {
    if (infos.length === 1 && details.length === 1) return 0;
    const place = details.findIndex(one => one.name === name || one.name === tensor || `${one.name}:0` === tensor);
    if (place < 0) throw new Error(`the model has no tensor '${name}'`);
    return place;
  });
}

// The first adapter that a browser is asked for may be none.
async function hasGpu() {
  for (let asked = 0; asked < 20; asked++) {
    if (await navigator.gpu?.requestAdapter()) return true;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  return false;
}

// What runs, in words, and the outputs of a sample: a typed array each.
async function start(fault) {
  const {accelerator, waits, wasm, version} = fault.setting;
  if (accelerator === 'webgpu' && !await hasGpu()) throw new Error('this browser has no GPU adapter for WebGPU');
  const litert = await import('@litertjs/core');
  await litert.loadLiteRt(new URL(wasm, location.href).href, waits ? {jspi: true} : {});
  const content = bytesOf(fault.model);
  const compiled = () => litert.loadAndCompile(content, {accelerator, gpuOptions: {precision: 'fp32'}});
  let model = await compiled();
  const part = accelerator === 'webgpu' && !model.isFullyAccelerated ? ' in part, the rest on wasm' : '';
  const inputs = places(fault.inputs, model.getInputDetails());
  const outputs = places(fault.outputs, model.getOutputDetails());
  const infer = async sample => {
    if (sample && !fault.is_stream) {  // state is set back by compiling anew alone
      model.delete();
      model = await compiled();
    }
    const given = [];
    fault.inputs.forEach(({array, shape}, place) => {
      const size = shape.reduce((one, other) => one * other, 1);
      given[inputs[place]] = new litert.Tensor(valuesOf(array).slice(sample * size, (sample + 1) * size), shape);
    });
    const results = await model.run(given);
    const values = [];
    for (const place of outputs) values.push((await results[place].data()).slice());
    for (const one of new Set([...given, ...results])) one.delete();
    return values;
  };
  return {says: `LiteRT.js ${version}, ${model.options.accelerator}${part}`, infer};
}
