# SPDX-License-Identifier: GPL-2.0-only
"""ls shows exactly what is there; under a storm of changes no row is wrong, with many areas none is missing."""

import json
import re
import subprocess

import jsonschema
import pytest
from live import MOCK, run_batch

BASE, PAGE, MIB = 0x1000000, 4096, 1 << 20
MANY = 200_000
ROUNDS = 5

# Starts a holder, waits until all is in place, and lets it end at the end of the case. The wait is for a file of the
# guest, see live.py.
HOLD = """\
mkfifo /tmp/in.$$
$W/hold {0} </tmp/in.$$ >/tmp/{1}.facts & holder=$!
exec 7>/tmp/in.$$
until [ -s /tmp/{1}.facts ]; do kill -0 $holder || exit 99; sleep 0.1; done
cp /tmp/{1}.facts $OUT
"""
END = "\nstatus=$?; exec 7>&-; wait $holder || exit 98; exit $status"


def holding(name, what, script):
    return HOLD.format(what, name) + script + END


STORM = """$W/storm --seconds 300 --seed {seed} >/dev/null 2>&1 & storm=$!
sleep 1
for i in $(seq {rounds}); do $I ls -f json {options} >$OUT/{name}.$i || exit; done
kill $storm; wait $storm; true"""

# By guest: each has its own, since under emulation they take minutes.
PLAIN = {
    "nobody": "$I ls && $I ls -f json",
    "json": holding("json", "mock", "$I ls -f json"),
    "text": holding("text", "mock", "$I ls"),
    "summary": holding("summary", "mock", "$I ls -s && $I ls -s -f json"),
    "filters": holding("filters", "mock", """
for option in "--pid $holder" "--pid 1" "--pid 1 --pid $holder" "--comm hold" "--comm hol" "--pid $holder --comm x" \
	"--ioas 1" "--ioas 2" "--ioas 3" "--device iommufd_mock0" "--device iommufd_mock"; do
	$I ls -f json $option | head -n 1 || exit
done"""),
    "full": "exec $I ls >/dev/full",
}
LARGE = {
    "many": holding("many", f"many {MANY}", "$I ls -f json"),
    "terminal": holding("terminal", f"many {MANY // 2}", "script -qc '$I ls -s --section 16' /dev/null"),
    "quiet": holding("quiet", f"many {MANY // 2}", "script -qc '$I ls -qs --section 16' /dev/null"),
    "churn": holding("churn", f"churn {MANY // 10}", f"""
for i in $(seq {ROUNDS}); do $I ls -f json --section $((i * 200)) >$OUT/churn.$i || exit; done"""),
}
STORMS = {
    "storm": STORM.format(name="storm", seed=5, rounds=ROUNDS, options=""),
    "storm_parts": STORM.format(name="storm_parts", seed=6, rounds=ROUNDS, options="--section 16"),
}


@pytest.fixture(scope="module", params=["stock", "traced", "own"])
def kernel(request):
    return request.getfixturevalue(f"{request.param}_kernel")


@pytest.fixture(scope="module", params=["stock", "own"])
def kernel_of_many(request):
    """Which depend on how an IOAS is walked, not on what is traced."""
    return request.getfixturevalue(f"{request.param}_kernel")


@pytest.fixture(scope="module")
def cases(kernel, built, tmp_path_factory):
    return run_batch(kernel, tmp_path_factory.mktemp("plain"), PLAIN, *MOCK, leftovers=True)


@pytest.fixture(scope="module")
def large(kernel_of_many, built, tmp_path_factory):
    return run_batch(kernel_of_many, tmp_path_factory.mktemp("large"), LARGE, *MOCK)


@pytest.fixture(scope="module")
def storms(kernel, built, tmp_path_factory):
    return run_batch(kernel, tmp_path_factory.mktemp("storms"), STORMS, *MOCK)


@pytest.fixture(scope="module")
def schema(built):
    text = json.loads(subprocess.run([built, "schema"], capture_output=True, text=True, check=True).stdout)
    return jsonschema.Draft202012Validator(text)


def said(cases, name):
    assert (cases[name].status, cases[name].err) == (0, "")
    return cases[name].objects


def facts(cases, name):
    return json.loads((cases[name].directory / f"{name}.facts").read_text())


def rounds(cases, name):
    """What each round found: the lines of JSON."""
    assert cases[name].status == 0, cases[name].err
    return [[json.loads(line) for line in (cases[name].directory / f"{name}.{i + 1}").read_text().splitlines()]
            for i in range(ROUNDS)]


# --- exactly what is there ---------------------------------------------------

def area(known, offset, pages, iova, **more):
    return {"iova": iova, "last": iova + pages * PAGE - 1, "user_address": known["va"] + offset * PAGE, "live": True,
            "file": "0x0", "file_offset": 0,
            "pages_count": pages, "pages_pinned": pages, "pages_charged": 0, "account": "none",
            "charged_tgid": known["pid"], "pages_busy": False, "accesses": 0, **more}


def without(one, *keys):
    return {key: value for key, value in one.items() if key not in keys}


