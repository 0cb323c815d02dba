# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: kernels that are built for counting, and guests in which map_bench counts."""

import json
import pathlib
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
OUT = REPO / "build/bench"
COHERENT = "tests/bench/coherent-6.12.patch"


def output(*command):
    done = subprocess.run([str(word) for word in command], cwd=REPO, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: failed ({done.returncode}): {' '.join(map(str, command))}")
    return done.stdout


def kernel(flavour, *patches, version="6.12"):
    """The directory of a kernel that executes nothing which a production kernel would not."""
    options = [word for patch in (COHERENT, *patches) for word in ("--patch", patch)]
    return output("scripts/kernel", "build", version, "--flavour", flavour, "--config", "perf", *options).strip()


def json_lines(directory, script, *options):
    """The JSON lines of a shell script, in one boot of that kernel."""
    lines = output("scripts/vm", "run", "--kernel", directory, *options, "--timeout", "1800", "--", "sh", "-c",
                   script).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]
