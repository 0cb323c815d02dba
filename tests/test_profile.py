# SPDX-License-Identifier: GPL-2.0-only
"""profile counts exactly what was done, all times add up, and what it writes others can read.

On a stock kernel with a real IOMMU (VT-d, as QEMU has it), and on a traced one with the mock.
"""

import collections
import json
import re
import subprocess

import jsonschema
import pytest
from conftest import REPO
from live import MOCK, run_batch

PAGE, MIB = 4096, 1 << 20
PINS = f"$W/pins {MIB} 5 fragmented contiguous runs3 memfd 4k"
BACKGROUND = """mkfifo /tmp/in.$$
$W/hold churn 50 </tmp/in.$$ >/tmp/{0}.facts & holder=$!
exec 7>/tmp/in.$$
until [ -s /tmp/{0}.facts ]; do sleep 0.1; done
cp /tmp/{0}.facts $OUT
"""
END = "\nstatus=$?; exec 7>&-; wait $holder || exit 98; exit $status"

STOCK = {
    "pins": f"$I profile -f json -o $OUT/pins.json -- {PINS}",
    "late": f"$I profile -f json -o $OUT/late.json -- sh -c '$W/pins --late {64 * PAGE} 1 4k; exit 7'",
    "huge": f"$I profile -f json -o $OUT/huge.json -- $W/pins {4 * MIB} 3 hugetlb thp",
    "text": f"$I profile -- {PINS}",
    "pprof": f"$I profile -f pprof -o $OUT/pprof.pb -- {PINS}",
    "folded": f"$I profile -f folded -- {PINS}",
    "compare": "$I profile --compare $OUT/huge.json $OUT/pins.json && $I profile --compare $OUT/pins.json $OUT/pins.json",
    "one_of_two": BACKGROUND.format("one_of_two") + "$I profile -f json -- $W/hold many 100 </dev/null | tail -n 1" + END,
    "by_pid": BACKGROUND.format("by_pid") +
              "export holder; script -qc '$I profile -f json -o $OUT/by_pid.json -d 1.8 -p $holder' /dev/null" + END,
    "everybody": BACKGROUND.format("everybody") + "$I profile -f json -d 0.5" + END,
    "unprivileged": "setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all $I profile -d 1",
    "full": "$I profile --compare $OUT/pins.json $OUT/pins.json >/dev/full",
}
TRACED = {
    "mock": "$I profile -f json -o $OUT/mock.json -- $W/mock access_two access_twice copy_pieces dirty_bits",
    # it is stopped for all of the life of the program that is measured
    "too_quick": "$I profile -f json -o $OUT/too_quick.json -- sh -c 'kill -STOP $PPID; $W/mock access_two; kill -CONT $PPID'",
    "steps": "$I profile -f json -o $OUT/steps.json -- sh -c 'exec $W/mock $($W/mock --list | cut -d\" \" -f1)'",
}


@pytest.fixture(scope="module")
def stock(stock_kernel, built, tmp_path_factory):
    return run_batch(stock_kernel, tmp_path_factory.mktemp("stock"), STOCK, leftovers=True)


@pytest.fixture(scope="module")
def traced(traced_kernel, built, tmp_path_factory):
    return run_batch(traced_kernel, tmp_path_factory.mktemp("traced"), TRACED, *MOCK, leftovers=True)


@pytest.fixture(scope="module")
def schema(built):
    text = json.loads(subprocess.run([built, "schema"], capture_output=True, text=True, check=True).stdout)
    return jsonschema.Draft202012Validator(text)


def profile(cases, name):
    assert cases[name].status == 0, cases[name].err
    path = cases[name].directory / f"{name}.json"
    return json.loads(path.read_text() if path.exists() else cases[name].out)


def facts(cases, name):
    """What the workload says that it has done."""
    return [json.loads(line) for line in cases[name].out.splitlines() if line.startswith("{")]


def by_phase(one):
    return {row["phase"]: row for row in one["phases"]}


# --- exactly what was done ---------------------------------------------------

