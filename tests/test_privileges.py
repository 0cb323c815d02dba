# SPDX-License-Identifier: GPL-2.0-only
"""Least privilege: what a command needs is enough, one capability less is told, and all are given up before records."""

import json
import re
import subprocess

import jsonschema
import pytest
from live import MOCK, read_check, run_batch

STEP = "unmap_len"
# What doctor lists for commands that look at contexts of others, and for those that start one. CAP_SYS_ADMIN
# includes CAP_BPF and CAP_PERFMON for the kernel, so these count where it is not there.
OPEN = ("bpf", "perfmon", "sys_admin", "syslog", "sys_ptrace")
FUNCTIONS = ("bpf", "perfmon", "sys_admin", "syslog")
TRACEPOINTS = ("bpf", "perfmon")

# A user like any other may read the programs and open /dev/iommu; somebody holds a context open all the time.
SETUP = """\
install -m 755 $I /iommuscope; install -m 755 $W/mock /mock
chmod 755 /; chmod 666 /dev/iommu; mkdir -m 777 /user
mkfifo /in; (exec 7>/in; exec sleep 10000) >/dev/null 2>&1 &
$W/hold mock </in >/facts 2>/dev/null &
until [ -s /facts ]; do sleep 0.1; done
"""
CONFINED = """\
until grep -q 'NoNewPrivs:.1' /proc/$pid/status; do kill -0 $pid || exit 99; sleep 0.1; done
for one in $pid $(pgrep -P $pid); do cat /proc/$one/status >$OUT/{name}.$(cat /proc/$one/comm); done
kill -TERM $pid; wait $pid
"""


def user(capabilities, command):
    """Shell text: that command as an ordinary user with nothing but these capabilities."""
    some = ",".join(["-all", *(f"+{one}" for one in capabilities)])
    return (f"setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps={some} --ambient-caps={some} {command}")


def without(capabilities, one):
    return [other for other in capabilities if other != one]


ENOUGH = {
    "check": user(OPEN, "/iommuscope check -f json") + " & pid=$!\n" + CONFINED,
    "trace": user(OPEN, "/iommuscope trace -d 1 -f json"),
    "record": user(OPEN, "/iommuscope record -d 1 -o /user/run") + " && /iommuscope replay /user/run -f json",
    "ls": user(OPEN, "/iommuscope ls -f json"),
    "profile": user(FUNCTIONS, "/iommuscope profile -f json") + " & pid=$!\n" + CONFINED,
    "doctor": user(OPEN, "/iommuscope doctor -f json"),
    "check_command": user(TRACEPOINTS, f"/iommuscope check -f json -- /mock {STEP}"),
    "check_functions": user(FUNCTIONS, f"/iommuscope check --probes functions -f json -- /mock {STEP}"),
}

# {case: (what it runs, what it has, the one that it lacks)}
LESS = {f"{command.split()[0]}_without_{one}": (command, OPEN, one)
        for command in ("check", "trace", "record -o /user/no", "ls") for one in ("sys_admin", "syslog", "sys_ptrace")}
LESS.update({f"command_without_{one}": (f"check -- /mock {STEP}", TRACEPOINTS, one) for one in TRACEPOINTS})
LESS.update({f"functions_without_{one}": (f"check --probes functions -- /mock {STEP}", FUNCTIONS, one)
             for one in ("sys_admin", "syslog")})

RIGHTS = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status"
OTHERS = {
    "root": "$I check & pid=$!\n" + CONFINED,
    "root_command": f"$I check -q -o /dev/null -- sh -c \"{RIGHTS}\"; {RIGHTS}",
    "exec": "$I check --on-violation 'exec true' & pid=$!\n" + CONFINED,
    "other_user": f"$I check -d 2 -f json -o $OUT/other_user.json -- {user((), 'sleep 1000')}",
    "no_addresses": "echo 2 >/proc/sys/kernel/kptr_restrict; $I ls; s=$?; echo 0 >/proc/sys/kernel/kptr_restrict; exit $s",
    "profile_command": "$I profile -f json -o $OUT/profile.json -- $W/mock access_two",
    "doctor_text": user(TRACEPOINTS, "/iommuscope doctor"),
}

