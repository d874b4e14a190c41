// Counts LiteRT.js's tensor buffers, which are ended by hand: it has no count of its own.

// Counts from now on. Returns a function that says how many buffers are alive of those made since.
export function counted(wasm) {
  let alive = 0;
  const Buffer = wasm.LiteRtTensorBuffer;
  const counts = (owner, name) => {
    const make = owner[name];
    owner[name] = function(...given) {
      alive++;
      return make.apply(this, given);
    };
  };
  for (const name of ['createManaged', 'createFromWebGpuBuffer']) counts(Buffer, name);
  // Every handle of the module shares one `delete`: what it ends is told by its class.
  const end = Buffer.prototype.delete;
  Buffer.prototype.delete = function() {
    alive--;
    return end.apply(this);
  };
  // An invocation makes its results itself.
  return {alive: () => alive, made: count => { alive += count; }};
}