def test_exactly_what_is_there(cases):
    (context, totals), known = said(cases, "json"), facts(cases, "json")
    assert context["holders"] == [{"tgid": known["pid"], "fd": known["fd"], "uid": 0, "comm": "hold"}]
    assert context["account"] == "none" and context["vfio_ioas"] == 0 and context["changed"] is False
    (device,) = context["devices"]
    domain = device["domain"]
    assert device == {"id": known["device"], "name": "iommufd_mock0", "group": device["group"],
                      "hwpt": known["hwpt"], "domain": domain}
    first, second = context["ioases"]
    assert (first["id"], second["id"]) == (known["a"], known["b"])
    assert first["domains"] == [{"domain": domain, "aperture_start": BASE, "aperture_last": 0x7fffffff,
                                 "page_sizes": 2048}]
    assert first["hwpts"] == [{"id": known["hwpt"], "domain": domain, "parent": 0, "flags": ["auto"]}]
    assert first["reserved"] == [{"start": 0, "last": BASE - 1, "owner": domain},
                                 {"start": 0x80000000, "last": 2**64 - 1, "owner": domain}]
    assert first["allowed"] == first["accesses"] == second["domains"] == second["hwpts"] == []
    both = ["read", "write", "cache"]
    assert [without(one, "pages") for one in first["areas"]] == [
        area(known, 0, 16, BASE, prot=both, stored_in=domain),
        area(known, 16, 8, BASE + MIB, prot=["read", "cache"], stored_in=domain)]
    assert [without(one, "pages") for one in second["areas"]] == [
        area(known, 0, 16, 2 * BASE, prot=both, stored_in="0x0", accesses=1)]
    assert first["areas"][0]["pages"] == second["areas"][0]["pages"] != first["areas"][1]["pages"]
    assert second["reserved"] == [{"start": 64 * MIB, "last": 65 * MIB - 1, "owner": "0x0"}]
    assert second["allowed"] == [{"start": BASE, "last": 4 * BASE - 1, "owner": "0x0"}]
    assert [access["alignment"] for access in second["accesses"]] == [4096]
    assert (first["alignment"], second["alignment"]) == (2048, 4096)
    sums = {"contexts": 1, "ioases": 2, "areas": 3, "devices": 1, "bytes_mapped": 40 * PAGE, "pages_pinned": 24,
            "pages_charged": 0}
    assert totals == {"type": "totals", **sums, "processes": [{"tgid": known["pid"], "comm": "hold", **sums}]}


def test_text(cases):
    assert cases["text"].status == 0
    known = facts(cases, "text")
    text = cases["text"].out
    assert text.startswith(f"hold/{known['pid']} fd {known['fd']}, uid 0\n  device {known['device']}  iommufd_mock0, group ")
    for line in (f"  IOAS {known['a']}  alignment 2K, areas 2, domains 1",
                 f"    HWPT {known['hwpt']}  auto, aperture 0x1000000-0x7fffffff, pages 2K",
                 f"    reserved  0-0xffffff  by HWPT {known['hwpt']}",
                 f"    area  0x1000000-0x100ffff  64K  read|write|cache  from {known['va']:#x}  pinned 16 of 16",
                 f"    area  0x1100000-0x1107fff  32K  read|cache  from {known['va'] + 16 * PAGE:#x}  pinned 8 of 8",
                 "    allowed  0x1000000-0x3ffffff", "    reserved  0x4000000-0x40fffff",
                 f"    area  0x2000000-0x200ffff  64K  read|write|cache  from {known['va']:#x}  pinned 16 of 16, 1 accesses"):
        assert line + "\n" in text
    assert re.search(rf"^hold/{known['pid']} +1 +2 +3 +1 +160K +24 +0$", text, re.M)


def test_nobody(cases):
    assert cases["nobody"].status == 0
    table, totals = cases["nobody"].out.rsplit("\n", 2)[:2]
    assert table.splitlines()[0].startswith("PROCESS") and table.splitlines()[1].split() == ["all"] + ["0"] * 7
    assert json.loads(totals)["contexts"] == 0


def test_summary(cases):
    text, line = cases["summary"].out.rsplit("\n", 2)[:2]
    assert len(text.splitlines()) == 3 and json.loads(line)["type"] == "totals"


def test_filters(cases):
    """By what --filters lists: all, none, all, all, none, none, one IOAS each, no such, that of the device, no such."""
    found = [[ioas["id"] for ioas in one.get("ioases", [])] if one["type"] == "context" else None
             for one in said(cases, "filters")]
    known = facts(cases, "filters")
    everything = [known["a"], known["b"]]
    assert found == [everything, None, everything, everything, None, None, [1], [2], None, [known["a"]], None]


def test_output_that_does_not_arrive(cases):
    assert cases["full"].status == 2
    assert cases["full"].err == "iommuscope: cannot write to standard output: No space left on device\n"


def test_fits_the_schema(cases, schema):
    lines = said(cases, "json") + said(cases, "filters")
    assert [error.message[:200] for line in lines for error in schema.iter_errors(line)] == []
    assert not schema.is_valid({**lines[0], "more": 1}) and not schema.is_valid(without(lines[0], "holders"))
    assert not schema.is_valid({**lines[0], "ioases": [without(lines[0]["ioases"][0], "areas")]})


