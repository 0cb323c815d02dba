# SPDX-License-Identifier: GPL-2.0-only
"""
Clients that no one here wrote map memory for a device: trace shows it, check finds nothing wrong, ls names them.

QEMU gives a network card to an inner machine, DPDK forwards packets between two cards; by the ioctls of VFIO's type1
container, which iommufd understands, and by iommufd's own. The scripts in tests/clients/ are those of docs/recipes.md.
"""

import json
import os
import re
import shutil
import subprocess

import pytest
from conftest import REPO, built_directory, script, without_archive
from live import assert_pass, check_command, read_check, run_batch
from test_stock import assert_stock_pass

# An emulated machine that emulates another one is slow; how slow depends on what else this one has to do.
VM = ("--nics", "--append", "hugepages=64", "--timeout", 1200)
CARDS = ["0000:00:05.0", "0000:00:06.0"]
# Client: what it is called, its cards, and which interface it uses.
CLIENTS = {
    "dpdk-container": ("dpdk-testpmd", CARDS),
    "qemu-container": ("qemu-system-x86", CARDS[:1]),
    "qemu-cdev": ("qemu-system-x86", CARDS[:1]),
}
RAM = 128 << 20         # of the inner machine


def client_case(name, meanwhile=""):
    """trace prints what a client does while check judges it."""
    program, _, interface = name.partition("-")
    command = f"tests/clients/{program} {interface} {meanwhile}"
    return f"$I trace -f json -o $OUT/{name}.trace -- $I {check_command(name, command).removeprefix('exec $I ')}"


@pytest.fixture(scope="module")
def unpacked():
    """The programs that are not installed; a skip where the archive has them no more."""
    for name in ("dpdk", "qemu"):
        done = script("client", name)
        if done.returncode == 2 and "source not available" in done.stderr:
            pytest.skip(f"NOT TESTED with {name}: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=["traced", "stock", "own"])
def flavour(request):
    return request.param


@pytest.fixture(scope="module")
def results(flavour, unpacked, built, tmp_path_factory):
    kernel = built_directory("build", "6.12", "--flavour", flavour)
    cases = {name: client_case(name, f"$I ls -f json -o $OUT/{name}.ls") for name in CLIENTS}
    return run_batch(kernel, tmp_path_factory.mktemp(flavour), cases, *VM)


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


def lines(results, client, kind):
    path = results[client].directory / f"{client}.{kind}"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_no_false_alarm(results, client, flavour):
    checked = read_check(results[client], client)
    assert checked.summary["command"]["status"] == 0, checked.out + checked.err
    (assert_stock_pass if flavour == "stock" else assert_pass)(checked)
    assert checked.records["dma_map"] > 0 and checked.records["map"] > 0


def test_it_does_what_it_is_for(results):
    """testpmd counts packets, which the cards read from and wrote to what was mapped."""
    out = read_check(results["dpdk-container"], "dpdk-container").out
    totals = re.findall(r"Accumulated forward statistics.*?RX-packets: (\d+)", out, re.S)
    assert sum(map(int, totals)) > 0


def test_trace_shows_it(results, client):
    """From the moment it opens the file until that is freed."""
    assert results[client].status == 0, results[client].err
    records = [one for one in lines(results, client, "trace") if one["type"] == "record"]
    opened = [one for one in records if (one["kind"], one.get("action")) == ("ctx", "open")]
    assert [one["comm"] for one in opened] == [CLIENTS[client][0]]
    assert records[-1]["kind"] == "ctx" and records[-1]["action"] == "freed"
    assert sum(one["kind"] == "map" and not one["rc"] for one in records) > 1
    assert sum(one["kind"] == "unmap" for one in records) > 1, "some by itself, the rest when its file is closed"


def test_ls_shows_it_by_name(results, client):
    comm, cards = CLIENTS[client]
    context, totals = lines(results, client, "ls")
    assert [holder["comm"] for holder in context["holders"]] == [comm]
    assert sorted(device["name"] for device in context["devices"]) == cards
    (space,) = context["ioases"]
    assert context["vfio_ioas"] == (space["id"] if client.endswith("container") else 0)
    assert totals["pages_pinned"] == sum(area["pages_pinned"] for area in space["areas"]) > 0
    assert {area["pages_pinned"] - area["pages_count"] for area in space["areas"]} == {0}
    assert [one["comm"] for one in totals["processes"]] == [comm]


def test_ls_shows_what_trace_has_shown(results, client):
    mapped = {one["iova"] for one in lines(results, client, "trace") if one.get("kind") == "map" and not one["rc"]}
    areas = lines(results, client, "ls")[0]["ioases"][0]["areas"]
    assert {area["iova"] for area in areas} <= mapped
    if client.startswith("qemu"):
        assert sum(area["last"] - area["iova"] + 1 for area in areas if area["iova"] < RAM) == RAM


def test_type1_is_not_iommufd(traced_kernel, unpacked, built, tmp_path):
    """The same program by VFIO's own module: nothing to see, which is no PASS."""
    case = check_command("type1", "tests/clients/qemu type1 $I ls -f json")
    checked = read_check(run_batch(traced_kernel, tmp_path, {"type1": case}, *VM)["type1"], "type1")
    assert checked.summary["command"]["status"] == 0, checked.out + checked.err
    assert (checked.verdict, checked.status) == ("INCONCLUSIVE", 3)
    assert checked.summary["contexts"]["seen"] == 0
    assert json.loads(checked.out.splitlines()[0])["contexts"] == 0


def test_unknown_client_is_told():
    done = script("client", "spdk")
    assert (done.returncode, done.stdout) == (2, "") and "invalid choice: 'spdk'" in done.stderr


def test_says_when_the_archive_is_gone(tmp_path):
    shutil.copytree(REPO / "scripts", tmp_path / "scripts")
    without_archive(tmp_path / "scripts")
    done = subprocess.run([tmp_path / "scripts/client", "dpdk"], capture_output=True, text=True, check=False,
                          env={**os.environ, "IOMMUSCOPE_CACHE": str(tmp_path / "cache")})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("client: source not available: cannot read bookworm") and done.stderr.count("\n") == 1
