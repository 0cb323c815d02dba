# SPDX-License-Identifier: GPL-2.0-only
"""What can go wrong around iommuscope: one clear line, the right exit status, and nothing left behind."""

import dataclasses
import json
import subprocess

import pytest
from live import MOCK, run_batch, watching, what_it_said

STEP = "$W/mock two_hwpt_map_unmap"


@dataclasses.dataclass
class Case:
    """A shell script whose last command is iommuscope, and the one line that it must say."""
    script: str
    said: str
    status: int = 2


# --- a guest that has all it takes -----------------------------------------

FULL = """\
mkdir -p /small && mount -t tmpfs -o size=16k none /small
exec $I {} -f json -o /small/file -- {}"""

TRACED = {
    "command_not_found": Case("exec $I check -- /no/such/command", "/no/such/command: command not found"),
    "command_not_executable": Case("exec $I trace -- /etc/passwd", "cannot execute /etc/passwd: Permission denied"),
    "no_btf": Case("exec unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec $I check -- true'",
                   "this kernel has no BTF"),
    "no_privilege": Case("install -m 755 $I /iommuscope && chmod 755 / && "
                         "exec setpriv --reuid 65534 --regid 65534 --clear-groups /iommuscope check -- true",
                         "CAP_BPF and CAP_PERFMON are missing; run as root"),
    "root_without_capabilities": Case("exec setpriv --bounding-set=-all --inh-caps=-all $I check -- true",
                                      "CAP_BPF and CAP_PERFMON are missing; run as root"),
    "no_such_directory": Case("exec $I check -o /no/such/directory/file -- true",
                              "cannot write to /no/such/directory/file: No such file or directory"),
    "file_system_full": Case(FULL.format("trace", STEP), "cannot write to /small/file: No space left on device"),
    "file_full_at_the_end": Case(f"exec $I check -o /dev/full -- {STEP}",
                                 "cannot write to /dev/full: No space left on device"),
    "stdout_full": Case(f"exec $I check -- {STEP} >/dev/full",
                        "cannot write to standard output: No space left on device"),
    "stdout_closed": Case("exec $I check -- true >&-", "cannot write to standard output: Bad file descriptor"),
    "all_closed_but_stderr": Case(f"exec $I trace -- {STEP} <&- >&-",
                                  "cannot write to standard output: Bad file descriptor"),
    "reader_goes_away": Case(f"({{ $I trace -- {STEP}; echo $? >/gone; }} | head -n 1) >/dev/null; exit $(cat /gone)",
                             "cannot write to standard output: Broken pipe"),
    "no_memory": Case("exec $I check --rings 64 --ring-size 1G -- true", "no memory for the rings"),
    "no_such_cgroup": Case("exec $I check --cgroup /no/such/group -- true", "cannot open cgroup /no/such/group"),
    "not_a_cgroup": Case("exec $I check --cgroup /etc -- true", "/etc is not a cgroup of version 2"),
}

# Nobody to tell: the status must do.
STDERR_CLOSED = "exec $I check -- /no/such/command 2>&-"

# --- signals ----------------------------------------------------------------

