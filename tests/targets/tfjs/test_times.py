"""A slowdown planted in one kernel of TensorFlow.js, followed from the page's own module to the operator that is named.

The page's `times.mjs` runs in Node.js on a library whose kernels take what a script says, so that the slowdown is a
tenth and nothing else differs; what it tells goes through the session's own reading to the comparison's.
"""

import itertools
import json
import shutil
import subprocess
from contextlib import contextmanager

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.by_operator import LOOKS, PAIRS, changed_operators
from harness.ab.compare import compare_sides
from harness.ab.side import Side
from harness.target import Loaded, SessionTimeouts
from harness_targets.browser.session import BrowserSession
from harness_targets.tfjs.target import TFJSTarget
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.raising import RaisingTarget

pytestmark = pytest.mark.needs("node")

KEYWORD_DSCNN = [
    ["FusedConv2D", "1×25×5×64", 0.051],
    *([["FusedDepthwiseConv2D", "1×25×5×64", 0.032], ["FusedConv2D", "1×25×5×64", 0.040]] * 4),
    ["AvgPool", "1×1×1×64", 0.011],
    ["_FusedMatMul", "1×12", 0.009],
    ["Softmax", "1×12", 0.014],
]
"""Kernel, shape of its result, milliseconds: as a GPU takes for such a model."""

SCRIPT = """
import {inside} from './times.mjs';
const {kernels, slower, factor, blocks, seed} = JSON.parse(process.argv[2]);
let state = seed;
const uniform = () => {  // mulberry32
  state = (state + 0x6D2B79F5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const noise = () => Math.exp(0.03 * (uniform() + uniform() + uniform() + uniform() - 2));  // 1.7 % wide
let now = 0;
performance.now = () => now;
const run = () => kernels.map(([name, shape, ms]) => {
  const taken = Math.round(ms * 1e6 * noise() * (name === slower ? factor : 1)) / 1e6;  // timers step by a nanosecond
  now += taken + 0.5;
  return {name, outputShapes: [shape.split('×').map(Number)], kernelTimeMs: taken};
});
const tf = {
  backend: () => ({timerAvailable: () => true}),
  profile: async work => { await work(); return {kernels: run()}; },
  time: async work => { work(); return {kernelMs: run().reduce((sum, one) => sum + one.kernelTimeMs, 0)}; },
};
const model = {execute: async () => [], release: () => {}, isSynchronous: () => true};
const told = [];
for (let block = 0; block < blocks; block++) {
  told.push(await inside(tf, 'webgpu', [], model, {perOperator: true, kernels: true}));
}
console.log(JSON.stringify(told));
"""


class Page:
    """Answers as the page does, block after block; until the data is there it takes 4.4 ms, give or take 4 %."""

    what = "a page"

    def __init__(self, told, seed):
        self.told, self.generator = itertools.cycle(told), np.random.default_rng(seed)

    def call(self, operation, tensors, *, plan, **_):
        inside = next(self.told)
        waited = 4.4e6 * self.generator.lognormal(0.0, 0.04, plan["minIterations"])
        nothing = dict.fromkeys(("startMilliseconds", "compileMilliseconds", "uploadMilliseconds"))
        reply = {**inside, **nothing, "stable": True, "firstMilliseconds": 9.0, "loadMilliseconds": 1.0}
        total = 1e6 * sum(np.median(one["milliseconds"]) for one in inside["operators"])
        return {**reply, "clockMilliseconds": 0.005, "details": {}}, {"samples_ns": (waited + total).astype(np.int64)}


class OnPage(RaisingTarget):
    def __init__(self, name, told, seed):
        super().__init__(name)
        self.page = Page(told, seed)

    @contextmanager
    def open(self, artifact, limits=None):
        yield BrowserSession(self.page, artifact, SessionTimeouts(), artifact.directory, "a browser", Loaded({}))


@pytest.fixture
def side(tmp_path):
    """A side whose kernel `slower` takes so many times as long."""
    shutil.copy(TFJSTarget.page / "times.mjs", tmp_path)
    (tmp_path / "script.mjs").write_text(SCRIPT)
    converter = FakeConverter(tmp_path)
    artifact = converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))

    def side(name, seed, slower="", factor=1.0):
        asked = {"kernels": KEYWORD_DSCNN, "slower": slower, "factor": factor, "blocks": LOOKS[-1] * (PAIRS + 1)}
        command = ["node", str(tmp_path / "script.mjs"), json.dumps({**asked, "seed": seed})]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return Side(name, OnPage(f"fake/{name}", json.loads(done.stdout), seed), artifact)

    return side


PLAN = BlockPlan(rounds=6, most_rounds=6, stage_seconds=1e9, seed=1)


def test_a_tenth_in_one_kernel_is_named_by_operator_and_found_in_the_kernels_and_not_by_the_clock(side):
    old, new = side("old", 1), side("new", 2, "FusedDepthwiseConv2D", 1.10)
    (found,) = changed_operators(old, new, {}, PLAN)
    assert (found.operator, found.shape) == ("FusedDepthwiseConv2D", "1×25×5×64")
    assert found.ratio == pytest.approx(1.10, abs=0.01)
    assert found.share == pytest.approx(4 * 0.032 / sum(ms for _, _, ms in KEYWORD_DSCNN), abs=0.02)
    kernels = compare_sides(old, new, {}, BlockPlan(**{**vars(PLAN), "kernels": True}))
    assert kernels.verdict == "slower"
    assert kernels.ratio.ratio == pytest.approx(1.0 + 0.10 * found.share, abs=0.005)
    assert compare_sides(old, new, {}, PLAN).verdict == "alike"


def test_where_nothing_is_planted_nothing_is_named(side):
    old, new = side("old", 3), side("new", 4)
    assert changed_operators(old, new, {}, PLAN) == ()
    assert compare_sides(old, new, {}, BlockPlan(**{**vars(PLAN), "kernels": True})).verdict == "alike"
