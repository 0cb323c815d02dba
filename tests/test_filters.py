# SPDX-License-Identifier: GPL-2.0-only
"""Filters choose whole contexts in the kernel: everything of the one that is wanted, nothing of another."""

import collections
import json

import pytest
from live import MOCK, run_batch, watching, what_it_said

STEP = "two_hwpt_map_unmap"
# The same program under two names; each run opens one ctx.
TWINS = "cp $W/mock /tmp/wanted; cp $W/mock /tmp/other; cd /tmp\n"
BOTH = f"sh -c './other {STEP}; ./wanted {STEP}; ./other {STEP}'"
GROUP = "/sys/fs/cgroup/wanted"
CGROUP = f"""sh -c './other {STEP}; echo $$ >{GROUP}/below/cgroup.procs; ./wanted {STEP}
echo $$ >/sys/fs/cgroup/cgroup.procs; ./other {STEP}'"""
# Both wait for a word before they start, so that their numbers are known; `unasked` runs all the time.
PID = f"""
hold() {{ mkfifo go.$1; sh -c "read go; exec ./$1 {STEP}" <go.$1 >/dev/null & }}
hold other; other=$!; exec 8>go.other
hold wanted; wanted=$!; exec 9>go.wanted
{watching("TRACE -p $wanted")}\
echo go >&8; wait $other
echo go >&9; wait $wanted
kill -TERM $collector; wait $collector; status=$?; {what_it_said()}; exit $status"""


def tracing(name, options, command):
    return f"exec $I trace -f json -o $OUT/{name}.json {options} -- {command}"


MOCK_CASES = {
    "all": TWINS + tracing("all", "", BOTH),
    "comm": TWINS + tracing("comm", "--comm wanted", BOTH),
    "comm_prefix": TWINS + tracing("comm_prefix", "--comm want", BOTH),
    "comm_check": TWINS + f"exec $I check -f json -o $OUT/comm_check.json --comm wanted -- {BOTH}",
    "cgroup": TWINS + f"mkdir -p {GROUP}/below\n" + tracing("cgroup", f"--cgroup {GROUP}", CGROUP),
    "cgroup_check": TWINS + f"exec $I check -f json -o $OUT/cgroup_check.json --cgroup {GROUP} -- {CGROUP}",
    "pid": TWINS + PID.replace("TRACE", "trace -f json -o $OUT/pid.json"),
    "pid_check": TWINS + "rm -f go.*" + PID.replace("TRACE", "check -f json -o $OUT/pid_check.json"),
    "kinds": TWINS + tracing("kinds", "--kinds dma_map,unpin", f"./wanted {STEP}"),
    "iova": TWINS + tracing("iova", "--iova 0x1000000+4K", f"./wanted {STEP}"),
    # access_moves is the step with a second IOAS; it becomes object 2
    "ioas": tracing("ioas", "--ioas 2", "$W/mock unmap_len access_moves aperture_edge"),
    "ioas_none": tracing("ioas_none", "--ioas 4242", "$W/mock unmap_len access_moves aperture_edge"),
}
# hw_info binds edu, second_device binds edu and then nvme
VFIO_CASES = {name: tracing(name, f"--device {device}", "$W/vfio_dma hw_info second_device")
              for name, device in (("edu", "0000:00:01.0"), ("nvme", "0000:00:02.0"), ("no_device", "0000:00:01.1"))}


@pytest.fixture(scope="module")
def lines(traced_kernel, built, tmp_path_factory):
    """{case: its JSON lines}"""
    results = run_batch(traced_kernel, tmp_path_factory.mktemp("mock"), MOCK_CASES, *MOCK)
    results.update(run_batch(traced_kernel, tmp_path_factory.mktemp("vfio"), VFIO_CASES))
    assert {name: result.err for name, result in results.items() if result.status} == {}
    return {name: [json.loads(line) for line in (result.directory / f"{name}.json").read_text().splitlines()]
            for name, result in results.items()}


