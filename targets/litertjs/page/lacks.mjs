// LiteRT.js's own words for what it cannot do, and what is said in their place.
export const LACKS = [
  [/unresolved custom op: ([\w.]+)/, found => `LiteRT.js does not know the custom operator ${found[1].replace(/\.$/, '')}`],
  [/(?:Element type|DType) (\w+) is not supported/, found => `LiteRT.js has no tensors of type ${found[1].toLowerCase()}`],
  [/Tensors with strides or padding are not yet supported/, found => found[0]],
  [/has no supported buffer types/, () => 'LiteRT.js has no buffers for an input of this model'],
];
