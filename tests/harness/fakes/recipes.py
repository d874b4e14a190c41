"""Recipes and an oracle of made-up operators, whose best artifact can be found by trying every set of them."""

import itertools
import math
import random

from harness.tune.attempt import Attempt
from harness.tune.candidates import Candidate, Operator
from harness.variant import Recipe

INT8 = Recipe("int8", 8, "floats")
DYNAMIC = Recipe("dynamic", 8.1)
INT16 = Recipe("int16x8", 8.2, "floats")
FLOAT16 = Recipe("float16", 16)
FLOAT32 = Recipe("float32", 32)
RECIPES = (INT8, DYNAMIC, INT16, FLOAT16, FLOAT32)
EMPTY_BYTES, BOUNDARY_BYTES = 18_000, 60


class MadeUp:
    """Operators with weights from bytes to hundreds of kilobytes, noises over four orders of magnitude and a limit,
    drawn from a seed. `distortion`: how far off the losses are that it tells, the deviation of their logarithm."""

    def __init__(self, seed, operators, distortion=0.0):
        draw = random.Random(seed)
        self.weights = {f"operator{index}": int(math.exp(draw.gauss(9.5, 1.6))) for index in range(operators)}
        noise = {name: math.exp(draw.gauss(-8, 2)) for name in self.weights}
        self.noise = {
            "int8": noise,
            "int16x8": {name: value / draw.choice((1.5, 3, 30)) for name, value in noise.items()},
        }
        self.limit = sum(noise.values()) / draw.choice((1.5, 3, 10, 100, 1000))
        self.noise_of_dynamic = sum(noise.values()) * math.exp(draw.gauss(1, 1))
        self.told = {
            recipe: {name: value * math.exp(draw.gauss(0, distortion)) for name, value in noises.items()}
            for recipe, noises in self.noise.items()
        }
        self.refused = set()
        """Operators that no target runs in float."""
        self.tried = []

    def try_(self, candidate):
        self.tried.append(candidate)
        if self.refused & set(candidate.floats):
            return Attempt(candidate, "refused", reason=f"there is no float {min(self.refused)}")
        size, noise = self.size_and_noise(candidate)
        if noise <= self.limit:
            return Attempt(candidate, "passed", size, math.sqrt(noise), 0.0)
        return Attempt(candidate, "failed", size, math.sqrt(noise), math.sqrt(noise / self.limit), "too noisy")

    def operators(self, attempt):
        told = self.told[attempt.candidate.recipe.variant]
        return [Operator(name, told[name], 3 * weights) for name, weights in self.weights.items()]

    def size_and_noise(self, candidate):
        recipe, weights = candidate.recipe.variant, sum(self.weights.values())
        if recipe in self.noise:
            noise = sum(value for name, value in self.noise[recipe].items() if name not in candidate.floats)
            added = sum(3 * self.weights[name] + BOUNDARY_BYTES for name in candidate.floats)
            return EMPTY_BYTES + weights + added + 200 * (recipe == "int16x8"), noise
        if recipe == "dynamic":
            return EMPTY_BYTES + weights + 100, self.noise_of_dynamic
        return EMPTY_BYTES + weights * (2 if recipe == "float16" else 4), 0.0

    def exhaustively(self):
        """The least size of all that passes, and how many candidates there are."""
        sizes = []
        candidates = 0
        for recipe in RECIPES:
            for count in range(len(self.weights) + 1 if recipe.float_operators_option else 1):
                for floats in itertools.combinations(sorted(self.weights), count):
                    candidates += 1
                    size, noise = self.size_and_noise(Candidate(recipe, None, floats))
                    sizes += [size] if noise <= self.limit else []
        return min(sizes), candidates
