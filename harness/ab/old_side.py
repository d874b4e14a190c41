"""The old side: an artifact that the cache still has, on the runtime that a fingerprint names."""

from __future__ import annotations

from collections.abc import Mapping

from harness.artifact import Artifact
from harness.cache import Cache
from harness.case_name import CaseName
from harness.conversion.artifact_description import artifact_of_entry
from harness.conversion.model_entry import ModelEntry
from harness.errors import Unavailable
from harness.target import Target


def cached_artifact(cache: Cache, case: CaseName, key: str, digest: str, entry: ModelEntry | None) -> Artifact:
    """The converted artifact of `case` with that key and exactly those bytes. Raises `Unavailable`.

    `entry`, the model as the project has it now, says where its custom operators are and whether its samples are a
    stream; None for a model that the project has no more.
    """
    found = cache.find("converted", key)
    if found is None or found.digest != digest:
        state = "is not in the cache any more" if found is None else "is in the cache with other bytes"
        raise Unavailable(
            f"The artifact {key[:12]}… of {case.model}/{case.variant} {state}; convert it again at the commit that "
            "made it (`harness convert` there, with HARNESS_CACHE naming this cache)."
        )
    return artifact_of_entry(
        found,
        (case.model, case.format, case.variant),
        key,
        {},
        custom=entry.custom_operators if entry is not None else None,
        sequence=entry is not None and entry.source.sequence,
    )


def runtime_of(target: Target, fingerprint: Mapping[str, str]) -> Target:
    """`target` as it was when it had that fingerprint; itself where nothing that can be changed differs.
    Raises `Unavailable` where that runtime can no longer be had."""
    now = target.fingerprint()
    changes = {key: value for key, value in fingerprint.items() if now.get(key) != value}
    if not changes:
        return target
    found = target.with_fingerprint(changes)
    return target if found.fingerprint() == now else found
