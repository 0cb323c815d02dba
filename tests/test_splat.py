# SPDX-License-Identifier: GPL-2.0-only
"""The splat detector finds every sort of kernel error, exactly there, and nothing else."""

import subprocess

import pytest

SPLATS = {
    "warn": """\
[    3.100000] ------------[ cut here ]------------
[    3.100100] WARNING: CPU: 1 PID: 93 at drivers/iommu/iommufd/pages.c:216 iopt_pages_sub_npinned+0x35/0x40 [iommufd]
[    3.100200] Call Trace:
[    3.100300]  <TASK>
""",
    "refcount": "[    4.2] WARNING: CPU: 0 PID: 7 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110\n",
    "null pointer": "[    5.0] BUG: kernel NULL pointer dereference, address: 0000000000000010\n",
    "oops": "[    5.1] Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI\n",
    "bug": "[    5.2] kernel BUG at mm/gup.c:2311!\n",
    "protection": "[    5.3] Oops: general protection fault, probably for non-canonical address 0xdead000000000122: 0000\n",
    "kasan": "[    6.0] BUG: KASAN: slab-use-after-free in iopt_area_split+0x1b2/0x5e0 [iommufd]\n",
    "lockdep": """\
[    7.0] ======================================================
[    7.1] WARNING: possible circular locking dependency detected
""",
    "irq lock": "[    7.2] WARNING: inconsistent lock state\n",
    "lock key": "[    7.3] INFO: trying to register non-static key.\n",
    "atomic": "[    7.4] BUG: sleeping function called from invalid context at kernel/locking/rwsem.c:1523\n",
    "hung task": "[  121.0] INFO: task iommufd:77 blocked for more than 60 seconds.\n",
    "kmemleak": "[   60.0] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)\n",
    "rcu": "[   30.0] rcu: INFO: rcu_sched self-detected stall on CPU\n",
    "rcu tasks": "[   30.0] INFO: rcu_tasks detected stalls on tasks:\n",
    "soft lockup": "[   40.0] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [iommufd:77]\n",
    "list": "[   41.0] list_del corruption. prev->next should be ffff888003a41c08, but was dead000000000100\n",
    "panic": "[   42.0] Kernel panic - not syncing: Fatal exception\n",
    "dma fault": "[   43.0] DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault reason 0x06]\n",
    "lone trace": "[   44.0] CPU: 0 UID: 0 PID: 1 Comm: init\n[   44.1] Call Trace:\n",
}

BOOT = """\
[    0.000000] Linux version 6.12.117-iommuscope (iommuscope@iommuscope) (gcc (Debian 12.2.0-14+deb12u1) 12.2.0)
[    0.000000] Command line: console=ttyS0 loglevel=5 panic=-1 oops=panic intel_iommu=on
[    0.041000] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2 BHB attacks!
[    0.100000] DMAR: IOMMU enabled
[    0.300000] rcu: Hierarchical SRCU implementation.
[    0.310000] rcu: 	Max phase no-delay instances is 1000.
[    1.500000] iommufd: loading out-of-tree module taints kernel.
[    2.000000] debugging the warning path, no bug here
"""

FORCED_FAILURE = """\
[    8.000000] FAULT_INJECTION: forcing a failure.
[    8.000000] name failslab, interval 1, probability 0, space 0, times 0
[    8.000100] CPU: 0 UID: 0 PID: 88 Comm: iommufd_fail_nt Not tainted 6.12.117-iommuscope #1
[    8.000200] Call Trace:
[    8.000300]  <TASK>
[    8.000400]  dump_stack_lvl+0x4d/0x70
[    8.000500]  should_fail_ex+0x12b/0x150
[    8.000600]  </TASK>
"""

# What a CPU that still runs may say when its wake-up goes to one that was stopped already.
WAKES_A_STOPPED_CPU = """\
[   44.272333] WARNING: CPU: 3 PID: 2 at native_smp_send_reschedule+0x29/0x30
[   44.272400] Call Trace:
"""
POWER_DOWN = "[   44.270000] reboot: Power down\n"

# Two CPUs at once: both headlines come before both stacks.
INTERLEAVED = """\
[    8.0] FAULT_INJECTION: forcing a failure.
[    8.0] FAULT_INJECTION: forcing a failure.
[    8.1] Call Trace:
[    8.1] Call Trace:
"""


def splat(repo, log):
    return subprocess.run([repo / "scripts/splat"], input=log, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SPLATS)
def test_finds_each_error_and_only_it(repo, name):
    found = splat(repo, BOOT + FORCED_FAILURE + SPLATS[name])
    assert found.returncode == 1
    first = int(found.stdout.split(":")[0])
    assert first > len((BOOT + FORCED_FAILURE).splitlines())
    assert all(line.split(": ", 1)[1] in SPLATS[name].splitlines() for line in found.stdout.splitlines())


def test_stack_of_an_error_is_not_reported_twice(repo):
    assert len(splat(repo, SPLATS["warn"]).stdout.splitlines()) == 1


@pytest.mark.parametrize("log", ["", BOOT, FORCED_FAILURE, FORCED_FAILURE * 3, INTERLEAVED, POWER_DOWN + WAKES_A_STOPPED_CPU],
                         ids=["empty", "boot", "forced failure", "forced failures", "interleaved", "stopped CPU"])
def test_is_quiet_without_error(repo, log):
    found = splat(repo, log)
    assert (found.returncode, found.stdout) == (0, "")


def test_a_forced_failure_explains_one_stack_only(repo):
    found = splat(repo, FORCED_FAILURE + "[    9.0] Call Trace:\n")
    assert found.stdout == "9: [    9.0] Call Trace:\n"


def test_a_cpu_that_is_stopped_explains_nothing_else(repo):
    assert len(splat(repo, WAKES_A_STOPPED_CPU + POWER_DOWN).stdout.splitlines()) == 1
    found = splat(repo, POWER_DOWN + WAKES_A_STOPPED_CPU + SPLATS["kasan"])
    assert [line.split(": ", 1)[1] for line in found.stdout.splitlines()] == SPLATS["kasan"].splitlines()


def test_survives_bytes_that_are_not_text(repo):
    found = subprocess.run([repo / "scripts/splat"], input=b"\xff\xfe\x00\nBUG: bad\xff\n", capture_output=True, check=False)
    assert found.returncode == 1


def test_unreadable_file_is_no_clean_log(repo, tmp_path):
    found = subprocess.run([repo / "scripts/splat", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert found.returncode == 2 and "cannot read" in found.stderr
