# SPDX-License-Identifier: GPL-2.0-only
"""Recordings: replayed without root they say what the live check said, and they survive what may happen to them."""

import fcntl
import functools
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree

import jsonschema
import pytest
from conftest import REPO, built_directory
from live import MOCK, run_batch
from recorded import story
from recording import read_recording

STEPS = "two_hwpt_map_unmap split_type1 access_middle"
MUTANTS = {"O06": "two_hwpt_map_unmap", "O12": "sub_page"}
LONG = "sh -c 'while :; do $W/mock two_hwpt_map_unmap; done'"

HEADER = ("ktime_ns", "seq", "tgid", "tid", "cpu", "ring")      # of a record, beside kind and ctx

# Until a recording has some frames.
WAIT_SIZE = "while [ $(stat -c %s {} 2>/dev/null || echo 0) -lt 20000 ]; do busybox usleep 100000; done"

CASES = {
    "json": f"exec $I check --record $OUT/json.rec -f json -o $OUT/json.txt -- $W/mock {STEPS}",
    "text": f"exec $I check --record $OUT/text.rec -o $OUT/text.txt -- $W/mock {STEPS}",
    "record": f"exec $I record -o $OUT/record.rec --perfetto $OUT/record.perfetto -- $W/mock {STEPS}",
    "failing_command": "exec $I check --record $OUT/failing_command.rec -o $OUT/failing_command.txt -- "
                       "sh -c '$W/mock two_hwpt_map_unmap; exit 7'",
    "exists": "echo precious >$OUT/exists.rec; exec $I record -o $OUT/exists.rec -- true",
    "no_name": "exec $I record -- true",
    "not_attached": "exec $I record -o $OUT/not_attached.rec -- /no/such/command",
    "killed": f"$I record -o /dev/shm/killed.rec -- {LONG} & {WAIT_SIZE.format('/dev/shm/killed.rec')}; "
              "kill -9 $!; wait $!; cp /dev/shm/killed.rec $OUT",
    "full": "mkdir -p /small && mount -t tmpfs -o size=64k none /small; "
            f"$I record -o /small/full.rec -- {LONG}; s=$?; cat /small/full.rec >$OUT/full.rec; exit $s",
    "lossy": "exec $I check --rings 1 --ring-size 1M --record $OUT/lossy.rec -f json -o $OUT/lossy.txt -- "
             "sh -c 'kill -STOP $PPID; $W/burst; kill -CONT $PPID'",
    # as it looks on a kernel without transparent huge pages
    "no_thp": "mount -t tmpfs none /sys/kernel/mm/transparent_hugepage; $I record -o $OUT/no_thp.rec -- $W/mock sub_page; "
              "umount /sys/kernel/mm/transparent_hugepage",
    "nothing": "exec $I check --record $OUT/nothing.rec -o $OUT/nothing.txt -- true",
    "schema_trace": f"exec $I trace -f json -o $OUT/schema_trace.txt -- $W/mock {STEPS}",
}


@pytest.fixture(scope="module")
def live(traced_kernel, built, tmp_path_factory):
    """{name: Result} of CASES, whose files are in .directory."""
    return run_batch(traced_kernel, tmp_path_factory.mktemp("record"), CASES, *MOCK)


@functools.cache
def mutant_run(name):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mutant."))
    kernel = built_directory("build", "6.12", "--patch", f"tests/mutants/{name}.patch")
    command = f"-- $W/mock --keep-going {MUTANTS[name]}"
    cases = {
        "live": f"exec $I check --record $OUT/live.rec -f json -o $OUT/live.txt {command}",
        "explain": f"exec $I check --record $OUT/explain.rec --explain -o $OUT/explain.txt {command}",
    }
    return run_batch(kernel, directory, cases, *MOCK, "--allow-splat")


@pytest.fixture(scope="module", params=sorted(MUTANTS))
def mutant(request, built):
    """A directory with live.rec and live.txt (JSON), explain.rec and explain.txt of a kernel with a bug."""
    results = mutant_run(request.param)
    assert {result.status for result in results.values()} == {1}, results["live"].err
    return results["live"].directory


