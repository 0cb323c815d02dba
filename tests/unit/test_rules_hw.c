// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the IOMMU core is asked for devices: DEV-OWN, MSI-ISO, MSI-WIN, PROT-CC,
 * DETACH-BLOCK, IOPF-BAL, and GRP-COHERENT where it concerns that.
 */
#include <errno.h>

#include "stream.c"

#define G1 7
#define G2 8
#define GOOD (IMS_HW_COHERENT | IMS_HW_ISOLATED_MSI)
#define SW_MSI 4		/* enum iommu_resv_type */
#define WINDOW 0x8000000ULL

/* The test says itself what the IOMMU core was asked. */
static struct stream *own_hw(void)
{
	struct stream *s = with_ioas();

	s->own_hw = true;
	return s;
}

static struct stream *bound_as(uint32_t flags)
{
	struct stream *s = own_hw();

	r_hw_claim(s, X1, G1, flags, 0);
	r_device(s, IMS_DEV_BIND, X1, G1, 0, 0, 0);
	return s;
}

static struct stream *bound(void)
{
	struct stream *s = bound_as(GOOD);

	r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT);
	return s;
}

static void attach(struct stream *s, uint64_t X, uint64_t D)
{
	r_hw_domain(s, IMS_HW_ATTACH, X, G1, D, D, IMS_DT_PAGING, 0);
	r_device(s, IMS_DEV_ATTACH, X, G1, D, 0, 0);
}

static void detach(struct stream *s, uint64_t X, uint64_t D)
{
	r_hw_domain(s, IMS_HW_DETACH, X, G1, D, BLOCKING, IMS_DT_BLOCKED, 0);
	r_device(s, IMS_DEV_DETACH, X, G1, D, 0, 0);
}

static void unbind(struct stream *s, uint64_t X)
{
	r_device(s, IMS_DEV_UNBIND, X, G1, 0, 0, 0);
	r_hw_release(s, X, G1);
}

/* ---- DEV-OWN ---- */

TEST(bound_without_a_claim)
{
	struct stream *s = own_hw();

	expect_violation(s, "DEV-OWN", "mock0 was bound, but its DMA was not claimed",
			 r_device(s, IMS_DEV_BIND, X1, G1, 0, 0, 0));
	stream_end(s);
}

TEST(bound_though_the_claim_was_refused)
{
	struct stream *s = own_hw();

	r_hw_claim(s, X1, G1, GOOD, -EPERM);
	expect_violation(s, "DEV-OWN", "was not claimed", r_device(s, IMS_DEV_BIND, X1, G1, 0, 0, 0));
	stream_end(s);
}

TEST(claimed_for_somebody_else)
{
	struct stream *s = own_hw();
	struct ims_hw hw = { .dev = X1, .group = G1, .base = 0xbad, .type = IMS_DT_BLOCKED,
			     .flags = GOOD };

	expect_violation(s, "DEV-OWN", "claimed for 0xbad, not for this ctx",
			 r_hw(s, IMS_HW_CLAIM, &hw));
	hw.base = C1;
	r_hw(s, IMS_HW_CLAIM, &hw);
	stream_end(s);
}

/* The claim of another device of the group does not count. */
TEST(bound_by_the_claim_of_another)
{
	struct stream *s = bound();

	expect_violation(s, "DEV-OWN", NULL, r_device(s, IMS_DEV_BIND, X2, G1, 0, 0, 0));
	stream_end(s);
}

TEST(given_back_while_bound)
{
	struct stream *s = bound();

	expect_violation(s, "DEV-OWN", "the DMA of mock0 was given back while it is bound",
			 r_hw_release(s, X1, G1));
	expect_violation(s, "DEV-OWN", "given back, but was not claimed", r_hw_release(s, X1, G1));
	stream_end(s);
}

TEST(never_given_back)
{
	struct stream *s = bound();

	r_device(s, IMS_DEV_UNBIND, X1, G1, 0, 0, 0);
	r_object(s, IMS_OBJ_DESTROY, 1);
	r_ctx(s, IMS_CTX_RELEASE);
	expect_violation(s, "DEV-OWN", "device 0xe001 was never given back", r_ctx(s, IMS_CTX_FREED));
	stream_end(s);
}