def test_nothing_is_left(cases):
    assert {name: result.left for name, result in cases.items() if result.left} == {}


# --- many areas --------------------------------------------------------------

def test_many_areas(large):
    context, totals = said(large, "many")
    (ioas,), known = context["ioases"], facts(large, "many")
    assert [one["iova"] for one in ioas["areas"]] == [BASE + 2 * i * PAGE for i in range(MANY)]
    assert {one["user_address"] for one in ioas["areas"]} == {known["va"]}
    assert totals["areas"] == MANY and totals["bytes_mapped"] == MANY * PAGE


def test_progress_is_for_terminals_that_wait(large):
    """Drawn more than once, up to the end, and gone in the end; --quiet has none."""
    drawn = re.findall(r"\r\[#* *\] +(\d+)%  (\d+) areas", large["terminal"].out)
    assert "\r[" not in large["quiet"].out and "PROCESS" in large["quiet"].out
    if len(drawn) < 2:
        pytest.skip("it was done before there was anything to wait for")
    assert drawn == sorted(drawn, key=lambda one: int(one[1]))
    assert 0 < int(drawn[0][0]) < 100 and int(drawn[-1][1]) > MANY // 4
    assert re.search(r"\r +\rPROCESS ", large["terminal"].out)


# --- while all changes -------------------------------------------------------

def test_parts_of_what_changes_fit_together(large):
    """One area is gone at a time, in several parts perhaps some: but none is twice there, or wrong."""
    known, slots = facts(large, "churn"), MANY // 10
    for number, (context, _) in enumerate(rounds(large, "churn"), 1):
        (ioas,) = context["ioases"]
        parts = -(-slots // (number * 200))
        assert parts <= ioas["sections"] <= parts + 1
        found = [one["iova"] for one in ioas["areas"]]
        assert found == sorted(set(found)) and set(found) <= {BASE + 2 * i * PAGE for i in range(slots)}
        assert slots - ioas["sections"] <= len(found) <= slots
        assert {one["last"] - one["iova"] for one in ioas["areas"]} == {PAGE - 1}
        assert {one["user_address"] for one in ioas["areas"] if one["live"]} == {known["va"]}


def overlaps(ranges):
    ordered = sorted((one["start"] if "start" in one else one["iova"], one["last"]) for one in ranges)
    return [pair for pair in zip(ordered, ordered[1:]) if pair[1][0] <= pair[0][1]]


def disagree(ioas, one_instant):
    """What cannot be true of one IOAS at one instant; an IOAS read in parts must fit part by part."""
    areas, domains = ioas["areas"], {one["domain"] for one in ioas["domains"]}
    wrong = [("overlap", pair) for pair in overlaps(areas)]
    for one in areas:
        live = one["live"]
        if one["last"] < one["iova"] or one["pages_pinned"] > one["pages_count"] or not one["prot"]:
            wrong.append(("area", one))
        if live != (one["pages"] != "0x0") or live != (one["user_address"] != 0):
            wrong.append(("half an area", one))
        if live and one["pages_count"] * PAGE < one["last"] - one["iova"] + 1:
            wrong.append(("more than its pages", one))
        if one_instant and live and (one["stored_in"] in domains) != bool(domains):
            wrong.append(("stored elsewhere", one))
        if one_instant and live and domains and not one["pages_busy"] and one["pages_pinned"] == 0:
            wrong.append(("in a domain, not pinned", one))
        if one_instant and any(one["iova"] <= r["last"] and one["last"] >= r["start"] for r in ioas["reserved"]):
            wrong.append(("in a reserved range", one))
        if one["iova"] % ioas["alignment"] and one_instant and live:
            wrong.append(("not aligned", one))
    for hwpt in ioas["hwpts"]:
        if one_instant and "nested" in hwpt["flags"] and not any(h["id"] == hwpt["parent"] for h in ioas["hwpts"]):
            wrong.append(("nested on nothing", hwpt))
    return wrong


@pytest.mark.parametrize("name", ["storm", "storm_parts"])
def test_no_row_is_wrong_in_a_storm(storms, name):
    wrong, seen, still = [], 0, 0
    for found in rounds(storms, name):
        for context in found[:-1]:
            pages = {}
            for ioas in context["ioases"]:
                wrong += disagree(ioas, ioas["sections"] == 1)
                seen += len(ioas["areas"])
                for one in ioas["areas"]:
                    if one["live"] and not context["changed"]:
                        pages.setdefault(one["pages"], set()).add(one["charged_tgid"])
            still += not context["changed"]
            assert len({one["id"] for one in context["objects"]}) == len(context["objects"])
        assert found[-1]["areas"] == sum(len(ioas["areas"]) for one in found[:-1] for ioas in one["ioases"])
    assert wrong == []
    assert seen > 1000 and still > ROUNDS, "it was a storm, and most contexts stood still for long enough"


def test_without_iommufd(vm, built):
    done = vm("--no-modules", "--", built, "ls")
    assert (done.returncode, done.stderr) == (2, "iommuscope: iommufd is not loaded; run 'modprobe iommufd'\n")
