# SPDX-License-Identifier: GPL-2.0-only
"""7.3, devices that no IOMMU translates for: pinned, mapped and charged as any other, but of no group and claimed by nobody.

The option is one of modules alone, so only these are compiled, against the base kernel that is there.
"""

import shutil
import subprocess

import pytest
from buildtree import apply_patches, compile_part, copy_parts, tree_with
from conftest import REPO
from live import MOCK, assert_pass, check_command, read_check, run_batch
from test_kernel_7_3 import VERSION, built_7_3
from test_late import check
from test_stock import assert_stock_pass
from test_workload import assert_all_ok

OPTIONS = ("CONFIG_VFIO_NOIOMMU", "CONFIG_IOMMUFD_NOIOMMU")
SERIES = REPO / "kernel_patch/tracepoints" / VERSION
IOMMUFD = "drivers/iommu/iommufd"
CASES = {
    "noiommu": check_command("noiommu", "$W/noiommu"),
    "late": "echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode\n"
            "mkfifo /tmp/in; $W/noiommu hold </tmp/in >/tmp/out & holder=$!; exec 7>/tmp/in\n"
            "until [ -s /tmp/out ]; do kill -0 $holder || exit 99; sleep 0.1; done\n"
            f"$I {check('late', '-d 3')}; status=$?; $I ls -f json; exec 7>&-; wait $holder || exit 98; exit $status",
}


@pytest.fixture(scope="module", params=["traced", "stock"])
def kernel(request, tmp_path_factory):
    """The directory of a kernel as scripts/kernel makes them, with the modules of that option."""
    plain, directory = built_7_3("build", VERSION, "--flavour", request.param), tmp_path_factory.mktemp(request.param)
    base = (plain / "vmlinux").resolve().parent
    tree, work, kernel = directory / "tree", directory / "work", directory / "kernel"
    tree_with(OPTIONS, base, tree)
    copy_parts((base / "source").resolve(), work, IOMMUFD, "drivers/vfio", "include/trace/events")
    apply_patches(work, sorted(SERIES.glob("*.patch")) if request.param == "traced" else ())
    shutil.copytree(plain / "modules", kernel / "modules")
    for path in plain.iterdir():
        if path.name != "modules":
            (kernel / path.name).symlink_to(path.resolve())
    for part in (IOMMUFD, "drivers/vfio"):
        compile_part(tree, work, part, "modules")
        for module in (work / part).rglob("*.ko"):
            if (kernel / "modules" / module.name).exists():
                subprocess.run(["strip", "--strip-debug", "-o", kernel / "modules" / module.name, module], check=True)
    return request.param, kernel


@pytest.fixture(scope="module")
def guest(kernel, built, tmp_path_factory):
    flavour, directory = kernel
    return flavour, run_batch(directory, tmp_path_factory.mktemp("noiommu"), CASES, *MOCK)


def test_passes(guest):
    flavour, results = guest
    checked = read_check(results["noiommu"], "noiommu")
    assert_all_ok(checked.out)
    (assert_pass if flavour == "traced" else assert_stock_pass)(checked)


def test_what_was_there_is_followed(guest):
    _, results = guest
    checked = read_check(results["late"], "late")
    assert (checked.verdict, checked.violations) == ("PASS", []), checked.summary["why"]
    assert checked.summary["contexts"]["seen"] == 1 and checked.records["device"] == 4, "two devices, bound and attached"


def test_ls(guest):
    _, results = guest
    (line,) = [one for one in results["late"].objects if one["type"] == "context"]
    assert [device["group"] for device in line["devices"]] == [-1, -1]
