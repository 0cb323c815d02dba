# SPDX-License-Identifier: GPL-2.0-only
"""Random ioctls of all kinds from several processes and threads, on the unmodified kernel: no rule may fire.

What a seed makes of it depends on how many CPUs the guest has and on who is beside whom, so both vary. The rings are the
default ones: nothing may be lost either, however many threads write on however few CPUs.
"""

import concurrent.futures
import dataclasses
import os
import re

import pytest
from live import MOCK, assert_pass, check_command, read_check, run_batch, run_check

RECORDS = 10_000_000    # of all storms together
WALL = 900              # seconds; half a minute will do where nobody else computes


@dataclasses.dataclass(frozen=True)
class Storm:
    seed: int
    cpus: int
    processes: int
    threads: int        # of each process
    operations: int     # of each thread

    def command(self):
        return (f"$W/storm --seed {self.seed} --seconds 0 --processes {self.processes} --threads {self.threads} "
                f"--ops {self.operations}")


STORMS = [
    Storm(seed=1, cpus=1, processes=8, threads=1, operations=50_000),
    Storm(seed=2, cpus=1, processes=1, threads=8, operations=50_000),
    Storm(seed=3, cpus=2, processes=4, threads=2, operations=50_000),
    Storm(seed=4, cpus=4, processes=4, threads=2, operations=60_000),
]

# The tracer is stopped again and again while the storm goes on.
UNREAD = ("sh -c '{storm} & storm=$!; for i in 1 2 3 4; do sleep 1; kill -STOP $PPID; sleep 1; kill -CONT $PPID; done; "
          "wait $storm'")


@pytest.fixture(scope="module")
def storms(traced_kernel, built, tmp_path_factory):
    """{storm: function that gives what check said of it}, each in a guest of its own."""
    def run(storm):
        return run_check(traced_kernel, tmp_path_factory.mktemp(f"storm{storm.seed}"), storm.command(),
                         vm=(*MOCK, "--smp", storm.cpus, "--timeout", WALL))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {storm: pool.submit(run, storm) for storm in STORMS}
        yield {storm: future.result for storm, future in waiting.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: f"seed{storm.seed}")
def test_storm_passes(storm, storms, table):
    checked = storms[storm]()
    records = sum(checked.records.values())
    table("storm: random ioctls on the unmodified kernel, and the verdict",
          ("seed", "CPUs", "processes", "threads", "contexts", "records", "lost", "verdict"),
          (storm.seed, storm.cpus, storm.processes, storm.threads, checked.summary["contexts"]["seen"], records,
           sum(checked.summary["lost"].values()), checked.verdict))
    assert checked.summary["command"]["status"] == 0, checked.out + checked.err
    assert re.search(rf"^ok - storm, seed {storm.seed}$", checked.out, re.M)
    assert_pass(checked)


def test_storms_are_large_enough(storms):
    checked = [result() for result in storms.values()]
    assert sum(sum(one.records.values()) for one in checked) >= RECORDS


def test_storm_with_losses_is_no_false_alarm(traced_kernel, built, tmp_path):
    """Holes at random places: contexts that lost records are given up, and no rule fires for the others."""
    storm = Storm(seed=5, cpus=2, processes=2, threads=2, operations=40_000)
    command = check_command("check", UNREAD.format(storm=storm.command()), "--rings", "4", "--ring-size", "1M")
    result = run_batch(traced_kernel, tmp_path, {"check": command}, *MOCK)["check"]
    checked = read_check(result, "check")
    contexts = checked.summary["contexts"]
    assert (checked.verdict, checked.violations) == ("INCONCLUSIVE", [])
    assert checked.summary["lost"]["ring"] > 1000
    assert contexts["seen"] > contexts["given_up"] > 0 == contexts["inconsistent_records"]