def test_counts_are_exact(stock):
    one, done = profile(stock, "pins"), facts(stock, "pins")
    phase = by_phase(one)
    maps = sum(row["rounds"] for row in done)
    pages = sum(row["rounds"] * row["pages"] for row in done)
    runs = sum(row["rounds"] * row["runs"] for row in done)
    assert [row["kind"] for row in done] == ["fragmented", "contiguous", "runs3", "memfd", "4k"]
    for name in ("map", "unmap"):
        assert (phase[name]["calls"], phase[name]["errors"]) == (maps, 0)
        assert (phase[name]["bytes"], phase[name]["pages"]) == (pages * PAGE, pages)
    assert phase["domain_map"]["runs"] == runs
    assert {name: phase[name]["pages"] for name in ("pin_fast", "domain_map", "domain_unmap", "readback", "unpin")} \
        == dict.fromkeys(("pin_fast", "domain_map", "domain_unmap", "readback", "unpin"), pages)
    assert phase["account"]["pages"] == 2 * pages
    assert phase["iotlb_sync"]["calls"] == phase["domain_unmap"]["calls"] >= maps
    assert phase["attach"]["calls"] == phase["replay"]["calls"] == 1
    assert "pin_slow" not in phase and "fault" not in phase
    assert one["absent"] == [] and set(one["lost"].values()) == {0}


def test_run_lengths(stock):
    memory, done = profile(stock, "pins")["memory"], facts(stock, "pins")
    assert sum(row["runs"] for row in memory["runs"]) == sum(row["rounds"] * row["runs"] for row in done)
    assert sum(row["pages"] for row in memory["runs"]) == sum(row["rounds"] * row["pages"] for row in done)
    runs = {row["from_pages"]: row for row in memory["runs"]}
    assert runs[256]["pages"] >= 5 * 256, "one contiguous run of a MiB, five times"
    assert runs[1]["runs"] >= 5 * 256 and runs[1]["runs"] == runs[1]["pages"]
    assert sum(row["calls"] for row in memory["pins"]) == by_phase(profile(stock, "pins"))["pin_fast"]["calls"]


def test_huge_pages(stock):
    """Both kinds are whole 2 MiB pages, and mapped where the IOMMU can use these."""
    one = profile(stock, "huge")
    done = [row for row in facts(stock, "huge") if "skip" not in row]
    pages = sum(row["rounds"] * row["pages"] for row in done)
    assert done and one["memory"]["huge_pages"] == one["memory"]["huge_mapped_pages"] == pages
    assert {row["from_pages"] >= 512 for row in one["memory"]["runs"]} == {True}


def test_faults_of_pins(stock):
    phase = by_phase(profile(stock, "late"))
    assert phase["fault"]["calls"] == phase["pin_slow"]["pages"] == 64 and "pin_fast" not in phase
    assert phase["fault"]["ns"] < phase["pin_slow"]["ns"] and phase["pin_slow"]["self_ns"] < phase["pin_slow"]["ns"]


def test_who(stock):
    one = profile(stock, "pins")
    (process,), (ioas,), (device,) = one["processes"], one["ioases"], one["devices"]
    assert process["comm"] == ioas["comm"] == "pins" and process["tgid"] == ioas["tgid"] == device["tgid"]
    assert ioas["ioas"] > 0 and device["name"].startswith("0000:") and device["device"] != ioas["ioas"]
    assert by_phase(ioas)["map"]["calls"] == by_phase(process)["map"]["calls"] == 25
    assert list(by_phase(device))[0] == "attach"


def test_only_who_is_asked_for(stock):
    assert by_phase(profile(stock, "one_of_two"))["map"]["calls"] == 100
    for name in ("by_pid", "everybody"):
        one = profile(stock, name)
        known = json.loads((stock[name].directory / f"{name}.facts").read_text())
        assert known["pid"] in [row["tgid"] for row in one["processes"]]
        assert by_phase(one)["map"]["calls"] > 0 and one["duration_ns"] >= 0.5e9
    assert len(profile(stock, "by_pid")["processes"]) == 1


def test_accesses(traced):
    phase = by_phase(profile(traced, "mock"))
    assert phase["access_pin"]["calls"] - phase["access_pin"]["errors"] > 0
    assert phase["access_pin"]["pages"] >= phase["access_unpin"]["pages"] > 0 and phase["copy"]["pages"] > 0


# --- times -------------------------------------------------------------------

