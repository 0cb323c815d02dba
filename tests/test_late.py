# SPDX-License-Identifier: GPL-2.0-only
"""Attached late: contexts that were open before are known from a snapshot, judged from there on, and rightly so."""

import json
import re
import subprocess

import pytest
from conftest import built_directory
from live import MOCK, read_check, run_batch, watching, what_it_said

SEEDS = [11, 12, 13]
HOLD = """\
mkfifo /tmp/in.$$
$W/hold mock </tmp/in.$$ >/tmp/facts.$$ & holder=$!
exec 7>/tmp/in.$$
until [ -s /tmp/facts.$$ ]; do kill -0 $holder || exit 99; sleep 0.1; done
"""


def in_a_storm(name, seed, command):
    """In the middle of it: a second after its start, and not until its end."""
    return (f"$W/storm --seconds 300 --seed {seed} >/dev/null 2>&1 & storm=$!\nsleep {1 + seed % 3}\n"
            f"$I {command}; status=$?\nkill $storm; wait $storm; exit $status")


def held_and_let_go(command):
    """The ctx lives on, and ends while it is watched."""
    return (f"{HOLD}{watching(command + ' 7>&-')}sleep 3; exec 7>&-; wait $holder\n"
            f"sleep 1; kill -TERM $collector; wait $collector; status=$?; {what_it_said()}; exit $status")


def check(name, options="-d 20"):
    return f"check -v -f json -o $OUT/{name}.json {options}"


# A stopped collector reads nothing: some of the storm is lost for certain, and afterwards all comes again.
LOSS = """\
$W/storm --seconds 300 --seed 21 >/dev/null 2>&1 & storm=$!
sleep 1
""" + watching("check -f json -o $OUT/loss.json --rings 1 --ring-size 1M", "check") + f"""\
sleep 8; kill -STOP $check; sleep 6; kill -CONT $check; sleep 15
kill -TERM $check; wait $check; status=$?; {what_it_said("check")}
kill $storm; wait $storm; exit $status"""

STORMS = {f"storm_{seed}": in_a_storm(f"storm_{seed}", seed, check(f"storm_{seed}")) for seed in SEEDS}
STORMS["record"] = in_a_storm("record", 14, "record -o $OUT/storm.rec -d 15") + "\n"
QUIET = {
    "hold": held_and_let_go(check("hold", "")),
    "trace": HOLD + "$I trace -f json -o $OUT/trace.json -d 3",
    "other_pid": HOLD + f"$I {check('other_pid', '-d 3 --pid 1')}",
    "pid": HOLD + f"$I {check('pid', '-d 3')} --pid $holder",
    "comm": HOLD + f"$I {check('comm', '-d 3 --comm hold')}",
    "cgroup": "mkdir /sys/fs/cgroup/held; echo $$ >/sys/fs/cgroup/held/cgroup.procs\n" + HOLD
              + f"$I {check('cgroup', '-d 3 --cgroup /sys/fs/cgroup/held')}",
    "command": HOLD + f"$I {check('command', '')} -- $W/mock unmap_len",
    "by_ioas": HOLD + "$I trace -f json -o $OUT/by_ioas.json -d 3 --ioas 2",
    "by_no_ioas": HOLD + "$I trace -f json -o $OUT/by_no_ioas.json -d 3 --ioas 99",
}


@pytest.fixture(scope="module", params=["traced", "own"])
def quiet(request, built, tmp_path_factory):
    kernel = request.getfixturevalue(f"{request.param}_kernel")
    return run_batch(kernel, tmp_path_factory.mktemp("quiet"), QUIET, *MOCK)


@pytest.fixture(scope="module")
def storms(traced_kernel, built, tmp_path_factory):
    return run_batch(traced_kernel, tmp_path_factory.mktemp("storms"), STORMS, *MOCK)


def told(lines):
    """The contexts of which a snapshot was told."""
    return {one["ctx"] for one in lines if one.get("kind") == "snapshot" and one["action"] == "end"}


def lines_of(result, name):
    return [json.loads(line) for line in (result.directory / f"{name}.json").read_text().splitlines()]


# --- one that rests ------------------------------------------------------------

def test_from_snapshot_to_its_end(quiet):
    """What was mapped and pinned before goes while we look: every rule agrees."""
    checked = read_check(quiet["hold"], "hold")
    assert checked.violations == [] and (checked.verdict, checked.status) == ("PASS", 0), checked.summary["why"]
    contexts = checked.summary["contexts"]
    assert (contexts["seen"], contexts["given_up"], contexts["inconsistent_records"]) == (1, 0, 0)
    assert checked.records["unpin"] > 0 and checked.records["dma_unmap"] > 0
    assert checked.records["ctx"] == 3, "opened, as the snapshot tells; released; freed"


