"""Which schedulers may be spoken to."""

import subprocess
import sys

import pytest

from harness.errors import HarnessError
from harness.places.cluster import connected
from harness.places.scheduler_address import Certificates, SchedulerAddress, check_allowed, check_scheduler
from harness.places.transport import NoPlaces


@pytest.mark.parametrize(
    "text", ["", "host:8786", "ftp://host:1", "tls://host", "tls://:1", "tls://host:x", "tls://h:1/x"]
)
def test_what_is_no_address_is_refused_in_one_sentence(text):
    with pytest.raises(HarnessError, match="is no scheduler's address; write tls://HOST:PORT"):
        SchedulerAddress.parse(text)


@pytest.mark.parametrize("text", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786"])
def test_plain_text_stays_on_this_machine(text):
    address = SchedulerAddress.parse(text)
    assert str(address) == text
    check_allowed(address, None, insecure=False)


@pytest.mark.parametrize(
    "text", ["tcp://10.0.0.1:8786", "tcp://host:8786", "tcp://0.0.0.0:8786", "tcp://localhost.x:1"]
)
def test_plain_text_beyond_it_has_to_be_written_out(text):
    address = SchedulerAddress.parse(text)
    with pytest.raises(HarnessError, match="can run code on every place; use tls://"):
        check_allowed(address, None, insecure=False)
    check_allowed(address, None, insecure=True)


def test_tls_needs_certificates_that_are_there(tmp_path):
    with pytest.raises(HarnessError, match="needs certificates"):
        check_allowed(SchedulerAddress.parse("tls://host:1"), None, insecure=True)
    with pytest.raises(HarnessError, match=r"has no ca\.pem and no place\.pem and no place-key\.pem"):
        Certificates(tmp_path).checked()


def test_a_scheduler_that_is_not_there_is_one_sentence():
    with pytest.raises(NoPlaces, match=r"No scheduler answers at tcp://127\.0\.0\.1:9 "):
        check_scheduler(SchedulerAddress.parse("tcp://127.0.0.1:9"), None)


def test_without_the_extra_there_is_one_sentence_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(HarnessError, match=r"Places need distributed, .* pip install 'ml-runtime-harness\[places\]'"):
        connected(SchedulerAddress.parse("tcp://127.0.0.1:9"), None)


def test_on_one_machine_nothing_of_dask_is_loaded():
    code = "import harness.cli.running, sys; print([name for name in ('distributed', 'dask') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