@pytest.mark.parametrize("kernel,name", [("stock", "pins"), ("stock", "late"), ("traced", "mock"), ("traced", "steps")])
def test_times_add_up(request, kernel, name):
    """The phases of an operation and the rest are all of it; every call is in a histogram and in one stack."""
    one = profile(request.getfixturevalue(kernel), name)
    for operation in one["operations"]:
        whole = [row for row in operation["phases"] if row["phase"] == operation["operation"]]
        assert sum(row["self_ns"] for row in operation["phases"]) == whole[0]["ns"]
    for row in one["phases"]:
        assert sum(bucket["calls"] for bucket in row["latencies"]) == row["calls"]
        assert row["p50_ns"] <= row["p90_ns"] <= row["p99_ns"] <= row["max_ns"]
        assert row["self_ns"] <= row["ns"]
    for key in ("calls", "ns", "self_ns", "pages", "bytes", "runs"):
        sums = collections.Counter()
        for row in one["stacks"]:
            sums[row["phase"]] += row[key]
        assert {row["phase"]: row[key] for row in one["phases"]} == sums
    assert {key for key, value in one["lost"].items() if value} <= {"stacks"}


def test_the_slowest(stock):
    one = profile(stock, "pins")
    slowest = one["slowest"]
    assert len(slowest) == 16 and [row["ns"] for row in slowest] == sorted((row["ns"] for row in slowest), reverse=True)
    for row in slowest:
        assert sum(part["self_ns"] for part in row["phases"]) == row["ns"]
        assert "iommufd_fops_ioctl" in row["frames"] or row["operation"] in ("attach", "detach", "release")
    assert any(row["operation"] == "map" for row in slowest)


# --- what others read --------------------------------------------------------

def test_stacks_have_names(stock):
    frames = next(row["frames"] for row in profile(stock, "pins")["stacks"]
                  if row["operation"] == row["phase"] == "map")
    assert "map_and_unmap" in frames and frames[-1] == "iommufd_fops_ioctl"
    assert frames.index("map_and_unmap") < frames.index("iommufd_fops_ioctl")


def test_names_of_who_has_ended(traced):
    stacks = profile(traced, "too_quick")["stacks"]
    assert {"access_pin", "run_program"} <= {frame for stack in stacks for frame in stack["frames"]}, stacks


def test_fits_the_schema(stock, traced, schema):
    for cases, name in ((stock, "pins"), (stock, "late"), (stock, "everybody"), (traced, "mock")):
        one = profile(cases, name)
        assert [error.message[:300] for error in schema.iter_errors(one)] == []
    assert not schema.is_valid({**one, "more": 1})
    assert not schema.is_valid({key: value for key, value in one.items() if key != "stacks"})


def folded(cases, name):
    assert cases[name].status == 0, cases[name].err
    lines = [line for line in cases[name].out.splitlines() if ";[" in line]
    return {stack: int(weight) for stack, _, weight in (line.rpartition(" ") for line in lines)}


def test_folded(stock):
    stacks = folded(stock, "folded")
    assert {stack.split(";")[0] for stack in stacks} == {"pins"}
    assert any(stack.endswith(";iommufd_fops_ioctl;[map];[domain map]") for stack in stacks)
    assert all(" " not in frame or frame.startswith("[") for stack in stacks for frame in stack.split(";"))


PROTO = """
syntax = "proto3"; package pprof;
message Profile {
  repeated ValueType sample_type = 1; repeated Sample sample = 2; repeated Location location = 4;
  repeated Function function = 5; repeated string string_table = 6; int64 duration_nanos = 10;
}
message ValueType { int64 type = 1; int64 unit = 2; }
message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; repeated Label label = 3; }
message Label { int64 key = 1; int64 str = 2; int64 num = 3; }
message Location { uint64 id = 1; uint64 address = 3; repeated Line line = 4; }
message Line { uint64 function_id = 1; int64 line = 2; }
message Function { uint64 id = 1; int64 name = 2; }
"""


