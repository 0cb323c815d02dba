# SPDX-License-Identifier: GPL-2.0-only
"""Compile parts of a kernel with options that its base was not built with.

A kernel of its own would take minutes. The options meant here change nothing outside of the parts that are compiled,
so a copy of the base's build tree that says so is enough.
"""

import os
import re
import shutil
import subprocess


def rewrite(path, change):
    """What is written must be a file of its own: the copy is made of links."""
    text = path.read_text()
    path.unlink()
    path.write_text(change(text))


def tree_with(options, base, tree):
    """A build tree like @base, with these options switched on. It names itself by its path, and keeps what it writes to itself."""
    subprocess.run(["cp", "-as", base, tree], check=True)
    names = "|".join(options)
    without = re.compile(rf"^(?:#define )?(?:{names})(?:_MODULE)?[ =].*\n", re.M)
    rewrite(tree / "include/config/auto.conf",
            lambda text: without.sub("", text) + "".join(f"{name}=y\n" for name in options))
    rewrite(tree / "include/generated/autoconf.h",
            lambda text: without.sub("", text) + "".join(f"#define {name} 1\n" for name in options))
    rewrite(tree / "Makefile", lambda text: text.replace(str(base), str(tree)))
    for name in ("Module.symvers", "modules.order"):
        rewrite(tree / name, str)


def copy_parts(source, work, *parts):
    """These directories of a kernel's source, and what iommufd includes by a path relative to its own."""
    for name in parts:
        shutil.copytree(source / name, work / name)
    for header in (source / "drivers/iommu").glob("*.h"):
        shutil.copy(header, work / "drivers/iommu")


def apply_patches(work, patches):
    """As far as the files are there: MAINTAINERS is not, and need not be."""
    for patch in patches:
        subprocess.run(["patch", "-p1", "-f", "-s", "-r", "-", "-d", work, "-i", patch], check=False,
                       stdout=subprocess.DEVNULL)


def compile_part(tree, work, part, *targets):
    """What the compiler says, without an error."""
    done = subprocess.run(["make", "-C", tree, f"-j{os.cpu_count()}", f"M={work / part}", f"KCPPFLAGS=-I{work}/include",
                           *targets], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr
