# SPDX-License-Identifier: GPL-2.0-only
"""Known bugs, planted one at a time: check catches each, and says nothing without it."""

import concurrent.futures
import dataclasses
import functools
import json
import os
import pathlib
import subprocess

import pytest
from conftest import REPO, built_directory
from live import assert_pass, check_command, read_check, run_batch, run_check

TITLE = """mutants: which rule caught them, and when
rule     that caught it, of those that should
record   that broke the rule, counted from the first one of the run / how many the run made
after    guest time from the first record of the workload to that one: when the bug had its effect
told     guest time from there until check had told (it looks every 20 ms; QEMU without KVM)
also     what else fired"""
HEADER = ("mutant", "rule", "record", "after", "told", "also", "what is broken")
# When check first tells of a rule, to 10 ms: the guest's clock is that of the records. A mutant breaks it thousands of
# times, and writers at once lose lines of a file of the host: the first one makes a file, and it stays.
TOLD = 'exec set -C; read now rest </proc/uptime; (echo $now >{told}.$IOMMUSCOPE_RULE) 2>/dev/null'

# Whose code the bugs are planted in, and where they are.
PLACES = {"traced": REPO / "tests/mutants", "own": REPO / "tests/mutants/own"}
# Upstream is wrong there already: test_finding.py.
FINDING = ("traced", "mock fail_nth_two_domains")


@dataclasses.dataclass
class Mutant:
    """A line of a mutants.tsv, and the flavour of the kernel that it is about."""
    flavour: str
    id: str
    severity: str
    rules: str
    program: str
    append: str
    description: str

    def kernel(self):
        patch = PLACES[self.flavour] / f"{self.id}.patch"
        return built_directory("build", "6.12", "--flavour", self.flavour, "--patch", patch.relative_to(REPO))

    def command(self):
        name, *steps = self.program.split()
        return " ".join((f"$W/{name}", "--keep-going", *steps))

    def vm(self):
        return () if self.append == "-" else ("--append", self.append)


@dataclasses.dataclass
class Run:
    """What check said of a mutant, and when."""
    checked: object
    directory: pathlib.Path

    @functools.cached_property
    def lines(self):
        """The records, as trace prints them."""
        done = subprocess.run([REPO / "build/iommuscope", "replay", self.directory / "run.rec", "trace", "-f", "json"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def told(self, rule):
        """Seconds of the guest's clock."""
        return float((self.directory / f"told.{rule}").read_text())

    def times(self, violation):
        """The cells "record", "after" and "told"."""
        where = [(one.get("ring"), one.get("seq")) for one in self.lines[:-1] if one["kind"] != "loss"]
        at = violation["ktime_ns"] / 1e9
        number = where.index((violation["ring"], violation["seq"])) + 1
        return (f"{number}/{len(where)}", f"{at - self.lines[0]['ktime_ns'] / 1e9:.3f} s",
                f"{max(0, self.told(violation['rule']) - at):.2f} s")


def rows(directory):
    lines = (directory / "mutants.tsv").read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


MUTANTS = [Mutant(flavour, *row) for flavour, directory in PLACES.items() for row in rows(directory)]
PROGRAMS = sorted({(mutant.flavour, mutant.program) for mutant in MUTANTS} - {FINDING})


@pytest.fixture(scope="module")
def runs(request, built, tmp_path_factory):
    """{id: function that gives what check said of that mutant}. Each has a kernel and a guest of its own, on one CPU."""
    selected = [item.callspec.params["mutant"] for item in request.session.items
                if item.path == request.path and "runs" in item.fixturenames]

    def run(mutant):
        directory = tmp_path_factory.mktemp(mutant.id)
        options = ("--record", directory / "run.rec", "--on-violation", TOLD.format(told=directory / "told"))
        vm = (*mutant.vm(), "--allow-splat")
        return Run(run_check(mutant.kernel(), directory, mutant.command(), *options, vm=vm), directory)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {mutant.id: pool.submit(run, mutant) for mutant in selected}
        yield {name: future.result for name, future in waiting.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_mutant_is_caught(mutant, runs, table):
    """By a rule that it should, whatever the broken kernel itself says."""
    run = runs[mutant.id]()
    checked = run.checked
    wanted = mutant.rules.split(",")
    right = [one for one in checked.violations if one["rule"] in wanted]
    assert (checked.verdict, checked.status) == ("FAIL", 1), checked.summary["why"]
    assert right, f"{checked.rules} fired, but none of {wanted}"
    first = right[0]
    also = [rule for rule in checked.rules if rule != first["rule"]]
    table(TITLE, HEADER, (mutant.id, first["rule"], *run.times(first), " ".join(also) or "-", mutant.description))


def run_unmodified(flavour, vm, directory):
    """{program: Checked} of the workloads of the table, on that kernel without a bug."""
    here = {mutant.program: mutant for mutant in MUTANTS
            if (mutant.flavour, mutant.vm()) == (flavour, vm) and (flavour, mutant.program) != FINDING}
    kernel = built_directory("build", "6.12", "--flavour", flavour)
    done = run_batch(kernel, directory, {one.id: check_command(one.id, one.command()) for one in here.values()}, *vm)
    return {(flavour, program): read_check(done[one.id], one.id) for program, one in here.items()}


@pytest.fixture(scope="module")
def unmodified(built, tmp_path_factory):
    """{(flavour, program): Checked}"""
    results = {}
    for flavour, vm in sorted({(mutant.flavour, mutant.vm()) for mutant in MUTANTS}):
        results.update(run_unmodified(flavour, vm, tmp_path_factory.mktemp("unmodified")))
    return results


@pytest.mark.parametrize("program", PROGRAMS, ids="-".join)
def test_without_the_bug_it_passes(program, unmodified):
    assert_pass(unmodified[program])
    assert "# unexpected" not in unmodified[program].out


def test_bugs_are_where_they_say(traced_kernel):
    """patch(1) could have put one into a function that looks alike."""
    source = (traced_kernel / "vmlinux").resolve().parent / "source"
    done = subprocess.run([REPO / "tests/mutants/check", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for flavour, directory in PLACES.items():
        listed = [mutant.id for mutant in MUTANTS if mutant.flavour == flavour]
        assert sorted(listed) == sorted(path.stem for path in directory.glob("*.patch"))


