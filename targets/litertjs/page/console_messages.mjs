// What LiteRT.js says on the console alone: that it puts parts of a model elsewhere, warnings on a model, and errors after
// which it goes on and gives whatever its memory held.
const ELSEWHERE = /will run on the GPU, and the remaining/;
const HEADING = /^ERROR: Following operations are not supported by GPU delegate/;
const WARNING = /^WARNING: \[(?!npu_registry)[^\]]*\] /;  // there is no NPU in a page
const ERROR = /^ERROR: /;
const OPERATOR = /^(?!ERROR|WARNING|INFO)([A-Z0-9_]+): *(.*)/;
const PLACE = /^ERROR: (\[[^\]]*\] ?|third_party\/\S+ )?/;
const MOST_WORDS = 300;

// Listens from now on. `partition()`: how a model was split since it was asked last, and why, in one line; empty where it
// was not. `warnings()`, `errors()`: those since they were asked last, without the place in the source.
export function heard() {
  const partition = [];
  const warnings = [];
  const errors = [];
  let reasons = null;  // lines of a list that has begun and not ended
  const take = line => {
    if (HEADING.test(line)) {
      reasons = [];
    } else if (ELSEWHERE.test(line)) {
      partition.push(`${line.replace(/\.$/, '')}${reasons?.length ? ` (${reasons.join('; ')})` : ''}`);
      reasons = null;
    } else if (reasons !== null && OPERATOR.test(line)) {
      const [, operator, why] = OPERATOR.exec(line);
      if (why) reasons.push(`${operator}: ${why.replace(/\.$/, '')}`);
    } else if (ERROR.test(line)) {
      errors.push(line.replace(PLACE, ''));
    } else if (WARNING.test(line)) {
      warnings.push(line.replace(WARNING, ''));
    }
  };
  for (const name of ['error', 'log', 'warn', 'info']) {
    const say = console[name].bind(console);
    console[name] = (...words) => {
      if (typeof words[0] === 'string') words[0].split('\n').forEach(take);
      say(...words);
    };
  }
  const taken = lines => [...new Set(lines.map(line => line.replace(/\.$/, '')))].join('; ').slice(0, MOST_WORDS);
  return {
    partition: () => taken(partition.splice(0)),
    warnings: () => taken(warnings.splice(0)),
    errors: () => taken(errors.splice(0)),
  };
}