def test_pprof(stock, tmp_path, monkeypatch):
    """By an independent definition: pprof's own, as far as it is used."""
    assert stock["pprof"].status == 0, stock["pprof"].err
    (tmp_path / "pprof_of_test.proto").write_text(PROTO)
    subprocess.run(["protoc", f"--python_out={tmp_path}", f"-I{tmp_path}", "pprof_of_test.proto"], check=True)
    monkeypatch.syspath_prepend(tmp_path)
    import pprof_of_test_pb2    # pylint: disable=import-outside-toplevel,import-error
    found = pprof_of_test_pb2.Profile.FromString((stock["pprof"].directory / "pprof.pb").read_bytes())
    names = list(found.string_table)
    functions = {function.id: names[function.name] for function in found.function}
    locations = {place.id: functions[place.line[0].function_id] for place in found.location}
    assert names[0] == "" and len(set(names)) == len(names) and len(locations) == len(found.location)
    assert [(names[kind.type], names[kind.unit]) for kind in found.sample_type] \
        == [("calls", "count"), ("mapped", "bytes"), ("time", "nanoseconds")]
    stacks = {tuple(locations[place] for place in sample.location_id): sample.value for sample in found.sample}
    assert any(stack[:3] == ("[domain map]", "[map]", "iommufd_fops_ioctl") for stack in stacks)
    maps = [value for stack, value in stacks.items() if stack[0] == "[map]"]
    assert sum(value[0] for value in maps) == 25
    assert sum(value[1] for value in maps) == sum(row["rounds"] * row["pages"] * PAGE for row in facts(stock, "pprof"))
    labels = {names[label.key]: names[label.str] or label.num for label in found.sample[0].label}
    assert labels["comm"] == "pins" and labels["tgid"] > 1


def test_text(stock):
    assert stock["text"].status == 0, stock["text"].err
    text = stock["text"].out
    for line in ("OPERATION", "PHASE", "map: 25 calls", "latency of map", "MEMORY that went into domains",
                 "  4 KiB to 64 KiB", "PINS by pages per call", "PROCESS", "IOAS", "DEVICE", "WHO ASKED", "THE SLOWEST"):
        assert f"\n{line}" in text
    assert "not kept" not in text and "not measured" not in text


def test_compare(stock):
    assert stock["compare"].status == 0, stock["compare"].err
    first, _, second = stock["compare"].out.partition("\nPHASE")
    assert "\nmap " in first and "memory: 100.0% in 2 MiB pages" in first
    assert "% *" not in second.replace("* is more", ""), "nothing changed against itself"


# --- errors, and the end -----------------------------------------------------

def test_progress_is_for_terminals(stock):
    drawn = (stock["by_pid"].directory / "by_pid.stdout").read_bytes()
    assert re.match(rb"the kernel reads our programs\r +\r", drawn)
    assert re.search(rb"\r\[#+ *\] +1\.\d of 1\.8 s\r", drawn) and drawn.endswith(b" \r")
    assert stock["text"].err == ""


def test_command(stock):
    command = profile(stock, "late")["command"]
    assert command["argv"][:2] == ["sh", "-c"] and (command["signaled"], command["code"]) == (False, 7)


def test_errors_are_one_line(stock):
    assert (stock["unprivileged"].status, stock["unprivileged"].err) == \
        (2, "iommuscope: CAP_BPF and CAP_PERFMON are missing; run as root, or see 'iommuscope doctor' for what it takes\n")
    assert (stock["full"].status, stock["full"].err) == \
        (2, "iommuscope: cannot write to standard output: No space left on device\n")


@pytest.mark.parametrize("arguments,said", [
    (["--compare", "/nonexistent", "x"], "cannot read /nonexistent: No such file or directory"),
    (["--compare", "README.md", "x"], "cannot read README.md: it is no JSON"),
    (["--compare", "x"], "--compare takes two profiles, A.json B.json, and prints text"),
    (["x"], "unexpected 'x'; a command to run stands behind '--', see 'iommuscope help profile'"),
    (["-f", "xml"], "--format: 'xml' is not one of text|json|folded|pprof"),
])
def test_asked_wrongly(built, arguments, said):
    done = subprocess.run([built, "profile", *arguments], cwd=REPO, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"iommuscope: {said}\n")


def test_nothing_is_left(stock, traced):
    assert {name: one.left for cases in (stock, traced) for name, one in cases.items() if one.left} == {}