@pytest.fixture(scope="module", autouse=True)
def clean_up():
    yield
    if mutant_run.cache_info().currsize:
        for name in MUTANTS:
            shutil.rmtree(mutant_run(name)["live"].directory, ignore_errors=True)


@pytest.fixture(scope="module")
def nobody(built):
    """nobody(recording, *words): replay as a user who may nothing, with no /dev at all."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="nobody."))
    directory.chmod(0o755)
    shutil.copy(built, directory / "iommuscope")

    def run(recording, *words):
        copy = directory / "recording"
        shutil.copy(recording, copy)
        copy.chmod(0o644)
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all",
                   "--no-new-privs", directory / "iommuscope", "replay", copy, *words]
        return subprocess.run(command, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, check=False)
    yield run
    shutil.rmtree(directory)


def replay(*words, **options):
    return subprocess.run([REPO / "build/iommuscope", "replay", *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False, **options)


def read(result, name):
    return (result.directory / name).read_text()


# --- the same as live -------------------------------------------------------

@pytest.mark.parametrize("name,words", [("json", ["check", "-f", "json"]), ("text", []), ("lossy", ["-f", "json"]),
                                        ("failing_command", []), ("nothing", ["check"])])
def test_replay_says_what_live_said(name, words, live, nobody):
    done = nobody(live[name].directory / f"{name}.rec", *words)
    assert done.stdout == read(live[name], f"{name}.txt")
    assert (done.stderr, done.returncode) == ("", live[name].status)


def test_the_cases_are_what_they_should_be(live):
    """Or the comparison would show nothing."""
    assert read(live["text"], "text.txt").startswith("PASS: ")
    assert read(live["failing_command"], "failing_command.txt").endswith(" sh exited with status 7\n")
    assert (live["nothing"].status, read(live["nothing"], "nothing.txt").split(":")[0]) == (3, "INCONCLUSIVE")
    summary = json.loads(read(live["lossy"], "lossy.txt").splitlines()[-1])
    assert sum(summary["lost"].values()) > 0 and summary["verdict"] == "INCONCLUSIVE"


def test_record_alone(live, nobody):
    match = re.search(r"(\d+) records in .*record.rec", live["record"].err)
    assert match and live["record"].status == 0
    done = nobody(live["record"].directory / "record.rec", "-f", "json")
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["verdict"], done.returncode) == ("PASS", 0)
    assert sum(summary["records"].values()) == int(match[1]) - 1, "the last one is IMS_END"
    assert (live["record"].directory / "record.rec").stat().st_mode & 0o777 == 0o600


def test_violations_are_the_same_byte_for_byte(mutant, nobody):
    first, second = (nobody(mutant / "live.rec", "check", "-f", "json") for _ in range(2))
    assert first.stdout == second.stdout == (mutant / "live.txt").read_text()
    assert first.stdout.count('"type":"violation"') > 0
    assert first.returncode == 1
    assert nobody(mutant / "explain.rec", "--explain").stdout == (mutant / "explain.txt").read_text()


@pytest.mark.parametrize("option", [["-f", "json"], ["-o", "x"]])
def test_info_has_one_form(built, option):
    done = replay("x", "info", *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "iommuscope: --format and --output are for check, trace and top, not info\n"


def test_info(live):
    done = replay(live["record"].directory / "record.rec", "info")
    assert re.search(r"^kernel +6\.12\.\d+", done.stdout, re.M)
    assert re.search(r"^command .*mock two_hwpt_map_unmap", done.stdout, re.M)
    assert re.search(r"^records +\d+, complete$", done.stdout, re.M)


def test_trace(live):
    done = replay(live["record"].directory / "record.rec", "trace", "-k", "map,unmap", "-f", "json")
    kinds = {one.get("kind") for one in map(json.loads, done.stdout.splitlines()[:-1])}
    assert kinds == {"map", "unmap"} and done.returncode == 0


# --- what may happen to it --------------------------------------------------

@pytest.mark.parametrize("name", ["killed", "full"])
def test_incomplete_recordings_can_be_replayed(name, live, nobody):
    recording = live[name].directory / f"{name}.rec"
    done = nobody(recording, "-f", "json")
    summary = json.loads(done.stdout.splitlines()[-1])
    records = sum(summary["records"].values())
    assert records > 300 and summary["contexts"]["inconsistent_records"] == 0
    assert (summary["verdict"], done.returncode) == ("INCONCLUSIVE", 3)
    assert re.match(rf"incomplete recording: ends after {records} records", summary["why"])
    done = nobody(recording, "trace")
    assert done.returncode == 0
    assert f"incomplete recording: ends after {records} records" in done.stderr


def test_full_disk_says_one_line(live):
    said = [line for line in live["full"].err.splitlines() if line.startswith("iommuscope: ")]
    assert live["full"].status == 2 and len(said) == 1
    assert "cannot write to /small/full.rec: No space left on device; " in said[0]


def test_nothing_is_overwritten(live):
    assert live["exists"].status == 2 and read(live["exists"], "exists.rec") == "precious\n"
    assert re.fullmatch(r"iommuscope: .*exists\.rec exists; choose another name, or remove it\n", live["exists"].err)


def test_what_records_nothing_leaves_no_file(live):
    assert live["not_attached"].status == 2 and live["no_name"].status == 2
    assert not (live["not_attached"].directory / "not_attached.rec").exists()


def test_cut_recording_that_fails_still_fails(mutant, tmp_path):
    """What was seen was seen."""
    whole = (mutant / "live.rec").read_bytes()
    cut = tmp_path / "cut.rec"
    cut.write_bytes(whole[:-1])
    done = replay(cut, "-f", "json")
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["verdict"], done.returncode) == ("FAIL", 1)
    assert "incomplete recording" in summary["why"]
    assert done.stdout.splitlines()[:-1] == (mutant / "live.txt").read_text().splitlines()[:-1]


DAMAGED = re.compile(r"iommuscope: .*damaged.rec is damaged at byte \d+: .*; the (\d+) records before it were read\n")


def damage(recording, to, at):
    """A copy with one byte wrong, `at` from 0 (the start) to 1 (the end)."""
    whole = bytearray(recording.read_bytes())
    whole[int(len(whole) * at)] ^= 0xff
    to.write_bytes(whole)
    return to


def test_damaged_recording_is_judged_up_to_there(live, tmp_path):
    """One line says where, the results what was found until then: never PASS, and the status is 2."""
    damaged = damage(live["killed"].directory / "killed.rec", tmp_path / "damaged.rec", 0.8)
    done = replay(damaged, "-f", "json")
    records = int(DAMAGED.fullmatch(done.stderr)[1])
    summary = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 2 and records > 0
    assert sum(summary["records"].values()) == records
    assert summary["verdict"] == "INCONCLUSIVE" and summary["violations"] == {}
    assert f"damaged recording: ends after {records} records" in summary["why"]
    traced = replay(damaged, "trace", "-f", "json")
    assert (traced.returncode, traced.stderr) == (2, done.stderr)
    assert len(traced.stdout.splitlines()) == records + 1


def test_damaged_recording_that_fails_still_fails(mutant, tmp_path):
    """A bad seal: all records are there, with all that they prove."""
    damaged = damage(mutant / "live.rec", tmp_path / "damaged.rec", 1 - 1e-9)
    done = replay(damaged, "-f", "json")
    lines = done.stdout.splitlines()
    assert DAMAGED.fullmatch(done.stderr) and done.returncode == 2
    assert json.loads(lines[-1])["verdict"] == "FAIL" and "damaged recording" in json.loads(lines[-1])["why"]
    assert lines[:-1] == (mutant / "live.txt").read_text().splitlines()[:-1]
    text = replay(damaged)
    assert "FAIL: damaged recording: ends after" in text.stdout and text.stderr == done.stderr


# --- the format -------------------------------------------------------------

def same(raw, value):
    """A field as it lies in the file is what trace prints, as far as that is a number or plain text."""
    if isinstance(value, int):
        return int.from_bytes(raw, "little", signed=value < 0) == value
    if isinstance(value, str) and value.startswith("0x"):
        return int.from_bytes(raw, "little") == int(value, 16)
    return True


def test_recording_is_what_the_document_says(live):
    """Read by a program that knows docs/recording.md only, and by trace."""
    path = live["json"].directory / "json.rec"
    told = [json.loads(line) for line in replay(path, "trace", "-f", "json").stdout.splitlines()]
    records, summary = told[:-1], told[-1]
    read = read_recording(path)
    assert [one["kind"] for one in read.records] == [one["kind"] for one in records] + ["end"]
    for one, wanted in zip(read.records, records):
        assert {key: one[key] for key in HEADER} == {key: wanted[key] for key in HEADER}
        assert one["ctx"] == int(wanted["ctx"], 16)
        assert [list(run) for run in one["runs"]] == wanted.get("runs", [])
        fields = {key: value for key, value in wanted.items() if f".{key}" in one}
        assert all(same(one[f".{key}"], value) for key, value in fields.items()), (one, wanted)
    assert read.origin["arg"] == summary["command"]["argv"]
    assert read.origin["command_status"] == [str(summary["command"]["status"])]
    assert read.seal["records"] == len(read.records) and read.seal["frames"] == len(read.frames) == len(read.index)
    assert [(at, frame["first_ns"]) for at, frame in read.frames] == \
           [(entry["offset"], entry["first_ns"]) for entry in read.index]
    assert sum(frame["records"] for _, frame in read.frames) == read.seal["records"]


def test_alignment_without_huge_pages(live):
    """iommufd aligns the IOVAs that it chooses to no more than a page then."""
    assert read_recording(live["json"].directory / "json.rec").origin["hpage"] == [str(2 << 20)]
    assert read_recording(live["no_thp"].directory / "no_thp.rec").origin["hpage"] == ["4096"]


def test_document_names_every_word(live):
    """All words that a recording has, and no others."""
    text = re.search(r"^## Text\n(.*?)^## ", (REPO / "docs/recording.md").read_text(), re.M | re.S)[1]
    named = {word for row in re.findall(r"^\| ([a-z_, ]+) \|", text, re.M) for word in row.split(", ")} - {"word"}
    code = (REPO / "user/record/header.c").read_text()
    assert named == set(re.findall(r'\{ "(\w+)", on_\w+ \}', code))
    assert set(read_recording(live["json"].directory / "json.rec").origin) - {"end"} <= named


# --- usage ------------------------------------------------------------------

@pytest.mark.parametrize("words,said", [
    ((), "which recording?"), (("/nonexistent",), "No such file"), (("/etc/passwd",), "not a recording"),
    (("x", "judge"), "cannot replay as 'judge'"), (("x", "check", "-k", "map"), "--kinds"),
    (("x", "trace", "--explain"), "--explain"), (("x", "--minimize"), "-o"), (("x", "--", "ls"), "unexpected 'ls'"),
    (("x", "--ktap", "-f", "json"), "--ktap"),
])
def test_usage(words, said, built):
    done = replay(*words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


# --- schema -----------------------------------------------------------------

@pytest.fixture(scope="module")
def schema(built):
    """A validator of lines."""
    done = subprocess.run([built, "schema"], capture_output=True, text=True, check=True)
    text = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(text)
    return jsonschema.Draft202012Validator(text)


def errors(schema, lines):
    return [f"{error.message[:200]} in {line[:200]}" for line in lines for error in schema.iter_errors(json.loads(line))]


def test_output_fits_the_schema(schema, live, mutant):
    assert errors(schema, read(live["schema_trace"], "schema_trace.txt").splitlines()) == []
    assert errors(schema, read(live["lossy"], "lossy.txt").splitlines()) == []
    assert errors(schema, (mutant / "live.txt").read_text().splitlines()) == []
    assert errors(schema, replay(mutant / "live.rec", "--explain", "-f", "json").stdout.splitlines()) == []
    assert errors(schema, replay(mutant / "live.rec", "trace", "-f", "json").stdout.splitlines()) == []


def test_schema_is_strict(schema, live):
    record = json.loads(read(live["schema_trace"], "schema_trace.txt").splitlines()[0])
    for change in ({"kind": "nothing"}, {"ctx": 1}, {"ctx": "0xG"}, {"seq": -1}, {"extra": 1}, {"type": "event"}):
        assert not schema.is_valid({**record, **change}), change
    for key in record:
        if key not in ("action", "comm", "mm", "uid"):
            assert not schema.is_valid({k: v for k, v in record.items() if k != key}), key


# --- minimise and explain ---------------------------------------------------

def test_minimise(mutant, tmp_path, schema):
    small = tmp_path / "small.rec"
    done = replay(mutant / "live.rec", "--minimize", "-o", small)
    match = re.match(r"(\d+) of (\d+) records still break (\S+); ", done.stdout)
    assert done.returncode == 0 and match, done.stderr
    first = json.loads((mutant / "live.txt").read_text().splitlines()[0])
    assert match[3] == first["rule"] and int(match[1]) < 60 < int(match[2])
    again = replay(small, "-f", "json")
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    assert again.returncode == 1
    assert {key: lines[0][key] for key in ("rule", "text", "seq", "ring")} == \
           {key: first[key] for key in ("rule", "text", "seq", "ring")}
    assert sum(lines[-1]["records"].values()) == int(match[1])
    assert lines[-1]["contexts"]["inconsistent_records"] == 0
    assert f"minimised: {match[1]} of {match[2]} records" in replay(small, "info").stdout
    assert small.stat().st_size < 8192, "fits in a mail"
    twice = replay(small, "--minimize", "-o", tmp_path / "smaller.rec")
    assert twice.stdout.startswith(f"{match[1]} of {match[1]} records")


def test_minimise_needs_a_failure(live, tmp_path):
    done = replay(live["record"].directory / "record.rec", "--minimize", "-o", tmp_path / "small.rec")
    assert done.returncode == 2 and "breaks no rule" in done.stderr
    assert not (tmp_path / "small.rec").exists()


def test_story(mutant):
    text = (mutant / "explain.txt").read_text()
    first = text.split("\nVIOLATION ")[1]
    steps = ["calls ioctl ioas_map", "makes pages P1", "inserts area A1", "gets ", "has pages 0-"]
    places = [first.find(step) for step in steps]
    assert -1 not in places and places == sorted(places)
    offender = re.search(r"record +ring (\d+), number (\d+)", first)
    assert re.search(rf"^ *=>{offender[1]}:{offender[2]} ", first, re.M)
    assert re.search(r"IOVA map of IOAS \d+, 0x[0-9a-f]+-0x[0-9a-f]+, \d+ KiB a column:", first)
    assert re.search(r"^ +areas +\.*A+", first, re.M) and re.search(r"^ +here +\^+", first, re.M)


# --- for CI -----------------------------------------------------------------

def ktap_results(text):
    """{name: (ok, directive)}, after checking the form."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == "KTAP version 1"
    plan = re.fullmatch(r"1\.\.(\d+)", lines[1])
    results = [re.fullmatch(r"(not )?ok (\d+) (\S+)(?: # SKIP (.*))?", line) for line in lines[2:]]
    assert None not in results and len(results) == int(plan[1])
    assert [int(one[2]) for one in results] == list(range(1, len(results) + 1))
    return {one[3]: (one[1] is None, one[4]) for one in results}


