# SPDX-License-Identifier: GPL-2.0-only
"""When records are lost, check knows: INCONCLUSIVE, never PASS and never FAIL; it says how many and of whom.

A ring overflows for certain while the collector is stopped: its command does that. With the default rings
nothing is lost, which test_selftest.py shows on the largest stream that there is.
"""

import collections
import itertools
import json

import pytest
from conftest import built_directory
from live import MOCK, all_steps, check_command, read_check, run_batch, run_check

# Little of each kind, and much of one kind, which two CPUs write into one ring.
QUIET = all_steps("mock", "fail_nth_two_domains")
LOUD = "$W/burst"

SIZES = [("1", "1M"), ("1", "4M"), ("2", "1M"), ("4", "2M"), ("8", "1M")]
WORK = {"quiet_then_loud": f"{QUIET} && {LOUD}", "loud": LOUD}
RUNS = {f"{name}-{rings}x{size}": (rings, size, work)
        for (rings, size), (name, work) in itertools.product(SIZES, WORK.items())}


def unread(work, before="true", after="true"):
    """A command that its tracer cannot watch."""
    return f"sh -c '{before}; kill -STOP $PPID; {work}; status=$?; kill -CONT $PPID; {after}; exit $status'"


@pytest.fixture(scope="module")
def runs(traced_kernel, built, tmp_path_factory):
    cases = {name: check_command(name, unread(work), "--rings", rings, "--ring-size", size)
             for name, (rings, size, work) in RUNS.items()}
    cases["text"] = f"exec $I check --rings 1 --ring-size 1M -- {unread(LOUD)}"
    cases["one_of_two"] = check_command("one_of_two", unread(LOUD, QUIET),
                                        "--rings", "1", "--ring-size", "4M")
    # When the ring is empty again, one more: what was lost lies between records that were not.
    cases["trace"] = ("exec $I trace -f json -o $OUT/trace.json --rings 1 --ring-size 1M -- "
                      + unread(LOUD, after="sleep 1; $W/mock aperture_edge"))
    return run_batch(traced_kernel, tmp_path_factory.mktemp("loss"), cases, *MOCK)


@pytest.mark.parametrize("name", RUNS)
def test_loss_is_neither_pass_nor_fail(runs, name):
    checked = read_check(runs[name], name)
    assert checked.summary["command"]["status"] == 0
    assert (checked.verdict, checked.status) == ("INCONCLUSIVE", 3)
    assert checked.violations == [] and checked.summary["violations"] == {}
    lost = checked.summary["lost"]
    assert lost["ring"] > 0 and lost["read"] == lost["table"] == 0
    assert f"{lost['ring']} records were lost" in checked.summary["why"]
    assert checked.summary["contexts"]["given_up"] > 0
    assert checked.err == f"iommuscope: {lost['ring']} records were lost; use larger rings (--ring-size)\n"


def test_text_says_how_much_and_where(runs):
    result = runs["text"]
    lines = [line for line in result.out.splitlines() if not line.startswith(("ok ", "1.."))]
    assert result.status == 3
    assert lines[0].startswith("INCONCLUSIVE: ") and lines[0].endswith("1 of 1 ctxs were not checked to the end")
    lost = lines[0].split()[1]
    assert lines[1].endswith(f", {lost} lost, ring {lost}")


def test_only_who_lost_is_given_up(runs):
    """Contexts that were gone before the ring overflowed have been checked to their end."""
    contexts = read_check(runs["one_of_two"], "one_of_two").summary["contexts"]
    assert contexts["given_up"] == 1 and contexts["seen"] > 10


def test_gaps_in_the_numbers_are_what_was_lost(runs):
    """Each record has a number of its ring, sent or not: the collector's own count against that of the losses."""
    assert runs["trace"].status == 0, runs["trace"].err
    lines = [json.loads(line) for line in (runs["trace"].directory / "trace.json").read_text().splitlines()]
    numbers, reported = collections.defaultdict(set), 0
    for one in lines[:-1]:
        if one["kind"] == "loss":
            reported += one["lost_ring"]
        else:
            numbers[one["ring"]].add(one["seq"])
    assert (lines[-2]["kind"], lines[-2]["action"]) == ("ctx", "freed"), "the last record was not lost"
    gaps = sum(max(seen) + 1 - len(seen) for seen in numbers.values())
    assert gaps == reported == lines[-1]["lost"]["ring"] > 0


def test_loss_hides_no_violation(built, tmp_path):
    """What was proven before the loss stays proven."""
    kernel = built_directory("build", "6.12", "--patch", "tests/mutants/O06.patch")
    command = unread(LOUD, "$W/mock --keep-going two_hwpt_map_unmap")
    checked = run_check(kernel, tmp_path, command, "--ring-size", "1M", vm=(*MOCK, "--allow-splat"))
    assert (checked.verdict, checked.status) == ("FAIL", 1)
    assert "SWEEP" in checked.rules and checked.summary["lost"]["ring"] > 0
