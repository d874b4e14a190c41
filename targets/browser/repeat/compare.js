// Says whether the fault of case.js shows: in the page, and as `verdict` for a program (status 1: it shows, 0: it does not, 2:
// it cannot be told). The library's part is `start` of repeat.js.
const MOST_VALUES = 8;

// How far two lists of stored values are apart, real = scale · (stored − zero_point); see `figures` of compare.py in other
// reports of this kind.
function figures(actual, expected, {scale, zero_point, array}) {
  const found = {differing: 0, finite: true, largest: 0, noise: 0, signal: 0, tolerance: 0, steps: array.dtype.includes('float') ? null : 0};
  const real = stored => scale === null ? stored : scale * (stored - zero_point);
  for (let place = 0; place < expected.length; place++) {
    const [one, two] = [real(actual[place]), real(expected[place])];
    if (found.steps !== null) found.steps = Math.max(found.steps, Math.abs(actual[place] - expected[place]));
    if (Object.is(one, two) || one === two) {
      found.signal += Number.isFinite(two) ? two * two : 0;
      continue;
    }
    found.differing++;
    if (!Number.isFinite(one) || !Number.isFinite(two)) {
      found.finite = false;
      continue;
    }
    const error = Math.abs(one - two);
    found.largest = Math.max(found.largest, error);
    found.tolerance = Math.max(found.tolerance, error / (1 + Math.abs(two)));
    found.noise += error * error;
    found.signal += two * two;
  }
  const {noise, signal, largest} = found;
  found.sqnr_db = noise && signal ? 10 * Math.log10(signal / noise) : null;
  found.peak = signal ? largest / Math.sqrt(signal / expected.length) : null;
  found.share = found.differing / (expected.length || 1);
  return found;
}

// Which limit an output breaks, in words; nothing where it keeps to it.
function broken(name, found, limit) {
  if (!limit || (found.finite && !found.differing)) return '';
  if (!found.finite) return `${name} is not finite where it should be`;
  if (limit.figure === 'differing') {
    return found.share > limit.limit ? `${name} has ${(found.share * 100).toFixed(1)}% of its values wrong` : '';
  }
  if (limit.figure === 'finite') return '';
  if (found[limit.figure] === null) {
    const allowed = limit.figure === 'sqnr_db' ? 10 ** (-limit.limit / 20) : limit.limit;
    return found.tolerance > allowed ? `${name} should be zero everywhere, and is off by up to ${found.largest.toPrecision(3)}` : '';
  }
  if (limit.figure === 'sqnr_db') {
    return found.sqnr_db < limit.limit
      ? `${name} has an SQNR of ${found.sqnr_db.toFixed(1)} dB, and at least ${limit.limit} dB is asked for` : '';
  }
  if (limit.figure === 'steps') {
    return found.steps > limit.limit ? `${name} differs by ${found.steps} steps, and at most ${limit.limit} are allowed` : '';
  }
  return found.peak > limit.limit
    ? `${name} is off by ${found.peak.toPrecision(3)} of its root mean square, and at most ${limit.limit} is allowed` : '';
}

function said({name, array, shape}, actual, expected, found) {
  const lines = [`${name}, ${array.dtype} of ${shape.join(' x ')}: ${found.differing} of ${expected.length} values differ, ` +
      `the largest difference is ${found.largest.toPrecision(6)}`];
  const apart = place => {
    const difference = Math.abs(actual[place] - expected[place]);
    return Number.isNaN(difference) ? Infinity : difference;
  };
  const worst = [...expected.keys()].filter(place => !Object.is(actual[place], expected[place]) && apart(place) > 0)
      .sort((one, other) => apart(other) - apart(one) || one - other).slice(0, MOST_VALUES);
  if (worst.length) lines.push(`  ${'at'.padEnd(16)} ${'should be'.padStart(14)} ${'came out'.padStart(14)}`);
  for (const place of worst) {
    let rest = place;
    const index = shape.slice().reverse().map(size => [rest % size, rest = Math.floor(rest / size)][0]).reverse();
    const cells = [expected, actual].map(values => String(Number(Number(values[place]).toPrecision(8))).padStart(14));
    lines.push(`  ${`[${index.join(', ')}]`.padEnd(16)} ${cells.join(' ')}`);
  }
  return lines;
}

async function repeat() {
  const {says, infer} = await start(FAULT);
  const lines = [FAULT.fault, says];
  const reasons = new Set();
  const samples = FAULT.samples;
  const given = [];
  for (let sample = 0; sample < samples; sample++) given.push(await infer(sample));
  FAULT.outputs.forEach((info, place) => {
    const actual = given.flatMap(of => Array.from(of[place], Number));
    const expected = Array.from(valuesOf(info.array), Number);
    if (actual.length !== expected.length) {
      reasons.add(`${info.name} has ${actual.length} values where ${expected.length} should be`);
      return;
    }
    const found = figures(actual, expected, info);
    lines.push(...said({...info, shape: [samples, ...info.shape]}, actual, expected, found));
    const why = broken(info.name, found, info.limit);
    if (why) reasons.add(why);
  });
  lines.push(reasons.size ? `The fault shows: ${[...reasons].join('; ')}.` : 'The fault does not show.');
  return {status: reasons.size ? 1 : 0, text: lines.join('\n')};
}

repeat().catch(error => ({status: 2, text: `It cannot be told: ${error?.message ?? error}`})).then(found => {
  document.getElementById('said').textContent = found.text;
  document.title = found.text.split('\n').at(-1);
  globalThis.verdict = found;
});