# In this order, for there is no way back.
LOCKED = {
    "setup": SETUP,
    "integrity": "echo integrity >/sys/kernel/security/lockdown",
    "integrity_tracepoints": f"$I check --probes tracepoints -f json -- $W/mock {STEP}",
    "integrity_functions": user(FUNCTIONS, f"/iommuscope check --probes functions -f json -- /mock {STEP}"),
    "integrity_ls": "$I ls -f json",
    "confidentiality": "echo confidentiality >/sys/kernel/security/lockdown",
    "confidentiality_check": "$I check -d 2",
    "confidentiality_functions": f"$I check --probes functions -- $W/mock {STEP}",
    "confidentiality_trace": f"$I trace -- $W/mock {STEP}",
    "confidentiality_record": "$I record -d 2 -o /user/locked",
    "confidentiality_ls": "$I ls",
    "confidentiality_doctor": "$I doctor -f json",
}


@pytest.fixture(scope="module")
def guest(traced_kernel, built, tmp_path_factory):
    cases = {"setup": SETUP, **ENOUGH, **OTHERS}
    cases.update({name: user(without(caps, one), f"/iommuscope {command}") for name, (command, caps, one) in LESS.items()})
    cases = {name: text.replace("{name}", name) for name, text in cases.items()}
    return run_batch(traced_kernel, tmp_path_factory.mktemp("privileges"), cases, *MOCK)


@pytest.fixture(scope="module")
def locked(traced_kernel, built, tmp_path_factory):
    return run_batch(traced_kernel, tmp_path_factory.mktemp("lockdown"), LOCKED, *MOCK)


@pytest.fixture(scope="module")
def schema(built):
    text = subprocess.run([built, "schema"], capture_output=True, text=True, check=True).stdout
    return jsonschema.Draft202012Validator(json.loads(text))


def assert_one_line(result, *said):
    lines = result.err.splitlines()
    assert result.status == 2 and len(lines) == 1, result.err
    assert lines[0].startswith("iommuscope: ") and all(one in lines[0] for one in said), result.err


def assert_verdict(result, seen=1):
    """On the last line; a command has written before it."""
    summary = json.loads(result.out.splitlines()[-1])
    assert (result.status, summary["verdict"]) == (0, "PASS"), result.err
    assert summary["contexts"]["seen"] == seen and summary["violations"] == {}


# --- enough, and one less -------------------------------------------------------

def test_check_of_others(guest):
    assert_verdict(guest["check"])
    assert guest["check"].objects[-1]["records"]["snapshot"] >= 4


def test_trace_record_and_ls_of_others(guest):
    assert guest["trace"].status == 0, guest["trace"].err
    assert {"snapshot", "area", "pin"} <= {one.get("kind") for one in guest["trace"].objects}
    assert_verdict(guest["record"])
    assert guest["ls"].status == 0, guest["ls"].err
    assert [one["comm"] for one in guest["ls"].objects[0]["holders"]] == ["hold"]


@pytest.mark.parametrize("name", ["check_command", "check_functions"])
def test_check_of_a_command(guest, name):
    assert_verdict(guest[name])


@pytest.mark.parametrize("name", LESS)
def test_one_capability_less_is_told(guest, name):
    assert_one_line(guest[name], f"CAP_{LESS[name][2].upper()} is missing", "run as root", "iommuscope doctor")


def test_addresses_that_nobody_may_see(guest):
    assert_one_line(guest["no_addresses"], "/proc/kallsyms shows no addresses", "sysctl kernel.kptr_restrict=1")


# --- given up --------------------------------------------------------------------

def status_of(result, name, comm):
    text = (result.directory / f"{name}.{comm}").read_text()
    return dict(re.findall(r"^(Cap\w+|NoNewPrivs|Seccomp):\t(\w+)", text, re.M))


def sets_of(status):
    return {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}


@pytest.mark.parametrize("name", ["root", "check", "exec"])
def test_the_reader_has_no_rights(guest, name):
    status = status_of(guest[name], name, "iommuscope")
    assert guest[name].status in (0, 3), guest[name].err
    assert sets_of(status) == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert name == "check" or int(status["CapBnd"], 16) == 0


SYS_PTRACE, SYSLOG, ALL = 1 << 19, 1 << 34, 0x1ffffffffff


