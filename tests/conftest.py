# SPDX-License-Identifier: GPL-2.0-only
"""What tests share: where the repository is, and how to run its scripts."""

import contextlib
import fcntl
import os
import pathlib
import re
import subprocess

import pytest

REPO = pathlib.Path(__file__).resolve().parent.parent
TABLES = pytest.StashKey()
# What our own iommufd can use of the core. A kernel with it takes a build of its own, so only make bench-kernel has it.
CORE = sorted((REPO / "kernel_patch/core/6.12").glob("*.patch"))
WITH_CORE = [word for path in CORE for word in ("--patch", path)] if os.environ.get("IOMMUSCOPE_CORE") else []


def script(name, *arguments, **options):
    """Run scripts/NAME from the repository's root; the result has stdout, stderr and returncode."""
    command = [REPO / "scripts" / name, *map(str, arguments)]
    options = {"cwd": REPO, "timeout": 3600, **options}
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)


def without_archive(scripts):
    """In that copy of the scripts, packages would come from an archive that is not there."""
    path = scripts / "debian.py"
    path.write_text(re.sub(r"^MIRROR = .*$", 'MIRROR = "http://127.0.0.1:9/debian"', path.read_text(), flags=re.M))


def make(*targets):
    """Tests run side by side, and two of them may want the same."""
    (REPO / "build").mkdir(exist_ok=True)
    with contextlib.closing(open(REPO / "build/.lock", "w", encoding="utf-8")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-s", *targets], cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session", autouse=True)
def base_of_temporary_directories(tmp_path_factory):
    """Fixtures ask for directories from threads. The first to ask makes the base, and one beside it would remove that again."""
    return tmp_path_factory.getbasetemp()


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
def own_kernel():
    """The directory of the 6.12 kernel with our own iommufd."""
    return built_directory("build", "6.12", "--flavour", "own", *WITH_CORE)


@pytest.fixture(scope="session")
def selftests():
    """The directory of the kernel's own iommufd selftests."""
    return built_directory("selftests", "6.12")


@pytest.fixture(scope="session")
def built():
    """build/iommuscope and build/workload are there and up to date."""
    make("all")
    make("-C", "tests/workload", f"OUT={REPO}/build/workload")
    return REPO / "build/iommuscope"


@pytest.fixture(scope="session")
def table(pytestconfig):
    """table(title, header, row) adds a row to a table that is printed at the end, sorted."""
    tables = pytestconfig.stash.setdefault(TABLES, {})

    def add(title, header, row):
        tables.setdefault((title, header), []).append(row)
    return add


def pytest_collection_modifyitems(items):
    """The file that takes longest comes first: the others are done beside it."""
    items.sort(key=lambda item: item.path.name != "test_mutants.py")


def pytest_sessionfinish(session):
    """Of several processes that run tests (pytest-xdist), each hands its rows to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tables"] = list(session.config.stash.get(TABLES, {}).items())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    tables = node.config.stash.setdefault(TABLES, {})
    for (title, header), rows in getattr(node, "workeroutput", {}).get("tables", ()):
        tables.setdefault((title, tuple(header)), []).extend(rows)


def pytest_terminal_summary(terminalreporter, config):
    for (title, header), rows in config.stash.get(TABLES, {}).items():
        name, *legend = title.splitlines()
        terminalreporter.section(name)
        for line in (*legend, "") if legend else ():
            terminalreporter.write_line(line)
        rows = [header, *sorted(rows)]
        widths = [max(len(str(row[i])) for row in rows) for i in range(len(header))]
        for row in rows:
            line = "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths))
            terminalreporter.write_line(line.rstrip())


@pytest.fixture(scope="session")
def vm(stock_kernel):
    """vm(*options, "--", *command) on the stock kernel."""
    return lambda *words, **options: script("vm", "run", "--kernel", stock_kernel, "--timeout", 300, *words, **options)
