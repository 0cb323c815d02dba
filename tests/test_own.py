# SPDX-License-Identifier: GPL-2.0-only
"""Our own iommufd: upstream's selftests, our workloads under check, and a kernel that looks for its own mistakes."""

import collections
import json
import re
import shutil
import subprocess

import pytest
from conftest import CORE, REPO, WITH_CORE, built_directory
from live import MOCK, SELFTEST, assert_pass, check_command, contract_kinds, read_check, run_batch
from test_selftest import totals
from test_workload import assert_all_ok

OWN = REPO / "kernel_patch/iommufd"
# PFNs are stored in one place, and are never read back.
UPSTREAM_ONLY = {"xarray", "readback"}
LINES = 600             # of a file that one can hold in the head
# Which locks the two threads of crowd take, and who in iommufd asks for them. Memory of a mutex that one thread has freed
# can become one of the other: it is another lock once it is initialised.
LOCKS = """\
cd /sys/kernel/tracing
for f in __mutex_init mutex_lock down_read down_write _raw_spin_lock _raw_spin_lock_irq _raw_spin_lock_irqsave _raw_spin_lock_bh; do
	echo "p:locks/$f $f lock=%di caller=+0(%sp):symbol" >>kprobe_events
done
echo 'comm == "crowd-job"' >events/locks/filter
echo >trace
echo 1 >events/locks/enable
$W/crowd {mode} 20 >&2
status=$?
echo 0 >events/locks/enable
grep 'caller=.*\\[iommufd\\]' trace
echo >kprobe_events
exit $status
"""
LOCK = re.compile(r"^ *crowd-job-(\d+) .*: (\w+): .* lock=(0x\w+) caller=(\w+)", re.M)
# The kernel that looks for its own mistakes is several times slower. It does without those variants of the selftest that
# have only more of the same memory and take most of the time, and with less memory, all of which is searched for pointers.
FEW = (*MOCK, "--append", "hugepages=96", "--memory", "1G", "--timeout", "1200")
LARGE = ("domain_dirty64M", "domain_dirty64M_huge", "domain_dirty128M", "domain_dirty128M_huge")
# The code that tells what happens is to be looked at, too; from then on.
OBSERVE = "echo 1 >/sys/kernel/tracing/events/iommufd/enable"
# An object counts as lost when it is 5 s old; memory that was freed by RCU comes back a moment later. The scan fails
# when kmemleak has given up, and so does lockdep.
LEAKS = """\
busybox sleep 6
echo scan >/sys/kernel/debug/kmemleak || exit 2
grep -q '^ debug_locks: *1$' /proc/lockdep_stats || exit 3
cat /sys/kernel/debug/kmemleak
"""


@pytest.fixture(scope="module")
def mock(own_kernel, selftests, built, tmp_path_factory):
    cases = {
        "selftest": check_command("selftest", selftests / "iommufd"),
        "fail_nth": check_command("fail_nth", selftests / "iommufd_fail_nth"),
        "mock": check_command("mock", "$W/mock all"),
        "storm": check_command("storm", "$W/storm --seconds 5"),
        "crowd": check_command("crowd", "$W/crowd one 5"),
        "each": LOCKS.format(mode="each"),
        "both": LOCKS.format(mode="both"),
    }
    return run_batch(own_kernel, tmp_path_factory.mktemp("own"), cases, *SELFTEST)


@pytest.fixture(scope="module")
def vfio(own_kernel, built, tmp_path_factory):
    cases = {name: check_command(name, f"$W/{name}") for name in ("vfio_dma", "vfio_container")}
    # What upstream does wrong there is of a real IOMMU.
    cases["replace_within"] = check_command("replace_within", "$W/upstream replace_within")
    profile = {"profile": "$I profile -f json -o $OUT/profile.json -- $W/pins 4194304 2 4k"}
    done = run_batch(own_kernel, tmp_path_factory.mktemp("own-vfio"), {**cases, **profile})
    assert (done["profile"].status, done["profile"].err) == (0, "")
    return {"profile": json.loads((done["profile"].directory / "profile.json").read_text()),
            **{name: read_check(done[name], name) for name in cases}}


@pytest.fixture(scope="module")
def debug(selftests, built, tmp_path_factory):
    """KASAN, lockdep, kmemleak, DEBUG_VM: a splat makes the guest fail."""
    kernel = built_directory("build", "6.12", "--flavour", "own", "--config", "debug", *WITH_CORE)
    smaller = " ".join(f"-V {name}" for name in LARGE)
    cases = {
        "fail_nth": f"exec {selftests}/iommufd_fail_nth",
        "selftest": f"exec {selftests}/iommufd {smaller}",
        "mock": f"{OBSERVE}; exec $W/mock all",
        "storm": "exec $W/storm --seconds 5",
        "crowd": "exec $W/crowd one 3",
        "leaks": LEAKS,
    }
    return run_batch(kernel, tmp_path_factory.mktemp("own-debug"), cases, *FEW)


@pytest.mark.parametrize("name", ["selftest", "fail_nth"])
def test_upstream_selftests_pass_under_check(mock, name):
    checked = read_check(mock[name], name)
    passed, everything = totals(checked.out)
    assert passed == everything == {"selftest": 190, "fail_nth": 7}[name]
    assert_pass(checked)


