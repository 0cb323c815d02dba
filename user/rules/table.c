// SPDX-License-Identifier: GPL-2.0-only
/* All rules, in the order of the catalogue. A new rule: its file, and a line here. */
#include "rules/rules.h"

#define RULES(X) \
	X(apt_map) X(apt_area) X(apt_attach) X(apt_narrow) X(rsv_dev) \
	X(alw_keep) X(alw_auto) X(alw_noauto) X(area_disjoint) \
	X(mir_complete) X(mir_equal) X(mir_stray) X(replay) X(sweep) X(map_excl) X(unmap_exact) X(unmap_cut) \
	X(pfn_id) X(subpage) \
	X(pin_once) X(pin_cover) X(pin_used) X(pin_bal) X(pin_levels) X(unpin_after_unmap) X(unpin_sync) X(unpin_acc) \
	X(acct_eq) X(acct_step) X(acct_fail) X(acct_release) X(acct_pinnedvm) X(rlimit) \
	X(prot_map) X(prot_pages) \
	X(acc_prevent) X(auto_hwpt) X(flt_once) X(flt_drain) \
	X(close_empty) X(unmap_len) X(split) \
	X(align) X(map_fixed) X(storage) X(apt_immut) X(batch_gran) X(pin_range) X(pin_flags) \
	X(dirty_on_unpin) X(unpin_dom) X(acct_mode) X(opt_rlimit) X(prot_acc) X(acc_notify) \
	X(acc_bal) X(acc_contig) X(acc_move) X(acc_xa) X(copy_share) X(copy_sem) X(map_rollback) X(errno_clean) X(unmap_nosplit) \
	X(huge_opt) X(grp_coherent) X(replace_atomic) X(dup_dom) X(nested_parent) X(nested_nomap) X(obj_life) \
	X(obj_ref) X(flt_owner) X(dev_own) X(msi_iso) X(msi_win) X(prot_cc) X(detach_block) \
	X(iopf_bal) X(ranges_out) X(pfn_readback) X(acc_pfn) X(acc_rw) X(dirty) X(vfio_compat) \
	X(chg_proc) X(dmabuf_revoke) X(file_seal) X(hwq_lock) X(pasid) X(vdev_tomb) X(vevq_seq)

#define DECLARE(name) extern const struct ims_rule rule_##name;
RULES(DECLARE)

#define POINT(name) &rule_##name,
const struct ims_rule *const ims_rules[] = { RULES(POINT) NULL };