def test_what_is_told(quiet):
    lines = lines_of(quiet["trace"], "trace")[:-1]
    (ctx,) = told(lines)
    assert [one["action"] for one in lines if one["kind"] == "snapshot"][-2:] == ["begin", "end"]
    begin = max(i for i, one in enumerate(lines) if one["kind"] == "snapshot" and one["action"] == "begin")
    story = lines[begin + 1:-1]
    assert {one["ctx"] for one in story} == {ctx}
    assert story[0]["kind"] == "ctx" and story[0]["comm"] == "hold"
    assert sum(one["got"] for one in story if one["kind"] == "pin") == 24
    assert sorted(one["iova"] for one in story if one["kind"] == "dma_map") == [0x1000000, 0x1100000]
    assert sorted(one["iova"] for one in story if one["kind"] == "area" and one["action"] == "ready") == [
        0x1000000, 0x1100000, 0x2000000]
    assert [one["name"] for one in story if one["kind"] == "device"] == ["iommufd_mock0"] * 2
    assert all(run[0] >> 63 for one in story if "runs" in one for run in one["runs"]), "nobody knows these addresses"


@pytest.mark.parametrize("name, seen", [("pid", 1), ("comm", 1), ("cgroup", 1), ("other_pid", 0)])
def test_filters_choose_among_those_that_are_open(quiet, name, seen):
    assert read_check(quiet[name], name).summary["contexts"]["seen"] == seen


def test_objects_choose_among_those_that_are_open(quiet):
    assert len(told(lines_of(quiet["by_ioas"], "by_ioas"))) == 1
    assert told(lines_of(quiet["by_no_ioas"], "by_no_ioas")) == set()


def test_a_command_has_no_past(quiet):
    checked = read_check(quiet["command"], "command")
    assert (checked.verdict, checked.summary["contexts"]["seen"]) == ("PASS", 1)
    assert "snapshot" not in checked.records


# --- in the middle of a storm --------------------------------------------------

def assert_late(checked):
    """Nothing was wrong, and contexts of before were followed."""
    assert checked.violations == [], checked.violations[0]
    assert checked.summary["contexts"]["inconsistent_records"] == 0, checked.summary["why"]
    assert checked.records["snapshot"] >= 4 * 6, "marks, begins and ends of those that were there"
    # one that never rests is not judged; then the verdict says so, and nothing else is wrong
    assert checked.verdict == "PASS" or "never rested" in checked.summary["why"], checked.summary["why"]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_false_alarm_in_a_storm(storms, seed):
    assert_late(read_check(storms[f"storm_{seed}"], f"storm_{seed}"))


def test_no_false_alarm_in_a_storm_of_our_own(own_kernel, built, tmp_path):
    """Its structures are others, what is told of them is the same."""
    results = run_batch(own_kernel, tmp_path, {"own": in_a_storm("own", 15, check("own"))}, *MOCK)
    assert_late(read_check(results["own"], "own"))


def test_a_recording_has_the_snapshots(storms, built):
    path = storms["record"].directory / "storm.rec"
    done = subprocess.run([built, "replay", path, "-f", "json"], capture_output=True, text=True, check=False)
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["violations"] == {} and summary["contexts"]["inconsistent_records"] == 0
    assert summary["records"]["snapshot"] > 0 and summary["contexts"]["seen"] > 5
    assert re.search(r"^iommuscope: \d+ records in ", storms["record"].err, re.M)


def test_a_bug_of_before_is_caught(built, tmp_path):
    """O06: the kernel forgets the second domain when it unmaps; the storm was at it long before we came."""
    kernel = built_directory("build", "6.12", "--patch", "tests/mutants/O06.patch")
    name = "mutant"
    results = run_batch(kernel, tmp_path, {name: in_a_storm(name, 3, check(name, "-d 30"))}, *MOCK, "--allow-splat")
    checked = read_check(results[name], name)
    assert (checked.verdict, checked.status) == ("FAIL", 1)
    assert {"UNPIN-AFTER-UNMAP", "SWEEP", "MIR-STRAY"} & set(checked.rules)


def test_known_again_after_a_loss(traced_kernel, built, tmp_path):
    """A verdict is gone, but not the contexts: those that were hit are read again and followed."""
    results = run_batch(traced_kernel, tmp_path, {"loss": LOSS}, *MOCK)
    checked = read_check(results["loss"], "loss")
    assert checked.violations == [] and checked.verdict == "INCONCLUSIVE"
    assert checked.summary["lost"]["ring"] > 0 and checked.summary["contexts"]["given_up"] > 0
    lines = lines_of(results["loss"], "loss")
    assert lines[-1]["records"]["snapshot"] > 0
