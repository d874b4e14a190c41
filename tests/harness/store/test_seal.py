"""The seal notices every flipped byte and changes nothing else."""

import contextlib
import json

import pytest

from harness.store.seal import BrokenSeal, is_whole, seal, unseal

TEXT = '{"schema_version":1,"id":"ü","numbers":[1,2,3]}\n'


def test_a_sealed_object_is_still_json_and_comes_back_byte_for_byte() -> None:
    sealed = seal(TEXT)
    assert json.loads(sealed)["numbers"] == [1, 2, 3]
    assert unseal(sealed) == TEXT


def test_text_without_a_seal_is_taken_as_it_is() -> None:
    assert unseal(TEXT) == TEXT


def test_whole_is_what_has_an_unbroken_seal() -> None:
    assert is_whole(seal(TEXT))
    assert not is_whole(TEXT)
    assert not is_whole(seal(TEXT).replace("[1", "[9"))


@pytest.mark.parametrize("index", range(len(seal(TEXT))))
def test_no_flipped_character_passes(index: int) -> None:
    sealed = seal(TEXT)
    flipped = sealed[:index] + chr(ord(sealed[index]) ^ 1) + sealed[index + 1 :]
    try:
        inner = unseal(flipped)
    except BrokenSeal:
        return
    # What no longer looks like a seal is kept as a member that no record has, or is no JSON any more.
    with contextlib.suppress(json.JSONDecodeError):
        assert set(json.loads(inner)) - {"schema_version", "id", "numbers"}


def test_only_an_object_can_be_sealed() -> None:
    with pytest.raises(ValueError, match="only a compact JSON object"):
        seal("[]")
