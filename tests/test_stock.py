# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that nobody has patched: the same records from its functions, no false alarm, and bugs are caught."""

import json
import subprocess

import jsonschema
import pytest
from conftest import REPO, built_directory
from live import MOCK, SELFTEST, all_steps, check_command, read_check, run_batch, run_check
from test_late import assert_late, check, held_and_let_go, in_a_storm
from test_mutants import MUTANTS
from test_selftest import totals
from test_workload import FINDING, STEP, assert_all_ok

# What no function of iommufd shows, and the rules that need it.
NEVER = {"dirty", "iova_range", "readback", "access_pfns", "access_copy", "vfio",
         "pasid", "file", "process", "vdevice", "vevent"}
# Of the storm: 4 and 5 once had ends of objects, and calls for another ctx, told of the wrong one.
SEEDS = (4, 5)
# One of each kind of bug: memory, the IOVA space, charges, accesses, devices, page faults. All: make mutants-stock.
PLANTED = ("O03", "O06", "O07", "O08", "O09", "O12", "O14", "O16", "N04", "N28", "N64", "N65")


def assert_stock_pass(checked):
    assert checked.violations == [], checked.violations[0]["text"]
    assert (checked.verdict, checked.status) == ("PASS", 0), checked.summary["why"]
    assert set(checked.summary["lost"].values()) == {0}
    contexts = checked.summary["contexts"]
    assert contexts["seen"] > 0 and contexts["given_up"] == 0 and contexts["inconsistent_records"] == 0


@pytest.fixture(scope="module")
def schema(built):
    text = subprocess.run([built, "schema"], capture_output=True, text=True, check=True).stdout
    return jsonschema.Draft202012Validator(json.loads(text))


@pytest.fixture(scope="module")
def guest(stock_kernel, built, tmp_path_factory):
    cases = {
        "mock": check_command("mock", all_steps("mock", FINDING)),
        "one": f"exec $I trace -f json -o $OUT/one.trace -- $W/mock {STEP}",
        "doctor": "exec $I doctor",
        "json": "exec $I doctor --format json",
        "rules": "exec $I rules -f json",
        "rules_nobody": "exec setpriv --reuid 65534 --clear-groups --bounding-set -all --inh-caps -all $I rules -f json",
        "nobody": "exec setpriv --reuid 65534 --clear-groups --bounding-set -all --inh-caps -all $I doctor -f json",
        "refused": f"exec $I check --probes tracepoints -- $W/mock {STEP}",
        "hold": held_and_let_go(check("hold", "")),
        "late": in_a_storm("late", 11, check("late", "-d 20 --ring-size 64M")),
    }
    return run_batch(stock_kernel, tmp_path_factory.mktemp("stock"), cases, *MOCK)


def test_mock_passes(guest):
    checked = read_check(guest["mock"], "mock")
    assert_all_ok(checked.out)
    assert checked.summary["command"]["status"] == 0
    assert_stock_pass(checked)


def test_what_cannot_be_seen_is_named(guest):
    """And nothing else is left out."""
    missing = {one["rule"] for one in read_check(guest["mock"], "mock").summary["rules"]["not_checked"]}
    told = guest["json"].objects[0]
    assert missing == {one["rule"] for one in told["rules"] if not one["checked"]}
    for one in told["rules"]:
        assert one["checked"] == (not NEVER & set(one["needs"]))
        assert set(one["lacks"]) == NEVER & set(one["needs"])
    assert len(missing) < len(told["rules"]) / 4


def kinds_of(lines):
    return [(one["kind"], one.get("action")) for one in lines if one["type"] == "record"]


def test_records_are_those_of_the_tracepoints(guest, traced_kernel, built, tmp_path):
    """On the traced kernel both ways are there: the same workload gives the same kinds of records, as many of each."""
    cases = {where: f"exec $I trace -f json -o $OUT/{where}.trace --probes {where} -- $W/mock {STEP}"
             for where in ("tracepoints", "functions")}
    run_batch(traced_kernel, tmp_path, cases, *MOCK)
    tracepoints, functions = ([json.loads(line) for line in (tmp_path / f"{where}.trace").read_text().splitlines()]
                              for where in cases)
    stock = [json.loads(line) for line in (guest["one"].directory / "one.trace").read_text().splitlines()]
    wanted = sorted(map(str, (kind for kind in kinds_of(tracepoints) if kind[0] not in NEVER - {"dirty"})))
    assert sorted(map(str, kinds_of(functions))) == wanted
    assert sorted(map(str, kinds_of(stock))) == wanted


def test_tracepoints_can_be_insisted_on(guest):
    refused = guest["refused"]
    assert refused.status == 2
    assert "no tracepoints" in refused.err and "--probes functions" in refused.err


def test_real_dma_passes(stock_kernel, built, tmp_path):
    checked = run_check(stock_kernel, tmp_path, "$W/vfio_dma")
    assert_all_ok(checked.out)
    assert_stock_pass(checked)


def test_late_sync_is_seen_and_right(built, tmp_path):
    """An iommufd that synchronises the IOTLB by itself: the function of the driver tells."""
    kernel = built_directory("build", "6.12", "--flavour", "stock", "--patch", REPO / "tests/data/deferred-sync.patch")
    checked = run_check(kernel, tmp_path, "$W/vfio_dma after_unmap unmap_partial")
    assert_stock_pass(checked)
    assert checked.records["iotlb_sync"] > 0


