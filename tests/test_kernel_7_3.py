# SPDX-License-Identifier: GPL-2.0-only
"""
The newest kernel that Debian has: the same BPF programs, workloads and selftests as on 6.12, and no false alarm.

Its source package is not part of Debian 12, and goes from the archive some day. Then these tests are skipped, and say
so; with a copy in the cache of scripts/kernel they still run.
"""

import os
import pathlib
import re
import subprocess

import pytest
import test_kernel_patch as patches
from conftest import REPO, script, without_archive
from live import MOCK, SELFTEST, all_steps, assert_pass, check_command, contract_kinds, read_check, run_batch, run_check
from test_late import HOLD, check
from test_selftest import totals
from test_workload import FINDING, assert_all_ok

VERSION = "7.3"
SERIES = REPO / "kernel_patch/tracepoints" / VERSION
PATCHES = (SERIES / "series").read_text().split()


def built_7_3(*arguments):
    """What scripts/kernel builds, or a skip that says why there is nothing to build."""
    done = script("kernel", *arguments, timeout=7200)
    if done.returncode == 2 and "source not available" in done.stderr:
        pytest.skip(f"NOT TESTED on {VERSION}: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip())


@pytest.fixture(scope="module")
def kernel():
    return built_7_3("build", VERSION)


@pytest.fixture(scope="module")
def selftest(kernel, built, tmp_path_factory):
    directory = built_7_3("selftests", VERSION)
    cases = {"iommufd": check_command("iommufd", directory / "iommufd"),
             "fail_nth": check_command("fail_nth", directory / "iommufd_fail_nth")}
    return run_batch(kernel, tmp_path_factory.mktemp("selftest"), cases, *SELFTEST)


@pytest.fixture(scope="module")
def mock(kernel, built, tmp_path_factory):
    cases = {"mock": check_command("mock", all_steps("mock", FINDING)),
             "file": check_command("file", "$W/file"),
             "late": HOLD.replace("hold mock", "hold file") + f"$I {check('late', '-d 3')}; exec 7>&-; wait $holder",
             "storm": check_command("storm", "$W/storm --seed 6 --seconds 0 --processes 2 --threads 3 --ops 2000")}
    return run_batch(kernel, tmp_path_factory.mktemp("mock"), cases, *MOCK)


def test_mock_passes(mock):
    checked = read_check(mock["mock"], "mock")
    assert_all_ok(checked.out)
    assert checked.summary["command"]["status"] == 0
    assert_pass(checked)


def test_file_that_cannot_be_pinned_whole_passes(mock):
    checked = read_check(mock["file"], "file")
    assert_all_ok(checked.out)
    assert_pass(checked)


def test_what_was_open_before_is_followed(mock):
    checked = read_check(mock["late"], "late")
    assert_pass(checked)
    assert (checked.summary["contexts"]["seen"], checked.records["file"]) == (1, 2)


def test_storm_passes(mock):
    checked = read_check(mock["storm"], "storm")
    assert checked.summary["command"]["status"] == 0, checked.out + checked.err
    assert_pass(checked)
    assert sum(checked.records.values()) > 20_000


def test_real_dma_passes(kernel, built, tmp_path):
    vfio = run_check(kernel, tmp_path, "$W/vfio_dma")
    assert_all_ok(vfio.out)
    assert_pass(vfio)


def test_selftest_passes_and_nothing_is_lost(selftest):
    checked = read_check(selftest["iommufd"], "iommufd")
    done = totals(checked.out)
    assert done[0] == done[1] and done[1] > 200
    assert_pass(checked)


def test_selftest_makes_every_kind_of_record(selftest):
    """
    Also those that no older kernel makes. A mock device has no reserved regions; iommufd asks for unmap and IOTLB sync
    in one, and for the latter alone when it cleared dirty bits.
    """
    checked = read_check(selftest["iommufd"], "iommufd")
    assert contract_kinds(newer=True) - set(checked.records) == {"dev_region"}
    assert {"CHG-PROC", "DMABUF-REVOKE", "FILE-SEAL", "HWQ-LOCK", "PASID", "VDEV-TOMB",
            "VEVQ-SEQ"} <= set(checked.summary["rules"]["checked"])


def test_fault_injection_at_every_step_passes(selftest):
    checked = read_check(selftest["fail_nth"], "fail_nth")
    done = totals(checked.out)
    assert done[0] == done[1] and done[1] > 7
    assert_pass(checked)


def test_sealed_file_is_mapped_for_writing(kernel, built, tmp_path):
    """A finding, see docs/findings.md: upstream does not ask."""
    found = run_check(kernel, tmp_path, "$W/upstream file_sealed", vm=MOCK)
    assert (found.verdict, found.rules) == ("FAIL", ["FILE-SEAL"])
    assert "not ok - file_sealed: a file that is sealed against writing is mapped for writing" in found.out + found.err


def test_replace_that_fails_takes_the_reserved_regions(kernel, built, tmp_path):
    """Another one, of 6.12 as well: test_finding.py."""
    found = run_check(kernel, tmp_path, "$W/upstream replace_within")
    assert (found.verdict, found.rules) == ("FAIL", ["RSV-DEV"])


# --- the series ------------------------------------------------------------

@pytest.fixture(scope="module")
def series():
    """The tests of the other series, turned to this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "SERIES", SERIES)
        patch.setattr(patches, "PATCHES", PATCHES)
        yield patches


def test_series_names_every_patch(series):
    series.test_series_names_every_patch()


@pytest.mark.parametrize("name", PATCHES, ids=lambda name: name[:4])
def test_patch_is_fit_for_a_maintainer(series, kernel, name):
    source = ((kernel / "vmlinux").resolve().parent / "source").resolve()
    series.test_patch_only_adds(name)
    series.test_patch_is_a_mail(name)
    series.test_checkpatch_has_nothing_to_say(name, source)


def test_same_events_as_6_12():
    """Same names, same arguments in the same order: one set of BPF programs serves both."""
    def events(version):
        directory = REPO / "kernel_patch/tracepoints" / version
        text = "".join((directory / name).read_text() for name in (directory / "series").read_text().split())
        found = re.findall(r"^\+TRACE_EVENT\((\w+),\n\+\s+TP_PROTO\((.*?)\),\n\+\s+TP_ARGS", text, re.M | re.S)
        return {name: re.sub(r"[\s+]+", " ", arguments) for name, arguments in found}
    old, new = events("6.12"), events(VERSION)
    assert len(old) > 30
    assert {name: new.get(name) for name in old} == old


@pytest.mark.parametrize("suite, why", [("trixie-backports", "cannot read"), ("bookworm", "no linux-source-7.3 any more")])
def test_says_when_the_package_is_gone(suite, why, tmp_path):
    """From an archive that is not there, and from one that does not have it (asked of our own copy of the script)."""
    tool = patches.project(REPO, tmp_path)
    tool.write_text(tool.read_text().replace('"7.3": "trixie-backports"', f'"7.3": "{suite}"'))
    if suite != "bookworm":
        without_archive(tool.parent)
    done = subprocess.run([tool, "build", VERSION, "--flavour", "stock"], capture_output=True, text=True, check=False,
                          env={**os.environ, "IOMMUSCOPE_CACHE": str(tmp_path / "cache")})
    assert done.returncode == 2
    assert done.stderr.startswith("kernel: source not available: ") and why in done.stderr
    assert done.stderr.count("\n") == 1
