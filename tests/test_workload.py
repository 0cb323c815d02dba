# SPDX-License-Identifier: GPL-2.0-only
"""Our workloads: real DMA and every path of the mock IOMMU pass, and make every kind of record."""

import collections
import re

import pytest
from conftest import REPO, built_directory
from live import MOCK, all_steps, assert_pass, check_command, contract_kinds, read_check, run_batch, run_check

STEP = "two_hwpt_map_unmap"
# Upstream is wrong there: test_finding.py.
FINDING = "fail_nth_two_domains"
BY_LATE_SYNC = "iotlb_sync"
TEXT_LINE = re.compile(r"^ *\d+\.\d{6}  (?P<who>\S+) +(?P<ctx>ctx\d+|-) +(?P<what>[\w.]+)(?P<fields>( +\S+=.*| *))$")


@pytest.fixture(scope="module")
def mock(traced_kernel, built, tmp_path_factory):
    cases = {
        "check": check_command("check", all_steps("mock", FINDING)),
        "json": f"exec $I trace --format json -o $OUT/trace.json -- $W/mock {STEP}",
        "text": f"exec $I trace -o $OUT/trace.text -- $W/mock {STEP}",
    }
    return run_batch(traced_kernel, tmp_path_factory.mktemp("mock"), cases, *MOCK)


@pytest.fixture(scope="module")
def vfio(traced_kernel, built, tmp_path_factory):
    """{workload: Checked}: iommufd's own ioctls, and those of VFIO's container."""
    cases = {name: check_command(name, f"$W/{name}") for name in ("vfio_dma", "vfio_container")}
    done = run_batch(traced_kernel, tmp_path_factory.mktemp("vfio"), cases)
    return {name: read_check(done[name], name) for name in cases}


def assert_all_ok(output):
    """No step failed, and none was left out."""
    lines = [line for line in output.splitlines() if re.match(r"(not )?ok ", line)]
    assert lines and all(line.startswith("ok ") and "# SKIP" not in line for line in lines), output


@pytest.mark.parametrize("name", ["vfio_dma", "vfio_container"])
def test_real_dma_passes(vfio, name):
    assert_all_ok(vfio[name].out)
    assert vfio[name].summary["command"]["status"] == 0
    assert_pass(vfio[name])


def test_mock_passes(mock):
    checked = read_check(mock["check"], "check")
    assert_all_ok(checked.out)
    assert checked.summary["command"]["status"] == 0
    assert_pass(checked)


def test_every_kind_of_record_is_seen(mock, vfio):
    """Of the whole contract."""
    seen = set(read_check(mock["check"], "check").records) | set(vfio["vfio_dma"].records)
    assert contract_kinds() - seen == set()
    assert seen - contract_kinds() == set(), "kinds that the contract does not have"


def test_late_sync_is_seen_and_right(built, tmp_path):
    """iommufd 6.12 asks for unmap and IOTLB sync in one; one that asks for them in turn is no worse."""
    kernel = built_directory("build", "6.12", "--patch", REPO / "tests/data/deferred-sync.patch")
    checked = run_check(kernel, tmp_path, "$W/vfio_dma after_unmap unmap_partial")
    assert_pass(checked)
    assert checked.records[BY_LATE_SYNC] >= checked.records["dma_unmap"] > 0


@pytest.fixture(scope="module")
def lines(mock):
    """The JSON lines of trace."""
    result = mock["json"]
    assert result.status == 0, result.err
    result.out = (result.directory / "trace.json").read_text()
    return result.objects


def test_trace_json_is_a_whole_life(lines):
    assert [one["type"] for one in lines[:-1]] == ["record"] * (len(lines) - 1)
    names = [(one["kind"], one.get("action")) for one in lines[:-1]]
    assert names[0] == ("ctx", "open") and names[-1] == ("ctx", "freed")
    wanted = [("object", "alloc"), ("ioas", None), ("device", "attach"), ("hwpt", None), ("iova", "fixed"),
              ("area", "insert"), ("pin", "held"), ("dma_map", None), ("account", None), ("area", "ready"),
              ("map", "user"), ("area", "dying"), ("dma_unmap", None), ("unpin", None), ("unmap", "ioctl"),
              ("device", "detach"), ("ctx", "release")]
    place = iter(names)
    assert [name for name in wanted if name not in place] == [], "not there, or not in this order"


def test_trace_json_ends_with_a_summary_that_adds_up(lines):
    summary = lines[-1]
    assert summary["type"] == "summary" and summary["verdict"] is None
    assert summary["records"] == collections.Counter(one["kind"] for one in lines[:-1])
    assert set(summary["lost"].values()) == {0}
    assert summary["command"]["argv"][-1] == STEP and summary["command"]["status"] == 0


def test_trace_numbers_have_no_gap(lines):
    rings = collections.defaultdict(list)
    for one in lines[:-1]:
        rings[one["ring"]].append(one["seq"])
    assert all(sorted(numbers) == list(range(len(numbers))) for numbers in rings.values())


def test_trace_maps_what_it_pins(lines):
    """The PFNs of the pin records are the physical addresses of the map records."""
    pinned, mapped = set(), set()
    for one in lines[:-1]:
        if one["kind"] == "pin_runs":
            pinned |= {pfn + i for pfn, count in one["runs"] for i in range(count)}
        if one["kind"] == "dma_map" and not one["rc"]:
            mapped |= {(paddr + i) >> 12 for paddr, size in one["runs"] for i in range(0, size, 4096)}
    assert pinned and pinned == mapped


def test_trace_text_says_the_same(mock, lines):
    assert mock["text"].status == 0, mock["text"].err
    text = (mock["text"].directory / "trace.text").read_text().splitlines()
    count = sum(1 for line in text if TEXT_LINE.match(line))
    found = [TEXT_LINE.match(line) for line in text[:count]]
    assert count > 50 and all(found), "the records come first, and each is one line"
    assert {match["ctx"] for match in found} == {"ctx1"}
    assert all(re.match(r"(mock|-)/\d+$", match["who"]) for match in found)
    assert found[0]["what"] == "ctx.open" and "comm=mock" in found[0]["fields"]
    names = {".".join(filter(None, (one["kind"], one.get("action")))) for one in lines[:-1]}
    assert {match["what"] for match in found} == names
    assert re.match(rf"^  {count} records, 0 lost$", text[count])