def test_selftest_passes(stock_kernel, selftests, built, tmp_path):
    """All of upstream's own, and fault injection at every step."""
    cases = {"all": check_command("all", selftests / "iommufd"),
             "fail": check_command("fail", selftests / "iommufd_fail_nth")}
    results = run_batch(stock_kernel, tmp_path, cases, *SELFTEST)
    everything, fail = read_check(results["all"], "all"), read_check(results["fail"], "fail")
    passed, run = totals(everything.out)
    assert passed == run > 100
    assert totals(fail.out) == (7, 7)
    assert_stock_pass(everything)
    assert_stock_pass(fail)
    assert sum(everything.records.values()) > 500_000


def test_storm_is_no_false_alarm(stock_kernel, built, tmp_path):
    """Threads that race, on more CPUs than one: where the order of records cannot be proven nothing is judged."""
    storms = {f"seed{seed}": f"$W/storm --seed {seed} --seconds 0 --processes 2 --threads 3 --ops 2000" for seed in SEEDS}
    cases = {name: check_command(name, command, "--ring-size", "64M") for name, command in storms.items()}
    for name, result in run_batch(stock_kernel, tmp_path, cases, *MOCK, "--smp", 4).items():
        checked = read_check(result, name)
        assert_stock_pass(checked)
        assert sum(checked.records.values()) > 20_000


# ---- attached late ----

def test_from_snapshot_to_its_end(guest):
    """What the programs would have remembered of a ctx is filled in: which objects it has, and which pages are held."""
    checked = read_check(guest["hold"], "hold")
    assert_stock_pass(checked)
    assert checked.summary["contexts"]["seen"] == 1
    assert checked.records["ctx"] == 3 and checked.records["unpin"] > 0


def test_late_in_a_storm_is_no_false_alarm(guest):
    assert_late(read_check(guest["late"], "late"))


# ---- doctor ----

def test_doctor_of_stock(guest, schema):
    doctor, told = guest["doctor"], guest["json"].objects[0]
    assert doctor.status == 0, doctor.err
    assert doctor.out.endswith("check can run here, on functions\n")
    assert [error.message[:200] for error in schema.iter_errors(told)] == []
    assert (told["can_check"], told["source"]) == (True, "functions")
    facts = {one["name"]: one for one in told["facts"]}
    assert facts["iommufd"]["found"] == "module, loaded"
    assert facts["tracepoints"]["state"] == "limited" and "kernel_patch" in facts["tracepoints"]["remedy"]
    assert len(told["functions"]) > 100 and all(one["attached"] for one in told["functions"])
    assert told["tracepoints"] == []
    assert {one["kind"] for one in told["changes"]} == {"file", "pasid", "vdevice"}
    assert 'pasid              came with 2fb69c602d57 ("iommufd: Support pasid attach/replace")\n' in doctor.out


def test_doctor_without_rights(guest, schema):
    nobody = guest["nobody"]
    assert nobody.status == 2, nobody.out
    told = nobody.objects[0]
    assert [error.message[:200] for error in schema.iter_errors(told)] == []
    assert (told["can_check"], told["source"]) == (False, "none")
    facts = {one["name"]: one for one in told["facts"]}
    assert facts["capabilities"]["state"] == "lack" and "CAP_BPF" in facts["capabilities"]["remedy"]
    assert not any(one["checked"] for one in told["rules"])


def rules_here(result):
    assert (result.status, result.err) == (0, "")
    return {one["rule"]: one["available"] for one in result.objects}


def test_rules_says_what_doctor_says(guest):
    here = rules_here(guest["rules"])
    assert here == {one["rule"]: "yes" if one["checked"] else "no" for one in guest["json"].objects[0]["rules"]}
    assert set(here.values()) == {"yes", "no"}
    assert set(rules_here(guest["rules_nobody"]).values()) == {"?"}, "who may not try does not know"


def test_doctor_of_traced(traced_kernel, built, tmp_path):
    guest = run_batch(traced_kernel, tmp_path, {"json": "exec $I doctor -f json", "rules": "exec $I rules -f json"}, *MOCK)
    result = guest["json"]
    told = result.objects[0]
    assert result.status == 0 and told["source"] == "tracepoints"
    assert set(rules_here(guest["rules"]).values()) == {"yes"}
    assert all(one["checked"] for one in told["rules"])
    assert all(one["attached"] for one in told["tracepoints"] + told["functions"])


def test_doctor_without_iommufd(stock_kernel, built, tmp_path):
    """The module is not loaded: that is what lacks, and no rule can be checked."""
    done = run_batch(stock_kernel, tmp_path, {"doctor": "exec $I doctor -f json"}, *MOCK, "--no-modules")["doctor"]
    told = done.objects[0]
    facts = {one["name"]: one for one in told["facts"]}
    assert done.status == 2 and not told["can_check"] and told["source"] == "none"
    assert facts["iommufd"]["state"] == "lack" and "CONFIG_IOMMUFD" in facts["iommufd"]["remedy"]
    assert not any(one["checked"] for one in told["rules"])


# ---- planted bugs ----

def planted(names):
    return pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.id in names], ids=lambda mutant: mutant.id)


def assert_caught(kernel, mutant, directory):
    checked = run_check(kernel, directory, mutant.command(), vm=(*mutant.vm(), "--allow-splat"))
    assert (checked.verdict, checked.status) == ("FAIL", 1), checked.summary["why"]
    assert set(checked.rules) & set(mutant.rules.split(",")), f"{checked.rules} fired"


@planted(PLANTED)
def test_planted_bug_is_caught(mutant, built, tmp_path):
    kernel = built_directory("build", "6.12", "--flavour", "stock", "--patch", f"tests/mutants/{mutant.id}.patch")
    assert_caught(kernel, mutant, tmp_path)
