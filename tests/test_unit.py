# SPDX-License-Identifier: GPL-2.0-only
"""The C unit tests: the model, each rule, options and output, under ASan and UBSan."""

import re
import subprocess

from conftest import REPO


def test_unit_tests_pass():
    done = subprocess.run(["make", "-s", "unit"], cwd=REPO, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    programs = len(list((REPO / "tests/unit").glob("test_*.c")))
    passed = re.findall(r"^\[  PASSED  \] (\d+) test", done.stdout, re.M)
    assert programs > 0 and len(passed) == programs, "each program must tell how many of its tests passed"
    assert all(int(count) > 0 for count in passed)
