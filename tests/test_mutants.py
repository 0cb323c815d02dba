# SPDX-License-Identifier: GPL-2.0-only
"""Known bugs, planted one at a time: check catches each, and says nothing without it."""

import concurrent.futures
import dataclasses
import os
import subprocess

import pytest
from conftest import REPO, built_directory
from live import assert_pass, check_command, read_check, run_batch, run_check

# Upstream is wrong there already: test_finding.py.
FINDING = "mock fail_nth_two_domains"


@dataclasses.dataclass
class Mutant:
    """A line of mutants.tsv."""
    id: str
    severity: str
    rules: str
    program: str
    append: str
    description: str

    def command(self):
        name, *steps = self.program.split()
        return " ".join((f"$W/{name}", "--keep-going", *steps))

    def vm(self):
        return () if self.append == "-" else ("--append", self.append)


def rows(name):
    lines = (REPO / "tests/mutants" / name).read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


MUTANTS = [Mutant(*row) for row in rows("mutants.tsv")]
# No rule can see these yet; the file says why.
OPEN = [Mutant(*row) for row in rows("open.tsv")]


@pytest.fixture(scope="module")
def runs(built, tmp_path_factory):
    """{id: function that gives what check said of that mutant}. Each has a kernel and a guest of its own, on one CPU."""
    def run(mutant):
        kernel = built_directory("build", "6.12", "--patch", f"tests/mutants/{mutant.id}.patch")
        return run_check(kernel, tmp_path_factory.mktemp(mutant.id), mutant.command(),
                         vm=(*mutant.vm(), "--allow-splat"))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {mutant.id: pool.submit(run, mutant) for mutant in MUTANTS + OPEN}
        yield {name: future.result for name, future in waiting.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_mutant_is_caught(mutant, runs, caught):
    """By a rule that it should, whatever the broken kernel itself says."""
    checked = runs[mutant.id]()
    wanted = mutant.rules.split(",")
    right = [one for one in checked.violations if one["rule"] in wanted]
    assert (checked.verdict, checked.status) == ("FAIL", 1), checked.summary["why"]
    assert right, f"{checked.rules} fired, but none of {wanted}"
    first = right[0]
    also = [rule for rule in checked.rules if rule != first["rule"]]
    caught.append((mutant.id, first["rule"], f"{first['ring']}:{first['seq']}", sum(checked.records.values()),
                   " ".join(also) or "-", mutant.description))


@pytest.mark.parametrize("mutant", OPEN, ids=lambda mutant: mutant.id)
def test_open_mutant_is_still_missed(mutant, runs, caught):
    """If this fails, there is reason to be glad, and a line of open.tsv to move to mutants.tsv."""
    checked = runs[mutant.id]()
    assert (checked.verdict, checked.rules) == ("PASS", [])
    caught.append((mutant.id, "NOT CAUGHT", "-", sum(checked.records.values()), "see open.tsv", mutant.description))


@pytest.fixture(scope="module")
def unmodified(traced_kernel, built, tmp_path_factory):
    """{program: Checked} of all workloads of the table, on the kernel without a bug."""
    results = {}
    for vm in {mutant.vm() for mutant in MUTANTS}:
        here = [mutant for mutant in MUTANTS if mutant.vm() == vm and mutant.program != FINDING]
        cases = {mutant.id: check_command(mutant.id, mutant.command()) for mutant in here}
        done = run_batch(traced_kernel, tmp_path_factory.mktemp("unmodified"), cases, *vm)
        results.update({mutant.program: read_check(done[mutant.id], mutant.id) for mutant in here})
    return results


@pytest.mark.parametrize("program", sorted({mutant.program for mutant in MUTANTS} - {FINDING}))
def test_without_the_bug_it_passes(program, unmodified):
    assert_pass(unmodified[program])
    assert "# unexpected" not in unmodified[program].out


def test_bugs_are_where_they_say(traced_kernel):
    """patch(1) could have put one into a function that looks alike."""
    source = (traced_kernel / "vmlinux").resolve().parent / "source"
    done = subprocess.run([REPO / "tests/mutants/check", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(mutant.id for mutant in MUTANTS + OPEN) == sorted(path.stem for path in (REPO / "tests/mutants").glob("*.patch"))


