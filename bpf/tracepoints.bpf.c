// SPDX-License-Identifier: GPL-2.0-only
/*
 * One program per tracepoint of iommufd, see records.bpf.h.
 *
 * The programs are raw tracepoints.  They are chosen over tp_btf because 6.12
 * refuses "const void *" arguments there, because reading the BTF of a module
 * takes CAP_SYS_ADMIN, and because they load on any kernel, so that the verifier
 * can be asked without iommufd.
 */
#define EVENT_FUNCTION(name) SEC("raw_tp/iommufd_" #name)

#include "records.bpf.h"

char LICENSE[] SEC("license") = "GPL";
