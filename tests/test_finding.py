# SPDX-License-Identifier: GPL-2.0-only
"""What check finds in the unmodified kernel; docs/findings.md says why it is right."""

import concurrent.futures
import json
import os
import re

import pytest
from conftest import REPO, script
from live import MOCK, run_check


@pytest.fixture(scope="module")
def found(traced_kernel, built, tmp_path_factory):
    return run_check(traced_kernel, tmp_path_factory.mktemp("finding"), "$W/mock fail_nth_two_domains", vm=MOCK)


def test_iommufd_unpins_what_is_still_mapped_when_a_fill_of_two_domains_fails(found):
    """Exactly that rule, and nothing else: no other one is disturbed by it."""
    assert (found.verdict, found.status) == ("FAIL", 1)
    assert found.rules == ["UNPIN-AFTER-UNMAP"]
    assert found.summary["violations"] == {"UNPIN-AFTER-UNMAP": len(found.violations)}
    assert set(found.summary["lost"].values()) == {0}
    assert found.out.startswith("ok - fail_nth_two_domains\n"), "the workload itself cannot see it"


def test_evidence_shows_the_wrong_order(found):
    """In the history: mapped into a domain, unpinned by that very record, not unmapped in between."""
    for violation in found.violations:
        *before, last = violation["history"]
        assert last["kind"] == "unpin" and last["seq"] == violation["seq"]
        domain = re.search(r"domain (0x[0-9a-f]+) still translates", violation["text"])[1]
        maps = [one for one in before if one["kind"] == "dma_map" and one["domain"] == domain and not one["rc"]]
        unmaps = [one for one in before if one["kind"] == "dma_unmap" and one["domain"] == domain]
        assert maps and all(one["seq"] < maps[-1]["seq"] for one in unmaps), "mapped, and not unmapped since"
        assert violation["comm"] == "mock"


def test_replace_that_fails_takes_the_reserved_regions(traced_kernel, built, tmp_path):
    """Within one IOAS, of a device that a real IOMMU translates for; exactly that rule."""
    found = run_check(traced_kernel, tmp_path, "$W/upstream replace_within")
    assert (found.verdict, found.status, found.rules) == ("FAIL", 1, ["RSV-DEV"])
    assert "not ok - replace_within: a replace failed, and the MSI window is not reserved any more" in found.out + found.err


# --- what tests/workload/upstream.c shows, each in a guest of its own that may be lost ---------------------

WALL = 120      # seconds; enough for all, and one never ends
TIMEOUT, OUT_OF_MEMORY = 124, 128 + 9       # statuses of scripts/vm: the guest was killed; the command was, by SIGKILL
STEPS = ("copy_unbounded", "dead_mm", "copy_unaligned", "read_back", "cut_after_skip", "dirty_hole")


@pytest.fixture(scope="module")
def upstream(traced_kernel, built, tmp_path_factory):
    """{step: function that gives (status, rules that fired in order, all that the guest said)}."""
    directory = tmp_path_factory.mktemp("upstream")

    def run(step):
        path = directory / f"{step}.json"
        done = script("vm", "run", "--kernel", traced_kernel, *MOCK, "--allow-splat", "--timeout", WALL, "--share", directory,
                      "--", REPO / "build/iommuscope", "check", "-f", "json", "-o", path, "--",
                      REPO / "build/workload/upstream", step)
        # The last line may be half a one.
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
        rules = dict.fromkeys(line["rule"] for line in lines if line["type"] == "violation")
        return done.returncode, list(rules), done.stdout + done.stderr

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {step: pool.submit(run, step) for step in STEPS}
        yield {step: future.result for step, future in waiting.items()}
        pool.shutdown(cancel_futures=True)


def test_copy_makes_areas_that_are_not_aligned(upstream):
    status, rules, said = upstream["copy_unaligned"]()
    assert (status, rules) == (1, ["ALIGN"])
    assert "not ok - copy_unaligned: a copy to unaligned areas gives 'Success'" in said


def test_copy_maps_without_bound(upstream):
    """It maps what was never pinned, and does not come back; check has told before.

    Each page costs memory: a fast host comes to the end of that before time is up, and the kernel kills the collector.
    """
    status, rules, _ = upstream["copy_unbounded"]()
    assert status in (TIMEOUT, OUT_OF_MEMORY), "it came to an end"
    assert rules[0] == "ALIGN" and "PFN-ID" in rules


def test_batch_of_one_cuts_a_run(upstream):
    status, rules, said = upstream["cut_after_skip"]()
    assert status == 1 and rules[0] == "UNMAP-CUT"
    assert re.search(r"WARNING: .* at mock_domain_unmap_pages", said)


def test_unpin_reads_back_what_is_unmapped(upstream):
    _, rules, said = upstream["read_back"]()
    assert rules == ["PFN-READBACK"]
    assert re.search(r"WARNING: .* at mock_domain_iova_to_phys", said)


def test_dirty_bits_behind_a_hole_are_not_read(upstream):
    status, rules, said = upstream["dirty_hole"]()
    assert (status, rules) == (1, ["DIRTY"])
    assert re.search(r"not ok - dirty_hole: dirty 0x3, written 0x33, and success", said)


def test_charge_of_a_dead_mm_hangs(upstream):
    _, _, said = upstream["dead_mm"]()
    assert "not ok - dead_mm: HWPT_ALLOC hangs, and SIGKILL does not end it" in said