def test_ktap(mutant, live):
    broken = {json.loads(line)["rule"] for line in (mutant / "live.txt").read_text().splitlines()[:-1]}
    done = replay(mutant / "live.rec", "--ktap")
    results = ktap_results(done.stdout)
    assert {name for name, (ok, _) in results.items() if not ok} == broken | {"verdict"}
    assert done.returncode == 1 and "# VIOLATION " in done.stdout
    results = ktap_results(replay(live["record"].directory / "record.rec", "--ktap").stdout)
    assert all(ok for ok, _ in results.values())
    assert "nothing to check" in {why for _, why in results.values()}


def test_ktap_is_understood_by_the_kernel(mutant, live, traced_kernel, tmp_path):
    kunit = (traced_kernel / "vmlinux").resolve().parent / "source/tools/testing/kunit/kunit.py"
    if not kunit.exists():
        pytest.skip("this source has no kunit.py")
    for recording, status in ((live["record"].directory / "record.rec", 0), (mutant / "live.rec", 1)):
        log = tmp_path / "log"
        log.write_text(replay(recording, "--ktap").stdout)
        done = subprocess.run(["python3", kunit, "parse", log], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout
        assert "errors" not in done.stdout.splitlines()[-1] or "errors: 0" in done.stdout


def test_junit(mutant, live, tmp_path):
    for recording, failing in ((mutant / "live.rec", True), (live["record"].directory / "record.rec", False)):
        done = replay(recording, "--junit", tmp_path / "junit.xml", "-f", "json")
        suite = xml.etree.ElementTree.parse(tmp_path / "junit.xml").getroot()
        cases = suite.findall("testcase")
        failures = {case.get("name") for case in cases if case.find("failure") is not None}
        summary = json.loads(done.stdout.splitlines()[-1])
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == len(failures)
        assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))
        assert failures == set(summary["violations"]) | ({"verdict"} if failing else set())


