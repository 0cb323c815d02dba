# SPDX-License-Identifier: GPL-2.0-only
"""What tests share: where the repository is, and how to run its scripts."""

import pathlib
import subprocess

import pytest

REPO = pathlib.Path(__file__).resolve().parent.parent


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


@pytest.fixture(scope="session")
def vm(stock_kernel):
    """vm(*options, "--", *command) on the stock kernel."""
    return lambda *words, **options: script("vm", "run", "--kernel", stock_kernel, "--timeout", 120, *words, **options)
