# SPDX-License-Identifier: GPL-2.0-only
"""debian - packages that this machine does not have, or should not install

What apt installs changes the machine, and a suite that is an apt source changes
every later upgrade. So a package of another suite, or one that would bring
hundreds of others with it, is unpacked into the cache instead: apt is given an
index of its own, checks the signatures, resolves what the package depends on
and is not there yet, and no other apt of this machine knows of it.
"""

import os
import re
import subprocess

from cache import cache, cached, fail, locked, output_of, phase, run

GONE = "source not available"     # what a message starts with when only the archive can help
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def installed_package(package):
    """Its version, or ''."""
    query = ("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package)
    status, _, found = output_of(*query).partition(" ")
    return found if status == "installed" else ""


class Suite:
    """One Debian suite with an index of its own, and those from which it may take what its packages depend on."""

    def __init__(self, name, *others):
        self.name = name
        self.directory = cache("apt", "+".join((name, *others)))
        self.log = self.directory.with_name(f"{self.directory.name}.log")
        for part in ("lists/partial", "cache/archives/partial"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        entries = [f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n" for suite in (name, *others)]
        (self.directory / "sources.list").write_text("".join(entries), encoding="ascii")
        self.options = [f"-oDir::Etc::SourceList={self.directory}/sources.list", "-oDir::Etc::SourceParts=/dev/null",
                        f"-oDir::State::Lists={self.directory}/lists", f"-oDir::Cache={self.directory}/cache",
                        f"-oAPT::Default-Release={name}", "-oAPT::Sandbox::User=", "-oAcquire::Retries=2"]

    def update(self):
        """Whether the index is there and new."""
        with open(self.log, "ab") as out:
            command = ["apt-get", *self.options, "-q", "-oAPT::Update::Error-Mode=any", "update"]
            return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode == 0

    def field(self, package, name):
        """What the suite says of that package, or ''."""
        shown = output_of("apt-cache", *self.options, "show", "--no-all-versions", package)
        match = re.search(rf"^{name}: (.+)$", shown, re.M)
        return match[1] if match else ""

    def version(self, package):
        return self.field(package, "Version")

    def depends(self, package):
        """The names of what it depends on, alternatives left out."""
        return re.findall(r"(?:^|, )([^ ,]+)", self.field(package, "Depends"))

    def missing(self, *packages):
        """These and what else apt would install with them here, each as NAME=VERSION."""
        planned = output_of("apt-get", *self.options, "-s", "--no-install-recommends", "install", *packages)
        return [f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) .*?\((\S+) ", planned, re.M)]

    def unpack(self, packages, into):
        """The files of packages (NAME or NAME=VERSION) below into."""
        more = f" and {len(packages) - 1} more" if packages[1:] else ""
        with phase(f"fetching {packages[0].replace('=', ' ')}{more} from {self.name}"):
            run(["apt-get", *self.options, "-q", "download", *packages], self.log, cwd=into)
        for deb in into.glob("*.deb"):
            run(["dpkg-deb", "-x", deb, into], self.log)
            deb.unlink()


def kept(kind, name):
    """Fetched before, the last one if there are several: no network, and it may be gone from the archive."""
    found = sorted(cache(kind, "x").parent.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def foreign(kind, name, package, suites, fill):
    """KIND/NAME-VERSION of a package that is not installed here; fill(tmp, suite, version) makes it."""
    with locked(f"{kind}-{name}"):
        known = kept(kind, name)
        if known:
            os.utime(known)
            return known
        suite = Suite(*suites)
        if not suite.update():
            fail(f"{GONE}: cannot read {suite.name} at {MIRROR} for {package}; its apt says why in {suite.log}")
        found = suite.version(package)
        if not found:
            fail(f"{GONE}: {suite.name} has no {package} any more, and no copy is in {cache(kind)}")
        epochless = found.rpartition(":")[2]      # a colon separates the paths of LD_LIBRARY_PATH
        return cached(kind, f"{name}-{epochless}", lambda tmp: fill(tmp, suite, found))
