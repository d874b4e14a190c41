"""The old side: an artifact that the cache still has, on the runtime that a fingerprint names."""

from __future__ import annotations

from collections.abc import Mapping

from harness.artifact import Artifact, TensorInfo
from harness.cache import Cache
from harness.case_name import CaseName
from harness.errors import Unavailable
from harness.target import Target


def cached_artifact(cache: Cache, case: CaseName, key: str, digest: str) -> Artifact:
    """The converted artifact of `case` with that key and exactly those bytes. Raises `Unavailable`."""
    found = cache.find("converted", key)
    if found is None or found.digest != digest:
        state = "is not in the cache any more" if found is None else "is in the cache with other bytes"
        raise Unavailable(
            f"The artifact {key[:12]}… of {case.model}/{case.variant} {state}; convert it again at the commit that "
            "made it (`harness convert` there, with HARNESS_CACHE naming this cache)."
        )
    facts = found.facts
    return Artifact(
        model=case.model,
        format=case.format,
        variant=case.variant,
        key=key,
        digest=digest,
        entry=facts["entry"],
        files=found.files,
        inputs=tuple(TensorInfo(**info) for info in facts["inputs"]),
        outputs=tuple(TensorInfo(**info) for info in facts["outputs"]),
        operators=facts["operators"],
        converter={},
        scheme=facts.get("scheme", ""),
        signature=facts.get("signature", ""),
        subgraph=facts.get("subgraph", 0),
        notes=tuple(facts.get("notes", ())),
        state=facts.get("state", "none"),
        directory=found.folder,
    )


def runtime_of(target: Target, fingerprint: Mapping[str, str]) -> Target:
    """`target` as it was when it had that fingerprint; itself where nothing that can be changed differs.
    Raises `Unavailable` where that runtime can no longer be had."""
    now = target.fingerprint()
    changes = {key: value for key, value in fingerprint.items() if now.get(key) != value}
    if not changes:
        return target
    found = target.altered(changes)
    return target if found.fingerprint() == now else found