/* Two devices of a group, one claimed twice, and binds that fail after their claim. */
TEST(claims_that_are_right)
{
	struct stream *s = bound();

	r_hw_claim(s, X2, G1, GOOD, 0);
	r_hw_release(s, X2, G1);		/* no memory for the object */
	r_hw_claim(s, X2, G1, GOOD, 0);
	r_device(s, IMS_DEV_BIND, X2, G1, 0, 0, 0);
	r_hw_claim(s, X1, G1, GOOD, 0);
	r_hw_release(s, X1, G1);
	r_hw_claim(s, X1 + 9, G2, GOOD, -EBUSY);
	unbind(s, X1);
	unbind(s, X2);
	end_with_ioas(s);
}

/* ---- MSI-ISO ---- */

TEST(interrupts_are_not_isolated)
{
	struct stream *s = own_hw();

	r_hw_claim(s, X1, G1, IMS_HW_COHERENT, 0);
	expect_violation(s, "MSI-ISO", "mock0 was bound, but its interrupts are not isolated",
			 r_device(s, IMS_DEV_BIND, X1, G1, 0, 0, 0));
	stream_end(s);
}

TEST(interrupts_that_need_not_be_isolated)
{
	stream_end(bound_as(IMS_HW_COHERENT | IMS_HW_UNSAFE_MSI_OK));
	stream_end(bound_as(IMS_HW_COHERENT | IMS_HW_MOCK));
	stream_end(bound_as(IMS_HW_COHERENT | IMS_HW_ISOLATED_MSI));
}

TEST(not_isolated_and_refused)
{
	struct stream *s = own_hw();

	r_hw_claim(s, X1, G1, IMS_HW_COHERENT, 0);
	r_hw_release(s, X1, G1);
	end_with_ioas(s);
}

/* ---- MSI-WIN ---- */

static struct stream *with_window(void)
{
	struct stream *s = bound();

	r_region(s, S1, X1, WINDOW, WINDOW + MB - 1, SW_MSI);
	r_reserve(s, IMS_RESV_ADD, S1, WINDOW, WINDOW + MB - 1, X1, 0);
	return s;
}

TEST(no_window)
{
	struct stream *s = with_window();

	expect_violation(s, "MSI-WIN", "mock0 uses domain 0xd001, whose window for its interrupts at "
			 "0x8000000 was not set up",
			 r_hw_domain(s, IMS_HW_ATTACH, X1, G1, D1, D1, IMS_DT_PAGING, 0));
	stream_end(s);
}

TEST(no_window_after_a_replace)
{
	struct stream *s = with_window();

	r_hw_msi(s, X1, G1, D1, WINDOW, 0);
	attach(s, X1, D1);
	r_hwpt(s, D2, S1, 0, 0);
	r_hw_msi(s, X1, G1, D2, WINDOW, -ENOMEM);
	expect_violation(s, "MSI-WIN", "mock0 uses domain 0xd002",
			 r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D2, D2, IMS_DT_PAGING, 0));
	stream_end(s);
}

TEST(window_elsewhere)
{
	struct stream *s = with_window();

	r_hw_msi(s, X1, G1, D1, WINDOW + MB, 0);
	expect_violation(s, "MSI-WIN", "mock0 has its interrupts at 0x8000000, domain 0xd001 has the "
			 "window at 0x8100000",
			 r_hw_domain(s, IMS_HW_ATTACH, X1, G1, D1, D1, IMS_DT_PAGING, 0));
	stream_end(s);
}

TEST(window_twice)
{
	struct stream *s = with_window();

	r_hw_msi(s, X1, G1, D1, WINDOW, 0);
	expect_violation(s, "MSI-WIN", "which has one", r_hw_msi(s, X1, G1, D1, WINDOW, 0));
	stream_end(s);
}

