# SPDX-License-Identifier: GPL-2.0-only
"""What tests share: where the repository is, and how to run its scripts."""

import pathlib
import subprocess

import pytest

REPO = pathlib.Path(__file__).resolve().parent.parent
CAUGHT = pytest.StashKey()


def script(name, *arguments, **options):
    """Run scripts/NAME from the repository's root; the result has stdout, stderr and returncode."""
    command = [REPO / "scripts" / name, *map(str, arguments)]
    options = {"cwd": REPO, "timeout": 1800, **options}
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="session")
def repo():
    return REPO


@pytest.fixture(scope="session")
def stock_kernel():
    """The directory of the stock 6.12 kernel, built if it must be."""
    built = script("kernel", "build", "6.12", "--flavour", "stock")
    assert built.returncode == 0, built.stderr
    return pathlib.Path(built.stdout.strip())


def built_directory(*arguments):
    done = script("kernel", *arguments)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip())


@pytest.fixture(scope="session")
def traced_kernel():
    """The directory of the 6.12 kernel with our tracepoints."""
    return built_directory("build", "6.12")


@pytest.fixture(scope="session")
def selftests():
    """The directory of the kernel's own iommufd selftests."""
    return built_directory("selftests", "6.12")


@pytest.fixture(scope="session")
def built():
    """build/iommuscope and build/workload are there and up to date."""
    for target in (["all"], ["-C", "tests/workload", f"OUT={REPO}/build/workload"]):
        done = subprocess.run(["make", "-s", *target], cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return REPO / "build/iommuscope"


@pytest.fixture(scope="session")
def caught(pytestconfig):
    """A list of (mutant, ...) rows to print at the end."""
    return pytestconfig.stash.setdefault(CAUGHT, [])


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(CAUGHT, [])
    if not rows:
        return
    terminalreporter.section("mutants: which rule caught them, and at which record")
    rows = [("mutant", "rule", "at", "records", "also", "what is broken"), *sorted(rows)]
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths))
        terminalreporter.write_line(line.rstrip())


@pytest.fixture(scope="session")
def vm(stock_kernel):
    """vm(*options, "--", *command) on the stock kernel."""
    return lambda *words, **options: script("vm", "run", "--kernel", stock_kernel, "--timeout", 120, *words, **options)
