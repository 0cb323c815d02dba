/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks of fentry.bpf.c: what cannot be known without each of them, and which
 * functions this kernel has.
 */
#ifndef IMS_HOOKS_H
#define IMS_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_program;
struct btf;

/* What the functions of no kernel show: bit per enum ims_kind. */
uint64_t hooks_never(void);
/* The kinds that are not known, or not fully, without @prog; 0: it only adds detail. */
uint64_t hook_kinds(const struct bpf_program *prog);
/* Of an IOMMU driver: nothing is missing without it where there is no such driver. */
bool hook_of_driver(const struct bpf_program *prog);
/* Of what 6.12 does not have: a kernel without the function has nothing to tell there. */
bool hook_of_newer(const struct bpf_program *prog);
/* Whether @other does for another kernel what @prog does for one. */
bool hook_stands_in(const struct bpf_program *other, const struct bpf_program *prog);
/* The function that @prog stands at. */
const char *hook_function(const struct bpf_program *prog);

/* Where the kernel keeps the parameter allow_unsafe_interrupts; 0: nobody knows. */
uint64_t hooks_unsafe_interrupts_at(void);

/* Where the functions of iommufd are, [start, end); 0, 0: nobody knows. */
struct text_range {
	uint64_t start, end;
};

struct text_range text_of_iommufd(void);

/* The functions of vmlinux and of the module iommufd, if it is one. */
struct functions {
	struct btf *vmlinux, *iommufd;
};

/* 0 or -errno: there is no BTF, or we may not read that of modules. */
int functions_open(struct functions *f);
bool function_exists(const struct functions *f, const char *name);
void functions_close(struct functions *f);

#endif