/* Also in the parent of a nested domain, and where no device lists one. */
TEST(windows_that_are_right)
{
	struct stream *s = with_window();

	r_hw_msi(s, X1, G1, D1, WINDOW, 0);
	r_hwpt(s, D1, S1, 0, IMS_HWPT_AUTO);	/* said again */
	attach(s, X1, D1);
	r_hwpt(s, D2, S1, 0, IMS_HWPT_PARENT);
	r_hwpt(s, D3, 0, D2, IMS_HWPT_NESTED);
	r_hw_msi(s, X1, G1, D2, WINDOW, 0);
	r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D3, D3, IMS_DT_NESTED, 0);
	stream_end(s);
	s = bound();
	r_region(s, S1, X1, 0xfee00000, 0xfeefffff, 3);		/* of hardware */
	r_reserve(s, IMS_RESV_ADD, S1, 0xfee00000, 0xfeefffff, X1, 0);
	attach(s, X1, D1);
	stream_end(s);
	s = bound();
	r_hw_msi(s, X1, G1, D1, WINDOW, 0);		/* left by another device */
	attach(s, X1, D1);
	stream_end(s);
}

/* ---- PROT-CC ---- */

TEST(not_coherent)
{
	struct stream *s = own_hw();

	r_hw_claim(s, X1, G1, IMS_HW_ISOLATED_MSI, 0);
	expect_violation(s, "PROT-CC", "mock0 was bound, but its DMA is not cache coherent",
			 r_device(s, IMS_DEV_BIND, X1, G1, 0, 0, 0));
	stream_end(s);
}

TEST(coherency_not_enforced)
{
	struct stream *s = bound_as(GOOD | IMS_HW_ENFORCE_CC);

	expect_violation(s, "PROT-CC", "HWPT 53249 lets devices bypass the caches",
			 r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT));
	stream_end(s);
}

/* Nested, enforced, or maybe made for the device that cannot. */
TEST(coherency_that_need_not_be_enforced)
{
	struct stream *s = bound_as(GOOD | IMS_HW_ENFORCE_CC);

	r_hwpt(s, D1, S1, 0, IMS_HWPT_ENFORCE_CC | IMS_HWPT_PARENT);
	r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED);
	r_hw_claim(s, X2, G2, GOOD, 0);
	r_device(s, IMS_DEV_BIND, X2, G2, 0, 0, 0);
	r_hwpt(s, D3, S1, 0, 0);
	stream_end(s);
}

/* ---- DETACH-BLOCK ---- */

#define DETACH_TO(s, now, type)								\
	r_hw_domain(s, IMS_HW_DETACH, X1, G1, D1, now, type, 0)

TEST(detached_to_what_it_left)
{
	struct stream *s = bound();

	attach(s, X1, D1);
	expect_violation(s, "DETACH-BLOCK", "group 7 is not attached, but translates through a paging "
			 "domain 0xd001", DETACH_TO(s, D1, IMS_DT_PAGING));
	stream_end(s);
}

TEST(detached_by_word_only)
{
	struct stream *s = bound();

	attach(s, X1, D1);
	expect_violation(s, "DETACH-BLOCK", "the last device of group 7 was detached, but it translates "
			 "through domain 0xd001", r_device(s, IMS_DEV_DETACH, X1, G1, D1, 0, 0));
	stream_end(s);
}

TEST(detached_to_another_hwpt)
{
	struct stream *s = bound();

	r_hwpt(s, D2, S1, 0, 0);
	attach(s, X1, D1);
	expect_violation(s, "DETACH-BLOCK", "domain 0xd002", DETACH_TO(s, D2, IMS_DT_PAGING));
	stream_end(s);
}

TEST(detached_to_the_kernel)
{
	struct stream *s = bound();

	attach(s, X1, D1);
	expect_violation(s, "DETACH-BLOCK", "the kernel's DMA domain",
			 DETACH_TO(s, 0xdddd, IMS_DT_DMA_API));
	expect_violation(s, "DETACH-BLOCK", "an identity", DETACH_TO(s, 0xdddd, IMS_DT_IDENTITY));
	expect_violation(s, "DETACH-BLOCK", "no domain", DETACH_TO(s, 0, IMS_DT_NONE));
	expect_violation(s, "DETACH-BLOCK", "a strange domain", DETACH_TO(s, 1, 77));
	stream_end(s);
}

