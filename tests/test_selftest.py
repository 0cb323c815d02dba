# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own selftests: all is well there, and check must say so. A false alarm is a bug."""

import re

import pytest
from live import MOCK, SELFTEST, assert_pass, check_command, contract_kinds, read_check, run_batch, run_check


def totals(output):
    """(passed, all) of kselftest's closing line."""
    match = re.search(r"^# PASSED: (\d+) / (\d+) tests passed\.$", output, re.M)
    assert match, output[-2000:]
    return int(match[1]), int(match[2])


@pytest.fixture(scope="module")
def selftest(traced_kernel, selftests, built, tmp_path_factory):
    """The iommufd selftest with nobody looking, and then under check."""
    command = selftests / "iommufd"
    cases = {"plain": f"exec {command}", "check": check_command("check", command)}
    return run_batch(traced_kernel, tmp_path_factory.mktemp("selftest"), cases, *SELFTEST)


def test_tracer_changes_no_result(selftest):
    plain, checked = totals(selftest["plain"].out), totals(selftest["check"].out)
    assert plain[0] == plain[1] and plain[1] > 100
    assert checked == plain
    assert selftest["plain"].status == 0


def test_selftest_passes_and_nothing_is_lost(selftest):
    """With the default rings, on two CPUs."""
    checked = read_check(selftest["check"], "check")
    assert_pass(checked)
    assert checked.summary["command"]["status"] == 0
    assert sum(checked.records.values()) > 500_000, "the selftest makes about a million records"
    # A mock device has no reserved regions.
    assert contract_kinds() - set(checked.records) == {"dev_region"}


def test_fault_injection_at_every_step_passes(traced_kernel, selftests, built, tmp_path):
    checked = run_check(traced_kernel, tmp_path, selftests / "iommufd_fail_nth", vm=MOCK)
    assert totals(checked.out) == (7, 7)
    assert_pass(checked)
    assert checked.summary["contexts"]["seen"] > 500, "one ctx for each injected failure"
