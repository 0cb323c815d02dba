# SPDX-License-Identifier: GPL-2.0-only
"""The newest kernel that Debian has, as it is: its functions show what its tracepoints would, and files, too.

Skipped, loudly, where there is nothing to build it of: see test_kernel_7_3.py.
"""

import json

import pytest
from live import MOCK, SELFTEST, all_steps, check_command, read_check, run_batch, run_check
from test_kernel_7_3 import VERSION, built_7_3
from test_late import HOLD, assert_late, check, in_a_storm
from test_selftest import totals
from test_stock import NEVER, assert_caught, assert_stock_pass, planted
from test_workload import FINDING, assert_all_ok

PAGE = 4096
UNSEEN = NEVER - {"pasid", "file", "vdevice"}
# Whose patches fit: memory, IOTLB, IOVA space, charges, page tables, accesses. More: tests/mutants/table --version 7.3.
PLANTED = ("O04", "O07", "O08", "O09", "N04", "O14")
HOLD_FILE = HOLD.replace("hold mock", "hold file")
END = "; status=$?; exec 7>&-; wait $holder; exit $status"
CASES = {
    "ls": HOLD_FILE + "$I ls -f json" + END,
    "top": HOLD_FILE + "$I top -f json -n 2 -i 0.5" + END,
    "late": HOLD_FILE + f"$I {check('late', '-d 3')}" + END,
    "profile": "exec $I profile -f json -o $OUT/profile.json -- $W/hold file",
    "doctor": "exec $I doctor --format json",
    "mock": check_command("mock", all_steps("mock", FINDING)),
    "file": check_command("file", "$W/file"),
    "sealed": check_command("sealed", "$W/upstream file_sealed"),
}


@pytest.fixture(scope="module")
def kernel():
    return built_7_3("build", VERSION, "--flavour", "stock")


@pytest.fixture(scope="module")
def guest(kernel, built, tmp_path_factory):
    return run_batch(kernel, tmp_path_factory.mktemp("stock"), CASES, *MOCK)


def test_mock_passes(guest):
    checked = read_check(guest["mock"], "mock")
    assert_all_ok(checked.out)
    assert_stock_pass(checked)


def test_file_that_cannot_be_pinned_whole_passes(guest):
    """What mm gives back within a call was never iommufd's."""
    checked = read_check(guest["file"], "file")
    assert_all_ok(checked.out)
    assert_stock_pass(checked)


def test_storm_passes(kernel, built, tmp_path):
    """Threads that race, on more CPUs than one."""
    checked = run_check(kernel, tmp_path, "$W/storm --seed 6 --seconds 0 --processes 2 --threads 3 --ops 2000",
                        "--ring-size", "64M", vm=(*MOCK, "--smp", 4))
    assert_stock_pass(checked)
    assert sum(checked.records.values()) > 20_000


@pytest.mark.parametrize("flavour", ["stock", "traced"])
def test_late_in_a_storm_is_no_false_alarm(flavour, built, tmp_path):
    """Devices of before move to HWPTs with fault queues, which the drivers serve."""
    case = in_a_storm("late", 11, check("late", "-d 20 --ring-size 64M"))
    results = run_batch(built_7_3("build", VERSION, "--flavour", flavour), tmp_path, {"late": case}, *MOCK)
    assert_late(read_check(results["late"], "late"))


def test_real_dma_passes(kernel, built, tmp_path):
    checked = run_check(kernel, tmp_path, "$W/vfio_dma")
    assert_all_ok(checked.out)
    assert_stock_pass(checked)


def test_selftest_passes(kernel, built, tmp_path):
    """All of upstream's own, with files, dma-bufs, PASIDs, vIOMMUs; and fault injection at every step."""
    directory = built_7_3("selftests", VERSION)
    cases = {"all": check_command("all", directory / "iommufd"),
             "fail": check_command("fail", directory / "iommufd_fail_nth")}
    results = run_batch(kernel, tmp_path, cases, *SELFTEST)
    everything, fail = read_check(results["all"], "all"), read_check(results["fail"], "fail")
    for checked, least in ((everything, 200), (fail, 7)):
        passed, run = totals(checked.out)
        assert passed == run > least
        assert_stock_pass(checked)
    assert {"file", "pasid", "vdevice"} <= set(everything.records)


def test_what_cannot_be_seen_is_named(guest):
    told = guest["doctor"].objects[0]
    assert (told["can_check"], told["source"]) == (True, "functions")
    for one in told["rules"]:
        assert one["checked"] == (not UNSEEN & set(one["needs"])), one
    gone = {one["at"]: one for one in told["functions"] if not one["attached"]}
    assert [at for at, one in gone.items() if one["kinds"]] == []
    assert "iommu_dev_enable_feature" in gone and all("gone_with" in one for one in gone.values())
    assert told["changes"] == []


def test_sealed_file_is_mapped_for_writing(guest):
    """A finding, see docs/findings.md: upstream does not ask."""
    assert read_check(guest["sealed"], "sealed").rules == ["FILE-SEAL"]


def test_ls_shows_files(guest):
    context = guest["ls"].objects[0]
    areas = [area for ioas in context["ioases"] for area in ioas["areas"]]
    assert [(area["user_address"], area["file_offset"], area["pages_pinned"]) for area in areas] == \
        [(0, 0, 32), (0, 32 * PAGE + PAGE // 2, 32), (0, 0, 32)]
    assert len({area["file"] for area in areas}) == 1 and areas[0]["file"] != "0x0"


def test_what_was_open_before_is_followed(guest):
    checked = read_check(guest["late"], "late")
    assert_stock_pass(checked)
    assert (checked.summary["contexts"]["seen"], checked.records["file"]) == (1, 2)


def test_profile_tells_pins_of_files_from_others(guest):
    assert guest["profile"].status == 0, guest["profile"].err
    profile = json.loads((guest["profile"].directory / "profile.json").read_text())
    phases = {row["phase"]: row for row in profile["phases"]}
    assert phases["pin_memfd"]["pages"] == phases["domain_map"]["pages"] == phases["unpin"]["pages"] == 64
    assert profile["absent"] == [] and "pin_fast" not in phases


def test_top_counts_pins_of_files(guest):
    last = guest["top"].objects[-1]
    assert [one["bytes_pinned"] // PAGE for one in last["processes"] if one["comm"] == "hold"] == [64]


@pytest.mark.parametrize("flavour", ["stock", "traced"])
@planted(PLANTED)
def test_planted_bug_is_caught(flavour, mutant, kernel, built, tmp_path):
    patch = f"tests/mutants/{mutant.id}.patch"
    assert_caught(built_7_3("build", VERSION, "--flavour", flavour, "--patch", patch), mutant, tmp_path)