TEST(claimed_and_not_blocked)
{
	struct stream *s = own_hw();
	struct ims_hw hw = { .dev = X1, .group = G1, .now = 0xdddd, .type = IMS_DT_DMA_API,
			     .flags = GOOD };

	expect_violation(s, "DETACH-BLOCK", "the kernel's DMA", r_hw(s, IMS_HW_CLAIM, &hw));
	hw.rc = -EBUSY;
	r_hw(s, IMS_HW_CLAIM, &hw);
	stream_end(s);
}

TEST(refused_and_not_blocked)
{
	struct stream *s = bound();

	expect_violation(s, "DETACH-BLOCK", "domain 0xd001",
			 r_hw_domain(s, IMS_HW_ATTACH, X1, G1, D1, D1, IMS_DT_PAGING, -EINVAL));
	stream_end(s);
}

/* An empty paging domain will do, and the other device of the group may be attached. */
TEST(groups_that_are_blocked)
{
	struct stream *s = bound();

	attach(s, X1, D1);
	r_hw(s, IMS_HW_CLAIM, &(struct ims_hw){ .dev = X2, .group = G1, .now = D1,
						.type = IMS_DT_PAGING, .flags = GOOD });
	r_hw_release(s, X2, G1);
	DETACH_TO(s, 0xb10c, IMS_DT_PAGING);
	r_device(s, IMS_DEV_DETACH, X1, G1, D1, 0, 0);
	r_hw_domain(s, IMS_HW_ATTACH, X1, G1, D1, BLOCKING, IMS_DT_BLOCKED, -EINVAL);
	r_device(s, IMS_DEV_ATTACH, X1, G1, D1, 0, -EINVAL);
	attach(s, X1, D1);
	detach(s, X1, D1);
	unbind(s, X1);
	stream_end(s);
}

/* ---- GRP-COHERENT, the IOMMU core's side ---- */

TEST(core_has_another_domain)
{
	struct stream *s = bound();

	expect_violation(s, "GRP-COHERENT", "group 7 was given domain 0xd001, but translates through 0xd002",
			 r_hw_domain(s, IMS_HW_ATTACH, X1, G1, D1, D2, IMS_DT_PAGING, 0));
	stream_end(s);
}

TEST(core_was_not_asked)
{
	struct stream *s = bound();

	expect_violation(s, "GRP-COHERENT", "mock0 was attached to domain 0xd001, but group 7 translates "
			 "through 0xb10c", r_device(s, IMS_DEV_ATTACH, X1, G1, D1, 0, 0));
	stream_end(s);
}

TEST(replace_that_changed_nothing)
{
	struct stream *s = bound();

	r_hwpt(s, D2, S1, 0, 0);
	attach(s, X1, D1);
	expect_violation(s, "GRP-COHERENT", "but group 7 translates through 0xd001",
			 r_device(s, IMS_DEV_REPLACE, X1, G1, D2, D1, 0));
	stream_end(s);
}

TEST(refused_replace_that_changed_something)
{
	struct stream *s = bound();

	attach(s, X1, D1);
	expect_violation(s, "GRP-COHERENT", "group 7 was refused domain 0xd002, but went from 0xd001 to 0xb10c",
			 r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D2, BLOCKING, IMS_DT_BLOCKED, -EINVAL));
	stream_end(s);
}

TEST(detached_from_another_domain)
{
	struct stream *s = bound();

	attach(s, X1, D1);
	r_hw_domain(s, IMS_HW_DETACH, X1, G1, D2, BLOCKING, IMS_DT_BLOCKED, 0);
	expect_violation(s, "GRP-COHERENT", "mock0 left domain 0xd002, but its group uses domain 0xd001",
			 r_device(s, IMS_DEV_DETACH, X1, G1, D2, 0, 0));
	stream_end(s);
}

