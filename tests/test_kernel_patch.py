# SPDX-License-Identifier: GPL-2.0-only
"""The tracepoint series: each patch compiles, adds only, and is what a kernel maintainer would take."""

import collections
import pathlib
import re
import subprocess

import pytest
from buildtree import apply_patches, compile_part, copy_parts, tree_with
from conftest import REPO, built_directory
from live import all_steps, run_batch
from test_kernel import project
from test_own import FEW, OBSERVE
from test_workload import assert_all_ok

SERIES = REPO / "kernel_patch/tracepoints/6.12"
IOMMUFD = "drivers/iommu/iommufd"
PATCHES = (SERIES / "series").read_text().split()


@pytest.fixture(scope="module")
def source(traced_kernel):
    """The plain source that the series is for."""
    return ((traced_kernel / "vmlinux").resolve().parent / "source").resolve()


def text_of(name):
    return (SERIES / name).read_text()


def test_series_names_every_patch():
    assert sorted(PATCHES) == PATCHES == sorted(path.name for path in SERIES.glob("*.patch"))


@pytest.mark.parametrize("version", ["6.12", "7.3"])
def test_cover_letter_counts_what_there_is(version):
    """Its diffstat is of the whole series: what all patches add, less what a later one takes back."""
    directory = REPO / "kernel_patch/tracepoints" / version
    done = subprocess.run(["git", "apply", "--numstat", *sorted(directory.glob("*.patch"))], cwd=REPO, capture_output=True,
                          text=True, check=True)
    added = collections.Counter()
    for plus, minus, path in (line.split("\t") for line in done.stdout.splitlines()):
        added[path] += int(plus) - int(minus)
    letter = (directory / "0000-cover-letter").read_text()
    assert {path: int(count) for path, count in re.findall(r"^ (\S+) +\| +(\d+) \++$", letter, re.M)} == added
    assert f" {len(added)} files changed, {added.total()} insertions(+)" in letter


@pytest.mark.parametrize("count", range(1, len(PATCHES) + 1), ids=lambda count: PATCHES[count - 1][:4])
def test_each_patch_compiles(count, tmp_path):
    """On top of those before it, without those behind it."""
    files = {f"tracepoints__6.12__{name}": text_of(name) for name in PATCHES[:count]}
    files["tracepoints__6.12__series"] = "\n".join(PATCHES[:count]) + "\n"
    tool = project(REPO, tmp_path, **files)
    done = subprocess.run([tool, "build", "6.12"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    log = pathlib.Path(done.stdout.strip()) / "log"
    assert "warning:" not in log.read_text()


@pytest.mark.parametrize("name", PATCHES, ids=lambda name: name[:4])
def test_patch_only_adds(name):
    """To what there was; within the series, a later patch may still improve on an earlier one's own files."""
    new = set(re.findall(r"^--- /dev/null\n\+\+\+ b/(\S+)", "".join(map(text_of, PATCHES)), re.M))
    for part in re.split(r"^(?=diff --git )", text_of(name), flags=re.M)[1:]:
        path = re.search(r"^diff --git a/\S+ b/(\S+)", part)[1]
        removed = [line for line in part.splitlines() if line.startswith("-") and not line.startswith("--- ")]
        removed = [line for line in removed if line != "-- "]
        assert path in new or removed == [], f"{path} loses lines"


@pytest.mark.parametrize("name", PATCHES, ids=lambda name: name[:4])
def test_checkpatch_has_nothing_to_say(name, source):
    done = subprocess.run(["perl", "scripts/checkpatch.pl", "--strict", "--show-types", SERIES / name],
                          cwd=source, capture_output=True, text=True, check=False)
    assert re.search(r"^total: \d+ errors", done.stdout, re.M), done.stdout + done.stderr
    complaints = set(re.findall(r"^(?:ERROR|WARNING|CHECK):(\w+):", done.stdout, re.M))
    if covered(name, source):
        complaints.discard("FILE_PATH_CHANGES")     # it asks whether MAINTAINERS knows of new files
    assert complaints == set(), done.stdout


def covered(name, source):
    """New files are in a directory, or under a name, that MAINTAINERS gives to iommufd, here or in the series."""
    section = re.search(r"^IOMMUFD$.*?^$", (source / "MAINTAINERS").read_text(errors="replace"), re.M | re.S)[0]
    patterns = re.findall(r"^F:\t(\S+)", section, re.M)
    patterns += re.findall(r"^\+F:\t(\S+)", "".join(map(text_of, PATCHES)), re.M)
    files = re.findall(r"^--- /dev/null\n\+\+\+ b/(\S+)", text_of(name), re.M)
    return all(any(file.startswith(pattern) for pattern in patterns) for file in files)


@pytest.mark.parametrize("name", PATCHES, ids=lambda name: name[:4])
def test_patch_is_a_mail(name):
    text = text_of(name)
    head, _, rest = text.partition("\n---\n")
    assert re.match(r"From [0-9a-f]{40} ", text) and rest
    assert re.search(r"^Subject: \[PATCH[^]]*\] iommufd: [A-Z]", head, re.M)
    assert re.search(r"^Signed-off-by: .+ <\S+@\S+>$", head, re.M)
    body = head.partition("\n\n")[2]
    assert len(body.split()) > 20, "a maintainer wants to know why"


@pytest.fixture(scope="module")
def built_in(traced_kernel, source, tmp_path_factory):
    """
    The objects of iommufd with the series, compiled as part of the kernel image: against a copy of the build tree
    whose configuration says so. A whole kernel would take minutes, and only link what this compiles.
    """
    directory = tmp_path_factory.mktemp("built-in")
    tree, base = directory / "tree", (traced_kernel / "vmlinux").resolve().parent
    work = directory / "work"
    tree_with(["CONFIG_IOMMUFD"], base, tree)
    copy_parts(source, work, IOMMUFD)
    apply_patches(work, [SERIES / name for name in PATCHES])
    objects = [path.with_suffix(".o").name for path in (work / IOMMUFD).glob("*.c")]
    assert "warning:" not in compile_part(tree, work, IOMMUFD, *objects)
    subprocess.run(["ld", "-r", "-o", directory / "iommufd.o", *(work / IOMMUFD / name for name in objects)], check=True)
    symbols = subprocess.run(["nm", directory / "iommufd.o"], capture_output=True, text=True, check=True).stdout
    return [line.split()[-2:] for line in symbols.splitlines()]


def test_series_compiles_built_in(built_in):
    """As a part of the image it starts by an initcall, not as a module, and has each tracepoint once."""
    events = set(re.findall(r"^\+TRACE_EVENT\((iommufd_\w+),", "".join(map(text_of, PATCHES)), re.M))
    defined = {name for kind, name in built_in if kind != "U"}
    assert len(events) > 20 and {f"__tracepoint_{event}" for event in events} <= defined
    assert not any(kind == "U" and name.startswith("__tracepoint_iommufd") for kind, name in built_in)
    assert any(re.match(r"__initcall__.*_iommufd_init", name) for name in defined)
    assert not {"init_module", "__this_module"} & {name for _, name in built_in}


def test_debug_kernel_finds_no_mistake(built, tmp_path):
    """KASAN, lockdep and DEBUG_VM, while all events are on: a splat makes the guest fail. One step shows upstream's bug."""
    kernel = built_directory("build", "6.12", "--config", "debug")
    steps = f"{OBSERVE}; {all_steps('mock', 'fail_nth_two_domains')}"
    assert_all_ok(run_batch(kernel, tmp_path, {"mock": steps}, *FEW)["mock"].out)
