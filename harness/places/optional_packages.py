"""The packages that places need, which a machine that is its own place does without."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from harness.errors import HarnessError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
PACKAGES = {"distributed", "dask", "tornado", "cryptography"}


def requires_places_extra(work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """`work`, which raises one sentence where a package of the extra `places` is not installed."""

    @wraps(work)
    def guarded(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            return work(*arguments, **named)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in PACKAGES:
                raise
            raise HarnessError(
                f"Places need {error.name}, which is not installed: pip install 'ml-runtime-harness[places]'."
            ) from error

    return guarded