/* Devices without an IOMMU: nothing is asked, and each goes its own way. */
TEST(of_no_group)
{
	uint32_t no_group_1 = ~(uint32_t)X1, no_group_2 = ~(uint32_t)X2;
	struct stream *s = own_hw();

	r_hwpt(s, D1, S1, 0, 0);
	r_hwpt(s, D2, S1, 0, 0);
	r_device(s, IMS_DEV_BIND, X1, no_group_1, 0, 0, 0);
	r_device(s, IMS_DEV_BIND, X2, no_group_2, 0, 0, 0);
	r_device(s, IMS_DEV_ATTACH, X1, no_group_1, D1, 0, 0);
	r_device(s, IMS_DEV_ATTACH, X2, no_group_2, D2, 0, 0);
	r_device(s, IMS_DEV_REPLACE, X2, no_group_2, D1, D2, 0);
	r_device(s, IMS_DEV_DETACH, X1, no_group_1, D1, 0, 0);
	expect_violation(s, "GRP-COHERENT", "mock0 left domain 0xd002, but its group uses domain 0xd001",
			 r_device(s, IMS_DEV_DETACH, X2, no_group_2, D2, 0, 0));
	stream_end(s);
}

/* The second device of a group asks nobody; a refused replace leaves all. */
TEST(core_and_group_agree)
{
	struct stream *s = bound();

	r_hw_claim(s, X2, G1, GOOD, 0);
	r_device(s, IMS_DEV_BIND, X2, G1, 0, 0, 0);
	r_hwpt(s, D2, S1, 0, 0);
	attach(s, X1, D1);
	r_device(s, IMS_DEV_ATTACH, X2, G1, D1, 0, 0);
	r_hw_domain(s, IMS_HW_REPLACE, X2, G1, D2, D1, IMS_DT_PAGING, -EINVAL);
	r_device(s, IMS_DEV_REPLACE, X2, G1, D2, D1, -EINVAL);
	r_hw_domain(s, IMS_HW_REPLACE, X2, G1, D2, D2, IMS_DT_PAGING, 0);
	r_device(s, IMS_DEV_REPLACE, X2, G1, D2, D1, 0);
	r_device(s, IMS_DEV_DETACH, X1, G1, D2, 0, 0);
	detach(s, X2, D2);
	unbind(s, X1);
	unbind(s, X2);
	stream_end(s);
}

/* ---- IOPF-BAL ---- */

static struct stream *with_queue(void)
{
	struct stream *s = bound();

	r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED | IMS_HWPT_FAULT);
	return s;
}

static void enable(struct stream *s, uint64_t X)
{
	r_hw_iopf(s, IMS_HW_IOPF_ENABLE, X, G1, 0);
}

static void disable(struct stream *s, uint64_t X)
{
	r_hw_iopf(s, IMS_HW_IOPF_DISABLE, X, G1, 0);
}

static void nested(struct stream *s, int action)
{
	r_hw_domain(s, action, X1, G1, D2, D2, IMS_DT_NESTED, 0);
}

TEST(faults_not_enabled)
{
	struct stream *s = with_queue();

	nested(s, IMS_HW_ATTACH);
	expect_violation(s, "IOPF-BAL", "group 7 is attached to HWPT 53250, which has a fault queue, "
			 "but reports no page faults", r_device(s, IMS_DEV_ATTACH, X1, G1, D2, 0, 0));
	stream_end(s);
}

TEST(faults_enabled_in_vain)
{
	struct stream *s = with_queue();

	r_hw_iopf(s, IMS_HW_IOPF_ENABLE, X1, G1, -ENODEV);
	nested(s, IMS_HW_ATTACH);
	expect_violation(s, "IOPF-BAL", "reports no page faults",
			 r_device(s, IMS_DEV_ATTACH, X1, G1, D2, 0, 0));
	stream_end(s);
}

TEST(faults_stay_enabled_after_a_detach)
{
	struct stream *s = with_queue();

	enable(s, X1);
	nested(s, IMS_HW_ATTACH);
	r_device(s, IMS_DEV_ATTACH, X1, G1, D2, 0, 0);
	r_hw_domain(s, IMS_HW_DETACH, X1, G1, D2, BLOCKING, IMS_DT_BLOCKED, 0);
	expect_violation(s, "IOPF-BAL", "device 0xe001 of group 7 reports page faults, but nobody would "
			 "get them", r_device(s, IMS_DEV_DETACH, X1, G1, D2, 0, 0));
	stream_end(s);
}