def test_junit_of_incomplete_is_an_error(live, tmp_path):
    replay(live["killed"].directory / "killed.rec", "--junit", tmp_path / "junit.xml")
    suite = xml.etree.ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("errors") == "1"
    assert "incomplete recording" in suite.find("testcase[@name='verdict']/error").get("message")


# --- reactions --------------------------------------------------------------

def test_on_violation_stop(mutant):
    all_of_it = replay(mutant / "live.rec", "-f", "json").stdout.splitlines()
    done = replay(mutant / "live.rec", "-f", "json", "--on-violation", "stop")
    lines = done.stdout.splitlines()
    first = json.loads(lines[0])
    assert lines[0] == all_of_it[0] and done.returncode == 1
    assert {json.loads(line)["seq"] for line in lines[:-1]} == {first["seq"]}
    assert sum(json.loads(lines[-1])["records"].values()) < sum(json.loads(all_of_it[-1])["records"].values())


def test_on_violation_exec(mutant, tmp_path):
    command = 'echo "$IOMMUSCOPE_RULE $IOMMUSCOPE_RING:$IOMMUSCOPE_SEQ $IOMMUSCOPE_PID"; cat'
    done = replay(mutant / "live.rec", "-f", "json", "--on-violation", f"exec {command}")
    violations = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
    told = sorted(f"{one['rule']} {one['ring']}:{one['seq']} {one['tgid']}" for one in violations)
    assert sorted(done.stderr.splitlines()) == told, "stdout stays parseable"
    assert done.returncode == 1