def test_the_profiler_may_ask_for_names(guest):
    """Of addresses of the kernel; of those of other users' processes it could, had it been given that right."""
    status = status_of(guest["profile"], "profile", "iommuscope")
    assert guest["profile"].status == 0 and guest["profile"].objects[0]["type"] == "profile", guest["profile"].err
    assert (int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]) == (SYSLOG, "1", "2")


def test_the_profiler_knows_names(guest):
    profile = json.loads((guest["profile_command"].directory / "profile.json").read_text())
    frames = {frame for stack in profile["stacks"] for frame in stack["frames"]}
    assert profile["command"]["code"] == 0 and {"__x64_sys_ioctl", "access_pin"} <= frames, sorted(frames)


@pytest.mark.parametrize("name, keeps, confined", [("root", SYS_PTRACE, ("1", "2")), ("check", SYS_PTRACE, ("1", "2")),
                                                   ("exec", ALL, ("0", "0"))])
def test_the_deputy_has_what_its_duties_take(guest, name, keeps, confined):
    status = status_of(guest[name], name, "ims-deputy")
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == keeps
    assert (status["NoNewPrivs"], status["Seccomp"]) == confined


def test_a_command_keeps_its_rights(guest):
    lines = guest["root_command"].out.splitlines()
    assert len(lines) == 14 and lines[:7] == lines[7:]
    assert "NoNewPrivs:\t0" in lines and "Seccomp:\t0" in lines


def test_a_command_of_another_user_is_ended(guest):
    """Which takes CAP_KILL, and that has the deputy."""
    summary = read_check(guest["other_user"], "other_user").summary
    assert summary["command"]["signal"] == 15


# --- doctor ----------------------------------------------------------------------

def rights_of(told):
    return {use["commands"]: {one["capability"]: one["state"] for one in use["needs"]} for use in told["rights"]}


def test_doctor_lists_what_is_enough(guest, schema):
    told = guest["doctor"].objects[0]
    assert guest["doctor"].status == 0, guest["doctor"].err
    assert [error.message[:200] for error in schema.iter_errors(told)] == []
    rights = rights_of(told)
    assert {f"CAP_{one.upper()}" for one in OPEN} == {cap for cap, state in rights["ls"].items() if state == "have"}
    assert rights["check, trace, record, top"]["CAP_KILL"] == "optional"
    assert "lack" not in str(rights)
    assert any("before the first record" in text for text in told["given_up"])


def test_doctor_names_what_is_missing(guest):
    result = guest["doctor_text"]
    assert result.status == 0, "tracepoints need no more"
    assert "limited  capabilities  CAP_BPF CAP_PERFMON" in result.out
    assert "CAP_SYS_ADMIN, CAP_SYSLOG and CAP_SYS_PTRACE are missing" in result.out
    assert re.search(r"^lack +CAP_SYS_PTRACE", result.out, re.M) and re.search(r"^optional CAP_KILL", result.out, re.M)


# --- lockdown --------------------------------------------------------------------

def test_integrity_is_no_obstacle(locked):
    assert locked["integrity"].status == 0, locked["integrity"].err
    assert_verdict(locked["integrity_tracepoints"])
    assert_verdict(locked["integrity_functions"])
    assert locked["integrity_ls"].objects[0]["holders"], locked["integrity_ls"].err


@pytest.mark.parametrize("name", ["check", "functions", "trace", "record", "ls"])
def test_confidentiality_is_told(locked, name):
    assert locked["confidentiality"].status == 0, locked["confidentiality"].err
    assert_one_line(locked[f"confidentiality_{name}"], "kernel lockdown is 'confidentiality'", "lockdown=integrity")


def test_doctor_knows_confidentiality(locked):
    told = locked["confidentiality_doctor"].objects[0]
    facts = {one["name"]: one for one in told["facts"]}
    assert locked["confidentiality_doctor"].status == 2 and not told["can_check"]
    assert facts["lockdown"]["state"] == "lack" and "integrity" in facts["lockdown"]["remedy"]


# --- the document ----------------------------------------------------------------

def test_the_document_has_all(repo):
    """Each capability of the table in the code is in that of docs/privileges.md, and no other."""
    code = re.findall(r"^\t\{ CAP\((\w+)\)", (repo / "user/rights/caps.c").read_text(), re.M)
    document = re.findall(r"^\| CAP_(\w+) \|", (repo / "docs/privileges.md").read_text(), re.M)
    assert document == code and len(code) > 5