TEST(faults_stay_enabled_after_a_replace)
{
	struct stream *s = with_queue();

	enable(s, X1);
	nested(s, IMS_HW_ATTACH);
	r_device(s, IMS_DEV_ATTACH, X1, G1, D2, 0, 0);
	r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D1, D1, IMS_DT_PAGING, 0);
	expect_violation(s, "IOPF-BAL", "nobody would get them",
			 r_device(s, IMS_DEV_REPLACE, X1, G1, D1, D2, 0));
	stream_end(s);
}

TEST(faults_stay_enabled_after_a_refused_attach)
{
	struct stream *s = with_queue();

	enable(s, X1);
	r_hw_domain(s, IMS_HW_ATTACH, X1, G1, D2, BLOCKING, IMS_DT_BLOCKED, -EINVAL);
	expect_violation(s, "IOPF-BAL", "nobody would get them",
			 r_device(s, IMS_DEV_ATTACH, X1, G1, D2, 0, -EINVAL));
	stream_end(s);
}

TEST(faults_switched_twice)
{
	struct stream *s = with_queue();

	expect_violation(s, "IOPF-BAL", "switched off, but they are", disable(s, X1));
	enable(s, X1);
	expect_violation(s, "IOPF-BAL", "switched on, but they are", enable(s, X1));
	stream_end(s);
}

/* A refused replace, in both directions, leaves them as they were. */
TEST(faults_that_are_right)
{
	struct stream *s = with_queue();

	attach(s, X1, D1);
	enable(s, X1);
	r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D2, D1, IMS_DT_PAGING, -EINVAL);
	disable(s, X1);
	r_device(s, IMS_DEV_REPLACE, X1, G1, D2, D1, -EINVAL);
	enable(s, X1);
	nested(s, IMS_HW_REPLACE);
	r_device(s, IMS_DEV_REPLACE, X1, G1, D2, D1, 0);
	r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D1, D2, IMS_DT_NESTED, -EINVAL);
	r_device(s, IMS_DEV_REPLACE, X1, G1, D1, D2, -EINVAL);
	r_hw_domain(s, IMS_HW_REPLACE, X1, G1, D1, D1, IMS_DT_PAGING, 0);
	r_hw_iopf(s, IMS_HW_IOPF_DISABLE, X1, G1, -EBUSY);	/* nobody asks */
	r_device(s, IMS_DEV_REPLACE, X1, G1, D1, D2, 0);
	detach(s, X1, D1);
	unbind(s, X1);
	stream_end(s);
}

TESTS(T(bound_without_a_claim), T(bound_though_the_claim_was_refused),
      T(bound_by_the_claim_of_another), T(claimed_for_somebody_else), T(given_back_while_bound), T(never_given_back),
      T(claims_that_are_right),
      T(interrupts_are_not_isolated), T(interrupts_that_need_not_be_isolated),
      T(not_isolated_and_refused),
      T(no_window), T(no_window_after_a_replace), T(window_elsewhere), T(window_twice),
      T(windows_that_are_right),
      T(not_coherent), T(coherency_not_enforced), T(coherency_that_need_not_be_enforced),
      T(detached_to_what_it_left), T(detached_by_word_only), T(detached_to_another_hwpt), T(detached_to_the_kernel),
      T(claimed_and_not_blocked), T(refused_and_not_blocked), T(groups_that_are_blocked),
      T(core_has_another_domain), T(core_was_not_asked), T(replace_that_changed_nothing),
      T(refused_replace_that_changed_something), T(detached_from_another_domain), T(of_no_group),
      T(core_and_group_agree),
      T(faults_not_enabled), T(faults_enabled_in_vain), T(faults_stay_enabled_after_a_detach),
      T(faults_stay_enabled_after_a_replace), T(faults_stay_enabled_after_a_refused_attach),
      T(faults_switched_twice), T(faults_that_are_right))
