"""`python -m harness_models.training [NAME…]`: train, write the weights, print their hash."""

from __future__ import annotations

import argparse

from .recipe import train
from .recipes import RECIPES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m harness_models.training", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which models, of: {', '.join(RECIPES)} (default: all)"
    )
    names = parser.parse_args().names or list(RECIPES)
    if unknown := [name for name in names if name not in RECIPES]:
        parser.error(f"no recipe for {', '.join(unknown)}; there are: {', '.join(RECIPES)}")
    for name in names:
        recipe = RECIPES[name]
        digest = recipe.weights.save(train(recipe))
        verdict = (
            "as declared" if digest == recipe.weights.sha256 else f"declared was {recipe.weights.sha256 or 'none'}"
        )
        print(f"{name}: {recipe.weights.path.stat().st_size} bytes, sha256 {digest} ({verdict})")


if __name__ == "__main__":
    main()
