# SPDX-License-Identifier: GPL-2.0-only
"""What check finds in the unmodified kernel; docs/findings.md says why it is right."""

import re

import pytest
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
