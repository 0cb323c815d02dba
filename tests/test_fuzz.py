# SPDX-License-Identifier: GPL-2.0-only
"""The fuzzers: no arbitrary stream or file makes the verifier or the reader crash, hang, leak or eat memory."""

import re
import subprocess

from conftest import REPO

RUNS = 1_000_000


def test_a_million_inputs():
    subprocess.run([REPO / "scripts/setup", "build", "test"], check=True, stdin=subprocess.DEVNULL)
    done = subprocess.run(["make", "-s", "-j2", "fuzz", f"FUZZ_RUNS={RUNS}"], cwd=REPO, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          timeout=1800)
    assert done.returncode == 0, done.stdout[-5000:]
    told = dict(re.findall(r"^fuzz_(\w+): (\d+) inputs", done.stdout, re.M))
    assert set(told) == {"stream", "recording"}, done.stdout
    assert sum(int(count) for count in told.values()) >= RUNS
