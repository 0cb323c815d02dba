// SPDX-License-Identifier: GPL-2.0-only
/* All rules, in the order of the catalogue. A new rule: its file, and a line here. */
#include "rules/rules.h"

#define RULES(X) \
	X(apt_map) X(apt_area) X(apt_attach) X(apt_narrow) X(rsv_dev) \
	X(alw_keep) X(alw_auto) X(alw_noauto) X(area_disjoint) \
	X(mir_complete) X(mir_stray) X(sweep) X(map_excl) X(unmap_exact) X(unmap_cut) \
	X(pfn_id) \
	X(pin_once) X(pin_used) X(pin_bal) X(unpin_after_unmap) X(unpin_sync) X(unpin_acc) \
	X(acct_eq) X(acct_step) X(rlimit) \
	X(prot_map) X(prot_pages) \
	X(acc_prevent) X(auto_hwpt) X(flt_once) X(flt_drain) \
	X(close_empty) X(unmap_len) X(split)

#define DECLARE(name) extern const struct ims_rule rule_##name;
RULES(DECLARE)

#define POINT(name) &rule_##name,
const struct ims_rule *const ims_rules[] = { RULES(POINT) NULL };
