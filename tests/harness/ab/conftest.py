"""What these tests share."""

import pytest

from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry


@pytest.fixture
def artifact(tmp_path):
    converter = FakeConverter(tmp_path)
    return converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))