def records(lines):
    return [one for one in lines if one["type"] == "record"]


def openers(lines):
    """The names of those who opened a ctx, in order."""
    return [one["comm"] for one in records(lines) if one["kind"] == "ctx" and one["action"] == "open"]


def freed(lines):
    return sum(1 for one in records(lines) if one["kind"] == "ctx" and one["action"] == "freed")


def kinds(lines):
    return collections.Counter(one["kind"] for one in records(lines))


def test_without_filter_all_is_there(lines):
    assert openers(lines["all"]) == ["other", "wanted", "other"]


@pytest.mark.parametrize("name", ["comm", "cgroup", "pid"])
def test_who_opens_it(lines, name):
    """One ctx of three, or two, and that one from its birth to its end."""
    found, everything = records(lines[name]), records(lines["all"])
    assert openers(lines[name]) == ["wanted"]
    assert (found[0]["kind"], found[0]["action"]) == ("ctx", "open")
    assert (found[-1]["kind"], found[-1]["action"]) == ("ctx", "freed")
    assert len({one["ctx"] for one in found}) == 1 and len({one["tgid"] for one in found}) == 1
    assert set(kinds(lines[name])) == set(kinds(lines["all"]))
    assert 0.3 < len(found) * 3 / len(everything) < 3, "a third of the three runs, more or less"


@pytest.mark.parametrize("name", ["comm_check", "cgroup_check", "pid_check"])
def test_check_judges_who_was_asked_for(lines, name):
    summary = lines[name][-1]
    assert summary["verdict"] == "PASS"
    assert summary["contexts"] == {"seen": 1, "given_up": 0, "foreign_records": 0, "inconsistent_records": 0}
    assert summary["records"]["ctx"] == 3


def test_names_are_compared_to_their_end(lines):
    assert records(lines["comm_prefix"]) == []


def test_kinds(lines):
    assert set(kinds(lines["kinds"])) == {"dma_map", "unpin"}
    assert lines["kinds"][-1]["records"]["ctx"] == 3, "they are counted, but not printed"


def span(one):
    """The IOVAs of a record, first and last."""
    start = one.get("iova", one.get("start"))
    if "runs" in one:
        return start, start + sum(size for _, size in one["runs"]) - 1
    if one["kind"] == "readback":
        return start, (start | 0xfff) + (one["npages"] - 1) * 0x1000
    return start, one["last"] if "last" in one else start + one.get("length", one.get("size")) - 1


def test_iova(lines):
    touched = [span(one) for one in records(lines["iova"]) if "iova" in one or "start" in one]
    assert {"dma_map", "dma_unmap", "area", "map"} <= set(kinds(lines["iova"]))
    assert touched and all(start <= 0x1000fff and last >= 0x1000000 for start, last in touched)
    assert len(touched) == len(records(lines["iova"])), "and no record without IOVAs"
    assert len(touched) < sum(lines["iova"][-1]["records"].values())


def test_ioas(lines):
    """From there on: its ctx was open already."""
    found = records(lines["ioas"])
    assert openers(lines["ioas"]) == [] and freed(lines["ioas"]) == 1
    assert (found[0]["kind"], found[0]["id"]) == ("ioas", 2)
    assert len({one["ctx"] for one in found}) == 1 and "access" in kinds(lines["ioas"])
    assert records(lines["ioas_none"]) == []


def test_device(lines):
    assert [freed(lines[name]) for name in ("edu", "nvme", "no_device")] == [2, 1, 0]
    assert {one["name"] for one in records(lines["nvme"]) if one["kind"] == "device"} == {"0000:00:01.0", "0000:00:02.0"}
    first = records(lines["nvme"])[0]
    assert (first["kind"], first["action"], first["name"]) == ("device", "bind", "0000:00:02.0")
    assert records(lines["no_device"]) == []
