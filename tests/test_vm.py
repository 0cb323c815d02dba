# SPDX-License-Identifier: GPL-2.0-only
"""scripts/vm is transparent for a command that works, and tells how one failed that does not."""

import os
import signal
import subprocess
import time

KMSG_WARNING = "echo 'WARNING: CPU: 0 PID: 1 at mm/gup.c:1 test+0x0/0x10' >/dev/kmsg"
GROUP_SIZES = r"""
for device in /sys/bus/pci/devices/*; do
    case $(cat $device/vendor)$(cat $device/device) in
    0x12340x11e8 | 0x1b360x0010) echo $(ls $device/iommu_group/devices | wc -l) ;;
    esac
done
"""


def test_command_is_as_if_it_ran_here(vm, repo):
    """Output streams, directory, root, and files of the host; the status is in the next tests."""
    script = "echo out; echo err >&2; pwd; id -u; cat scripts/splat | wc -c; uname -n; echo x >/dev/stderr"
    done = vm("--", "sh", "-c", script)
    size = (repo / "scripts/splat").stat().st_size
    assert done.stdout == f"out\n{repo}\n0\n{size}\niommuscope\n"
    assert done.stderr == "err\nx\n"
    assert done.returncode == 0


def test_exit_status_passes_through(vm):
    assert vm("--", "sh", "-c", "exit 7").returncode == 7


def test_arguments_are_not_split(vm):
    assert vm("--", "printf", "%s|", "a b", "$HOME", "it's", "").stdout == "a b|$HOME|it's||"


def test_devices_and_file_systems(vm):
    paths = "/dev/iommu /dev/vfio/vfio /sys/kernel/btf/iommufd /sys/kernel/tracing/events /sys/fs/cgroup/cgroup.procs"
    script = f"{GROUP_SIZES} ls -d {paths} >/dev/null; mountpoint -q /sys/fs/bpf; cat /proc/sys/vm/nr_hugepages"
    done = vm("--append", "hugepages=2", "--", "sh", "-ec", script)
    assert done.stderr == "" and done.returncode == 0
    assert done.stdout.split() == ["1", "1", "2"], "edu and nvme must be alone in their IOMMU groups; then the hugepages"


def test_iommu_is_on_unless_switched_off(vm):
    assert vm("--", "test", "-e", "/sys/class/iommu/dmar0").returncode == 0
    assert vm("--append", "intel_iommu=off", "--", "test", "-e", "/sys/class/iommu/dmar0").returncode == 1


def test_splat_fails_the_run(vm):
    done = vm("--", "sh", "-c", KMSG_WARNING)
    assert done.returncode == 125
    assert "mm/gup.c:1" in done.stderr


def test_splat_can_be_allowed(vm):
    done = vm("--allow-splat", "--", "sh", "-c", KMSG_WARNING + "; exit 3")
    assert done.returncode == 3
    assert "mm/gup.c:1" in done.stderr


def test_hang_is_killed(vm):
    done = vm("--timeout", "15", "--", "sleep", "1000")
    assert done.returncode == 124
    assert "did not finish within 15" in done.stderr


def test_panic_is_told(vm):
    start = time.monotonic()
    done = vm("--", "sh", "-c", "echo c >/proc/sysrq-trigger")
    assert done.returncode == 126
    assert "Kernel panic" in done.stderr
    assert time.monotonic() - start < 60


def test_guest_without_timers_is_not_used(vm):
    """It would take for ever: another one is started, and there is an end to that, too."""
    done = vm("--append", "nolapic_timer", "--", "echo", "up")
    assert (done.returncode, done.stdout) == (126, "")
    assert done.stderr == "vm: 6 guests in a row had no timers that their kernel trusts; is this machine very busy?\n"


def test_share_is_written_and_nothing_else(vm, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    script = f"echo kept >{shared}/file; echo lost >{tmp_path}/file && cat {tmp_path}/file"
    done = vm("--share", shared, "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (0, "lost\n")
    assert (shared / "file").read_text() == "kept\n"
    assert not (tmp_path / "file").exists()


def test_daemon_left_behind_does_not_hold_the_guest(vm):
    done = vm("--", "sh", "-c", "sleep 1000 & echo done")
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_killed_run_leaves_nothing(repo, stock_kernel, tmp_path):
    command = [repo / "scripts/vm", "run", "--kernel", stock_kernel, "--", "sh", "-c", "echo up; sleep 1000"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout.readline() == "up\n"
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 128 + signal.SIGTERM
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not list(tmp_path.iterdir())
    assert str(tmp_path) not in processes


def test_bad_requests_are_told(vm, tmp_path):
    done = vm("--share", tmp_path / "none", "--", "true")
    assert done.returncode == 2 and "no such directory" in done.stderr
