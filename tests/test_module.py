# SPDX-License-Identifier: GPL-2.0-only
"""iommufd comes after iommuscope was started, and is asked to go while it is watched."""

import json

import pytest
from live import MOCK, read_check, run_batch

STEP = "$W/mock unmap_len"

# Until it says so on its standard error, and until all is attached.
STARTED = "until grep -q 'waiting for it' /tmp/{name}.err; do kill -0 $pid || exit 99; sleep 0.1; done\n"
CONFINED = "until grep -q 'NoNewPrivs:.1' /proc/$pid/status; do kill -0 $pid || exit 99; sleep 0.1; done\n"
LOAD = "busybox insmod $MODULE || exit 98\n"
# Refused, or this kernel was robbed of what is being watched.
UNLOAD = "busybox rmmod iommufd 2>$OUT/{name}.rmmod && exit 97\n"
# Programs are freed a moment after their last user.
GONE = """\
n=0
until busybox rmmod iommufd 2>/dev/null; do [ $n -lt 50 ] || exit 96; n=$((n + 1)); sleep 0.1; done
"""
END = "kill -TERM $pid; wait $pid; status=$?\n"

WAIT = {
    "check": ("$I check --wait {probes} -f json -o $OUT/{name}.json 2>/tmp/{name}.err & pid=$!\n"
              + STARTED + LOAD + CONFINED + STEP + " >/dev/null || exit 95\n" + UNLOAD + END + GONE + "exit $status"),
    "command": ("$I check --wait {probes} -f json -o $OUT/{name}.json -- " + STEP + " 2>/tmp/{name}.err & pid=$!\n"
                + STARTED + LOAD + "wait $pid; status=$?\n" + GONE + "exit $status"),
    "trace": ("$I trace --wait {probes} -f json -o $OUT/{name}.json -- " + STEP + " 2>/tmp/{name}.err & pid=$!\n"
              + STARTED + LOAD + "wait $pid; status=$?\n" + GONE + "exit $status"),
    "record": ("$I record --wait {probes} -o $OUT/{name}.rec -- " + STEP + " 2>/tmp/{name}.err & pid=$!\n"
               + STARTED + LOAD + "wait $pid; status=$?\n" + GONE
               + "[ $status = 0 ] && $I replay $OUT/{name}.rec -f json"),
    "stopped": ("$I check --wait {probes} 2>/tmp/{name}.err & pid=$!\n" + STARTED
                + "kill -TERM $pid; wait $pid; status=$?; cat /tmp/{name}.err >&2; exit $status"),
    "absent": "exec $I check {probes}",
    "absent_doctor": "exec $I doctor",
}


def run(kernel, directory, probes):
    """Each case finds no iommufd, and leaves none; the exit statuses of 95 and more name the step that failed."""
    module = kernel / "modules/iommufd.ko"
    said_in = "trap 'cp /tmp/{name}.err $OUT 2>/dev/null' EXIT\n"
    cases = {name: f"MODULE={module}\n" + (said_in + text).replace("{name}", name).replace("{probes}", f"--probes {probes}")
             for name, text in WAIT.items()}
    return run_batch(kernel, directory, cases, *MOCK, "--no-modules", leftovers=True)


@pytest.fixture(scope="module", params=["tracepoints", "functions"])
def guest(request, traced_kernel, stock_kernel, built, tmp_path_factory):
    kernel = {"tracepoints": traced_kernel, "functions": stock_kernel}[request.param]
    return run(kernel, tmp_path_factory.mktemp("module"), request.param)


def said(result, name):
    return (result.directory / f"{name}.err").read_text()


def assert_waited(result, name):
    assert result.status == 0, f"{result.status}: {result.err}{said(result, name)}"
    assert "iommufd is not loaded; waiting for it\niommuscope: iommufd is loaded\n" in said(result, name)


@pytest.mark.parametrize("name", ["check", "command"])
def test_check_goes_on_when_it_is_loaded(guest, name):
    assert_waited(guest[name], name)
    checked = read_check(guest[name], name)
    assert (checked.verdict, checked.summary["contexts"]["seen"]) == ("PASS", 1), checked.summary["why"]
    assert checked.violations == [] and checked.records["unpin"] > 0


def test_trace_and_record_go_on_when_it_is_loaded(guest):
    assert_waited(guest["trace"], "trace")
    assert '"kind":"unpin"' in (guest["trace"].directory / "trace.json").read_text().replace(": ", ":")
    assert_waited(guest["record"], "record")
    assert json.loads(guest["record"].out.splitlines()[-1])["verdict"] == "PASS"


def test_it_cannot_be_unloaded_while_it_is_watched(guest):
    """The kernel holds a module whose code is hooked; afterwards nothing of ours holds it (GONE)."""
    assert "rmmod: can't unload module 'iommufd': Resource temporarily unavailable" in (
        (guest["check"].directory / "check.rmmod").read_text())


def test_waiting_can_be_stopped(guest):
    assert guest["stopped"].status == 2
    assert guest["stopped"].err.splitlines()[-1] == "iommuscope: stopped before iommufd was loaded; nothing was seen"


def test_without_wait_the_error_names_it(guest):
    assert (guest["absent"].status, guest["absent"].err) == (
        2, "iommuscope: iommufd is not loaded; run 'modprobe iommufd', or wait for it (--wait)\n")
    assert "--wait" in guest["absent_doctor"].out


@pytest.mark.parametrize("name", WAIT)
def test_nothing_is_left(guest, name):
    assert guest[name].left == ""
