# SPDX-License-Identifier: GPL-2.0-only
"""scripts/kernel builds nothing twice, and no more than a patch asks for."""

import pathlib
import shutil
import subprocess
import time

import pytest
from conftest import script

IOMMUFD_PATCH = """\
--- a/drivers/iommu/iommufd/main.c
+++ b/drivers/iommu/iommufd/main.c
@@ -1,3 +1,4 @@
+/* a patch that changes one file of iommufd */
 // SPDX-License-Identifier: GPL-2.0-only
 /* Copyright (C) 2021 Intel Corporation
  * Copyright (c) 2021-2022, NVIDIA CORPORATION & AFFILIATES
--- a/MAINTAINERS
+++ b/MAINTAINERS
@@ -1,1 +1,1 @@
-this does not even apply, and need not
+because it is not compiled
"""


TRACE_PATCH = """\
From: someone
Subject: [PATCH] a tracepoint

---
 MAINTAINERS | 1 +

diff --git a/MAINTAINERS b/MAINTAINERS
--- a/MAINTAINERS
+++ b/MAINTAINERS
@@ -1,1 +1,1 @@
-this does not even apply, and need not
+because it is not compiled
diff --git a/drivers/iommu/iommufd/main.c b/drivers/iommu/iommufd/main.c
--- a/drivers/iommu/iommufd/main.c
+++ b/drivers/iommu/iommufd/main.c
@@ -1,3 +1,5 @@
+#define CREATE_TRACE_POINTS
+#include <trace/events/iommufd.h>
 // SPDX-License-Identifier: GPL-2.0-only
 /* Copyright (C) 2021 Intel Corporation
  * Copyright (c) 2021-2022, NVIDIA CORPORATION & AFFILIATES
diff --git a/include/trace/events/iommufd.h b/include/trace/events/iommufd.h
new file mode 100644
--- /dev/null
+++ b/include/trace/events/iommufd.h
@@ -0,0 +1,16 @@
+/* SPDX-License-Identifier: GPL-2.0-only */
+#undef TRACE_SYSTEM
+#define TRACE_SYSTEM iommufd
+
+#if !defined(_TRACE_IOMMUFD_H) || defined(TRACE_HEADER_MULTI_READ)
+#define _TRACE_IOMMUFD_H
+#include <linux/tracepoint.h>
+TRACE_EVENT(iommufd_test,
+	TP_PROTO(int value),
+	TP_ARGS(value),
+	TP_STRUCT__entry(__field(int, value)),
+	TP_fast_assign(__entry->value = value;),
+	TP_printk("value=%d", __entry->value)
+);
+#endif
+#include <trace/define_trace.h>
-- 
2.39.5
"""


def build(*options):
    return script("kernel", "build", "6.12", "--flavour", "stock", *options)


def meta(directory):
    lines = (directory / "meta").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_result_is_complete(stock_kernel):
    names = {"bzImage", "vmlinux", "config", "release", "modules", "meta"}
    assert names <= {path.name for path in stock_kernel.iterdir()}
    assert all((stock_kernel / name).exists() for name in names)
    order = (stock_kernel / "modules/load-order").read_text().split()
    assert {"iommufd.ko", "vfio.ko", "vfio-pci.ko", "vfio_iommu_type1.ko"} <= set(order)
    assert order.index("iommufd.ko") < order.index("vfio.ko") < order.index("vfio-pci-core.ko")
    assert meta(stock_kernel)["flavour"] == "stock"


def test_second_build_is_instant_and_the_same(stock_kernel):
    start = time.monotonic()
    again = build()
    assert again.stdout.strip() == str(stock_kernel)
    assert time.monotonic() - start < 3
    assert again.stderr == ""


def test_patch_to_iommufd_builds_the_module_only(stock_kernel, tmp_path):
    patch = tmp_path / "one.patch"
    patch.write_text(IOMMUFD_PATCH)
    built = build("--patch", patch)
    assert built.returncode == 0, built.stderr
    directory = type(stock_kernel)(built.stdout.strip())
    assert directory != stock_kernel
    assert meta(directory)["base"] == meta(stock_kernel)["base"]
    assert "base kernel" not in built.stderr


def test_patch_that_does_not_apply_is_told(tmp_path):
    patch = tmp_path / "bad.patch"
    patch.write_text(IOMMUFD_PATCH.replace("SPDX-License-Identifier", "no such line").replace("Copyright", "none"))
    built = build("--patch", patch)
    assert built.returncode == 2
    assert built.stdout == ""
    assert "bad.patch does not apply" in built.stderr and "Hunk #1 FAILED" in built.stderr


def project(repo, directory, **files):
    """A copy of the project with other files in kernel_patch; scripts/kernel finds those by its own place."""
    shutil.copytree(repo / "scripts", directory / "scripts")
    shutil.copytree(repo / "kernel_patch/config", directory / "kernel_patch/config")
    for name, text in files.items():
        path = directory / "kernel_patch" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory / "scripts/kernel"


def defined_symbols(directory):
    """Of iommufd.ko."""
    names = subprocess.run(["nm", directory / "modules/iommufd.ko"], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in names.splitlines()}


def test_series_makes_the_traced_flavour(repo, stock_kernel, tmp_path):
    tool = project(repo, tmp_path, **{"tracepoints__6.12__series": "# one patch\n0001.patch\n",
                                      "tracepoints__6.12__0001.patch": TRACE_PATCH})
    built = subprocess.run([tool, "build", "6.12"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    directory = pathlib.Path(built.stdout.strip())
    assert meta(directory)["base"] == meta(stock_kernel)["base"]
    assert "__tracepoint_iommufd_test" in defined_symbols(directory)
    assert "__tracepoint_iommufd_test" not in defined_symbols(stock_kernel)


def test_own_flavour_overlays_and_shares_the_header_only(repo, stock_kernel, tmp_path):
    """Our main.c takes the place of upstream's, so the series must not be applied to it."""
    source = (stock_kernel / "vmlinux").resolve().parent / "source/drivers/iommu/iommufd/main.c"
    tool = project(repo, tmp_path, **{"tracepoints__6.12__series": "0001.patch\n",
                                      "tracepoints__6.12__0001.patch": TRACE_PATCH,
                                      "iommufd__main.c": source.read_text() + "\nint our_own_iommufd;\n"})
    built = subprocess.run([tool, "build", "6.12", "--flavour", "own"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    symbols = defined_symbols(pathlib.Path(built.stdout.strip()))
    assert "our_own_iommufd" in symbols and "__tracepoint_iommufd_test" not in symbols


@pytest.mark.parametrize("flavour, said", [("traced", "series is missing"), ("own", "kernel_patch")])
def test_flavour_that_is_not_there_is_told(repo, tmp_path, flavour, said):
    done = subprocess.run([project(repo, tmp_path), "build", "6.12", "--flavour", flavour],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr and "--flavour stock" in done.stderr


@pytest.mark.parametrize("words, said", [
    (["build", "0.1", "--flavour", "stock"], "no package linux-source-0.1"),
    (["build", "6.12", "--flavour", "stock", "--patch", "/none"], "cannot read"),
    (["build", "6.12", "--flavour", "stock", "--config", "/none"], "cannot read"),
])
def test_bad_requests_are_told(words, said):
    done = script("kernel", *words)
    assert done.returncode == 2
    assert said in done.stderr and not done.stdout


def test_selftests_are_built_once():
    first, second = (script("kernel", "selftests", "6.12") for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout and second.stderr == ""