# Tells when it runs, and what it got.
CHILD = """\
cat >/child <<'END'
trap 'echo TERM >$OUT/{name}.got; exit 7' TERM
trap 'echo INT >$OUT/{name}.got; exit 8' INT
$W/mock aperture_edge
echo up >$OUT/{name}.up
while :; do sleep 0.1; done
END
"""
STUBBORN = """\
cat >/child <<'END'
trap '' TERM INT
$W/mock aperture_edge
echo up >$OUT/{name}.up
while :; do sleep 0.1; done
END
"""
# A shell starts what runs in the background with SIGINT ignored; a terminal does not.
START = """\
env --default-signal=INT,TERM $I check -f json -o $OUT/{name}.json -- sh /child &
pid=$!
until [ -e $OUT/{name}.up ]; do sleep 0.1; done
"""
SIGNALS = {
    "sigterm": CHILD + START + "kill -TERM $pid; wait $pid",
    "sigint": CHILD + START + "kill -INT $pid; wait $pid",
    "child_does_not_listen": STUBBORN + START + "kill -TERM $pid; wait $pid",
    "second_sigterm_kills": STUBBORN + START + "kill -TERM $pid; sleep 1; kill -TERM $pid; wait $pid",
    "sigkill": CHILD + START + "kill -KILL $pid; wait $pid",
    "sigterm_without_command": watching("check -f json -o $OUT/{name}.json", "check") +
                               f"kill -TERM $check; wait $check; status=$?; {what_it_said('check')}; exit $status",
    "command_is_killed": "exec $I check -f json -o $OUT/{name}.json -- sh -c '$W/mock aperture_edge; kill -KILL $$'",
    "command_fails": "exec $I check -f json -o $OUT/{name}.json -- sh -c '$W/mock aperture_edge; exit 5'",
    "duration": "exec $I check -d 3 -f json -o $OUT/{name}.json -- sh -c '$W/mock aperture_edge; "
                "while :; do sleep 0.1; done'",
    "nothing_happens": "exec $I check -f json -o $OUT/{name}.json -- true",
}


@pytest.fixture(scope="module")
def traced(traced_kernel, built, tmp_path_factory):
    cases = {name: case.script for name, case in TRACED.items()}
    cases["stderr_closed"] = STDERR_CLOSED
    cases.update({name: text.replace("{name}", name) for name, text in SIGNALS.items()})
    return run_batch(traced_kernel, tmp_path_factory.mktemp("environment"), cases, *MOCK, leftovers=True)


def assert_said(result, case):
    lines = [line for line in result.err.splitlines() if line]
    assert result.status == case.status, result.err
    assert len(lines) == 1 and lines[0].startswith("iommuscope: ") and case.said in lines[0], result.err


@pytest.mark.parametrize("name", TRACED)
def test_error_is_told(traced, name):
    assert_said(traced[name], TRACED[name])


def test_nobody_to_tell(traced):
    assert traced["stderr_closed"].status == 2


def summary_of(result, name):
    return json.loads((result.directory / f"{name}.json").read_text().splitlines()[-1])


@pytest.mark.parametrize("name, got, how", [("sigterm", "TERM", {"status": 7}), ("sigint", "INT", {"status": 8}),
                                            ("child_does_not_listen", None, {"signal": 9})])
def test_signal_goes_to_the_command_and_the_summary_comes(traced, name, got, how):
    result = traced[name]
    summary = summary_of(result, name)
    told = result.directory / f"{name}.got"
    assert result.status == 0, result.err
    assert (told.read_text().strip() if told.exists() else None) == got
    assert summary["verdict"] == "PASS"
    assert {key: summary["command"][key] for key in how} == how


def test_second_signal_kills(traced):
    assert traced["second_sigterm_kills"].status == 128 + 15


def test_sigterm_without_command_ends_cleanly(traced):
    """With a summary, which can say nothing when nobody opened /dev/iommu."""
    assert traced["sigterm_without_command"].status == 3
    assert summary_of(traced["sigterm_without_command"], "sigterm_without_command")["verdict"] == "INCONCLUSIVE"


def test_nothing_seen_is_no_pass(traced):
    summary = summary_of(traced["nothing_happens"], "nothing_happens")
    assert (traced["nothing_happens"].status, summary["verdict"]) == (3, "INCONCLUSIVE")
    assert summary["contexts"]["seen"] == 0 and "nothing was checked" in summary["why"]


def test_sigkill_is_obeyed(traced):
    assert traced["sigkill"].status == 128 + 9
    assert not (traced["sigkill"].directory / "sigkill.got").exists()


@pytest.mark.parametrize("name, how", [("command_is_killed", {"signal": 9}), ("command_fails", {"status": 5})])
def test_fate_of_the_command_is_reported(traced, name, how):
    """And is not the verdict: that is about the kernel."""
    assert traced[name].status == 0
    assert {key: summary_of(traced[name], name)["command"].get(key) for key in how} == how


def test_duration_ends_the_command(traced):
    assert traced["duration"].status == 0
    assert summary_of(traced["duration"], "duration")["command"]["signal"] == 15


@pytest.mark.parametrize("name", [*TRACED, "stderr_closed", *SIGNALS])
def test_nothing_is_left(traced, name):
    """No BPF program, map or link, and no process."""
    assert traced[name].left == ""


# --- guests that lack something ---------------------------------------------

@pytest.mark.parametrize("command", ["check", "trace"])
def test_iommufd_is_not_loaded(traced_kernel, built, tmp_path, command):
    case = Case(f"exec $I {command} -- true", "iommufd is not loaded; run 'modprobe iommufd'")
    done = run_batch(traced_kernel, tmp_path, {"case": case.script}, *MOCK, "--no-modules", leftovers=True)
    assert_said(done["case"], case)
    assert done["case"].left == ""


@pytest.mark.parametrize("command", ["check", "trace"])
def test_kernel_without_our_tracepoints(stock_kernel, built, tmp_path, command):
    """Its functions will do, but not for who insists."""
    case = Case(f"exec $I {command} --probes tracepoints -- true",
                "this kernel's iommufd has no tracepoints; build one with")
    done = run_batch(stock_kernel, tmp_path, {"case": case.script}, *MOCK, leftovers=True)
    assert_said(done["case"], case)
    assert done["case"].left == ""


# --- usage: no guest, no privilege ------------------------------------------

@pytest.mark.parametrize("words, said", [
    ("", "which command?"),
    ("chek", "'chek' is not a command; see 'iommuscope help'"),
    ("help chek", "'chek' is not a command"),
    ("check --colour", "--colour is not an option of check; see 'iommuscope help check'"),
    ("check -z", "-z is not an option of check"),
    ("check -o", "-o needs a value"),
    ("check true", "unexpected 'true'; a command to run stands behind '--'"),
    ("check --", "no command behind '--'"),
    ("check --format xml", "'xml' is not a format; use text or json"),
    ("check --rings 3", "must be powers of two"),
    ("check --rings 65", "--rings: '65' is not a number from 1 to 64"),
    ("check --ring-size 1k", "--ring-size: '1k' is not a number from"),
    ("check --ring-size 16Q", "--ring-size: '16Q' is not a number from"),
    ("check -p 0", "--pid: '0' is not a process id"),
    ("check -p x", "--pid: 'x' is not a process id"),
    ("check -d never", "--duration: 'never' is not a number of seconds"),
    ("check --comm a-name-that-is-too-long", "longer than 15 characters"),
    ("check --ioas 1", "a verdict needs whole contexts"),
    ("check --device 0000:00:01.0", "a verdict needs whole contexts"),
    ("check --kinds map", "a verdict needs whole contexts"),
    ("check --iova 0-1", "a verdict needs whole contexts"),
    ("trace --kinds map,mop", "--kinds: 'map,mop' names an unknown kind"),
    ("trace --iova 5-4", "--iova: '5-4' is not a range"),
])
def test_bad_usage_is_told(built, words, said):
    done = subprocess.run([built, *words.split()], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert_said(type("", (), {"err": done.stderr, "status": done.returncode}), Case("", said))


@pytest.mark.parametrize("words", ["help", "--help", "-h", "help check", "help trace", "check --help", "trace -h",
                                   "--version"])
def test_help_is_no_error(built, words):
    done = subprocess.run([built, *words.split()], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout


def test_help_that_nobody_gets_is_an_error(built):
    with open("/dev/full", "w") as full:
        done = subprocess.run([built, "help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and done.stderr == "iommuscope: cannot write to standard output\n"