def test_on_violation_signal(mutant):
    sleeper = subprocess.Popen(["sleep", "100"])
    done = replay(mutant / "live.rec", "-q", "--on-violation", f"signal {sleeper.pid}")
    assert sleeper.wait(timeout=10) == -15
    assert done.returncode == 1


def test_live_trace_is_that_of_replay(live, tmp_path):
    """record --perfetto: the same bytes as when the recording is replayed; it finds no violations."""
    done = replay(live["record"].directory / "record.rec", "trace", "-o", "/dev/null", "--perfetto", tmp_path / "t")
    assert done.returncode == 0, done.stderr
    written = (live["record"].directory / "record.perfetto").read_bytes()
    assert len(written) > 10_000 and written == (tmp_path / "t").read_bytes()


def report(recording):
    done = subprocess.run([REPO / "build/iommuscope", "report", recording, "--format", "json"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout), done


def test_report_of_a_real_recording(live):
    """tests/test_report.py does the rest, with recordings that no kernel made."""
    got, done = report(live["json"].directory / "json.rec")
    schema = json.loads(subprocess.run([REPO / "build/iommuscope", "schema"], capture_output=True, text=True, check=True).stdout)
    jsonschema.validate(got, schema)
    assert (got["summary"]["verdict"], done.returncode) == ("PASS", 0)
    assert {"IOAS_MAP", "IOAS_UNMAP", "HWPT_ALLOC"} <= {one["name"] for one in got["ioctls"]}
    assert max(got["memory"]["pinned"]) >= 16
    assert {one["end"] for one in got["areas"]} <= {"unmapped", "split", "closed"}
    assert any(one["end"] == "split" for one in got["areas"])


def test_report_of_a_kernel_with_a_bug(mutant):
    got, done = report(mutant / "live.rec")
    told = [json.loads(line) for line in (mutant / "live.txt").read_text().splitlines()][:-1]
    assert (got["summary"]["verdict"], done.returncode) == ("FAIL", 1)
    assert [(one["rule"], one["text"]) for one in got["violations"]] == [(one["rule"], one["text"]) for one in told]
    assert all(one["story"] and one["history"] for one in got["violations"])


def test_top_of_a_kernel_with_a_bug(mutant):
    told = len((mutant / "live.txt").read_text().splitlines()) - 1
    done = replay(mutant / "live.rec", "top", "--batch", "-f", "json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and lines[-1]["violations"] == told, done.stderr


# --- rights -------------------------------------------------------------------

def status_of(pid):
    return dict(re.findall(r"^(CapEff|NoNewPrivs|Seccomp):\t(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))


def status_while_it_prints(command):
    """What /proc says in the end of a process, or of the child that it has, while nobody takes what it prints."""
    reader, writer = os.pipe()
    os.write(writer, b"x" * fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer) as process:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        late = time.monotonic() + 60
        while True:
            seen = status_of([process.pid, *children.read_text().split()][-1])
            if seen["Seccomp"] != "0" or time.monotonic() > late:
                break
            assert process.poll() is None, "it ended and has printed nothing"
            time.sleep(0.01)
        os.close(writer)
        os.close(reader)
    return seen


@pytest.mark.parametrize("mode", ["info", "--minimize"])
def test_who_reads_a_recording_has_no_rights(mutant, tmp_path, mode):
    words = (mode, "-o", tmp_path / "small.rec") if mode == "--minimize" else (mode,)
    status = status_while_it_prints([REPO / "build/iommuscope", "replay", mutant / "live.rec", *words])
    assert status == {"CapEff": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}


# --- at a terminal -----------------------------------------------------------

def at_terminal(*words):
    """What a terminal is sent."""
    command = shlex.join([str(REPO / "build/iommuscope"), *map(str, words)])
    return subprocess.run(["script", "-qc", command, "/dev/null"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True).stdout.decode()


def test_progress_is_for_terminals_that_wait(built, tmp_path):
    """Six million records take more than a second; the bar grows, and is gone before anything else is said."""
    path = tmp_path / "long.rec"
    story(path, 6_000_000)
    said = at_terminal("replay", path)
    drawn = re.findall(r"\[#* *\] +(\d+)%  (\d+) records", said)
    if not drawn:
        pytest.skip("it was done before there was anything to wait for")
    assert drawn == sorted(drawn, key=lambda one: int(one[1])) and 0 < int(drawn[0][0]) <= int(drawn[-1][0]) <= 100
    assert re.search(r"\r +\rPASS: ", said)
    assert "[#" not in at_terminal("replay", "-q", path)
    assert "[#" not in at_terminal("replay", path, "trace", "--iova", "0x1-0x2"), "between records it would be in the way"
