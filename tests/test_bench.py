# SPDX-License-Identifier: GPL-2.0-only
"""The verifier's part of make bench: streams that no rule objects to, and memory that does not depend on the machine."""

import json
import subprocess

import pytest
from conftest import REPO, make

SPEED = "build/bench/verifier_speed"


@pytest.fixture(scope="module")
def verifier(built):
    make(SPEED)

    def run(*arguments):
        done = subprocess.run([REPO / SPEED, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr[:1000]
        return json.loads(done.stdout)
    return run


@pytest.mark.parametrize("runs", ["1", "64"])
def test_generated_stream_is_right(verifier, runs):
    told = verifier("--runs", runs)
    assert told["verdict"] == "PASS" and told["records_per_second"] > 0


@pytest.mark.parametrize("size,runs", [("huge", 2 << 19), ("small", 2 << 22)])
def test_memory_is_proportional_to_runs(verifier, size, runs):
    """1 TiB in 2 MiB runs, 16 GiB in 4 KiB runs: one entry for the pin, one for the domain, 24 bytes each at most."""
    told = verifier("--memory", size)
    assert (told["verdict"], told["runs"]) == ("PASS", runs)
    assert told["bytes_per_run"] <= 24
    assert 0 < told["peak_kib"] * 1024 < 24 * runs + (8 << 20)