@pytest.mark.parametrize("name", ["mock", "storm", "crowd"])
def test_workloads_pass_under_check(mock, name):
    checked = read_check(mock[name], name)
    assert_all_ok(checked.out)
    assert checked.summary["command"]["status"] == 0
    assert_pass(checked)


@pytest.mark.parametrize("name", ["vfio_dma", "vfio_container", "replace_within"])
def test_real_dma_passes_under_check(vfio, name):
    assert_all_ok(vfio[name].out)
    assert vfio[name].summary["command"]["status"] == 0
    assert_pass(vfio[name])


def test_every_kind_of_record_is_made(mock, vfio):
    seen = set(read_check(mock["mock"], "mock").records) | set(vfio["vfio_dma"].records)
    assert contract_kinds() - seen == UPSTREAM_ONLY
    assert seen - contract_kinds() == set()


def test_one_sync_for_an_operation(vfio):
    """Several windows and runs are unmapped, then the IOTLB is synchronised once."""
    records = vfio["vfio_dma"].records
    assert 0 < records["iotlb_sync"] <= records["dma_unmap"]


def test_profile_measures_it(vfio):
    """By functions of its own; what it has no need of, reading PFNs back, is not missing."""
    profile = vfio["profile"]
    phases = {row["phase"]: row for row in profile["phases"]}
    assert profile["absent"] == ["readback"]
    for phase in "map", "unmap", "pin_fast", "domain_map", "domain_unmap":
        assert phases[phase]["bytes"] == 2 * 4194304, phase
    assert phases["replay"]["calls"] > 0 and phases["account"]["calls"] == 2


def locks_of_threads(result):
    """[{lock: functions that ask for it}] of both threads; a lock is an address and how often it was initialised."""
    assert result.status == 0, result.err
    threads, born = collections.defaultdict(lambda: collections.defaultdict(set)), collections.Counter()
    for thread, function, address, caller in LOCK.findall(result.out):
        if function == "__mutex_init":
            born[address] += 1
        else:
            threads[thread][address, born[address]].add(caller)
    assert len(threads) == 2, result.out
    return threads.values()


def test_two_spaces_share_no_lock(mock):
    """Who maps and unmaps meets the locks of his own IOAS and of his memory, of nobody else."""
    first, second = locks_of_threads(mock["each"])
    assert {"ufd_map_copy", "ufd_unmap"} <= set().union(*first.values())
    assert len(first) > 2 and not set(first) & set(second), first
    first, second = locks_of_threads(mock["both"])
    shared = set(first) & set(second)
    assert len(shared) == 2, f"set_lock and map_lock of the same IOAS: {[first[lock] for lock in shared]}"


@pytest.mark.parametrize("name", ["selftest", "fail_nth"])
def test_selftests_pass_and_the_kernel_finds_no_mistake(debug, name):
    passed, everything = totals(debug[name].out)
    assert passed == everything == {"selftest": 190 - 5 * len(LARGE), "fail_nth": 7}[name]


@pytest.mark.parametrize("name", ["mock", "storm", "crowd"])
def test_workloads_pass_and_the_kernel_finds_no_mistake(debug, name):
    assert debug[name].status == 0, debug[name].err
    assert_all_ok(debug[name].out)


def test_nothing_leaks(debug):
    assert (debug["leaks"].status, debug["leaks"].out) == (0, "")


@pytest.fixture(scope="module")
def plain_source(own_kernel):
    return ((own_kernel / "vmlinux").resolve().parent / "source").resolve()


@pytest.mark.parametrize("patch", CORE, ids=lambda path: path.name[:4])
def test_core_patches_are_in_style(patch, plain_source):
    done = subprocess.run(["perl", "scripts/checkpatch.pl", "--strict", "--no-tree", patch], cwd=plain_source,
                          capture_output=True, text=True, check=False)
    assert "total: 0 errors, 0 warnings, 0 checks" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(bool(WITH_CORE), reason="the source of this kernel has them")
def test_core_patches_apply(plain_source, tmp_path):
    """One on top of the other, without fuzz."""
    for name in set(re.findall(r"^--- a/(\S+)", "".join(path.read_text() for path in CORE), re.M)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (plain_source / name).exists():
            shutil.copy(plain_source / name, tmp_path / name)
    for patch in CORE:
        done = subprocess.run(["patch", "-p1", "-F0", "-f", "-d", tmp_path, "-i", patch], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_upstream_is_in_it(own_kernel):
    """Not compiled, and not by another way: none of the names of its structures."""
    upstream = re.compile(r"\b(iopt_area|iopt_pages|io_pagetable|pfn_batch|pfn_reader|iommufd_object|iommufd_ucmd)\b")
    for path in OWN.glob("*.[ch]"):
        assert not upstream.search(path.read_text()), path
    symbols = subprocess.run(["nm", own_kernel / "modules/iommufd.ko"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    assert " ufd_backing_take\n" in symbols and "iopt_" not in symbols


def test_sources_are_in_style(plain_source):
    files = sorted(OWN.glob("*.[ch]"))
    assert len(files) > 20 and max(len(path.read_text().splitlines()) for path in files) <= LINES
    done = subprocess.run(["perl", plain_source / "scripts/checkpatch.pl", "--no-tree", "--max-line-length=100",
                           "-f", *files], cwd=plain_source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("total: 0 errors, 0 warnings") == len(files)
