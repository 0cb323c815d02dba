// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of tools/testing/selftests/iommu: mock devices, and questions
 * about what is mapped. Its ABI is iommufd_test.h.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "device.h"
#include "mock_iommu.h"
#include "selftest.h"

static DECLARE_FAULT_ATTR(fail_iommufd);
static struct dentry *fail_directory;

bool ufd_inject(void)
{
	return should_fail(&fail_iommufd, 1);
}

/*
 * A fuzzer cannot guess an IOVA that the kernel chose. It may give the number of
 * a window in the lower half, and an offset in the upper half instead.
 */
u64 ufd_selftest_nth_iova(struct ufd_space *s, u64 code)
{
	u32 nth = lower_32_bits(code);
	struct ufd_window *w;
	u64 iova = 0;

	down_read(&s->map_lock);
	ufd_for_each_window(w, s) {
		if (nth--)
			continue;
		iova = w->iova.start + upper_32_bits(code);
		break;
	}
	up_read(&s->map_lock);
	return iova;
}

void ufd_selftest_pick_iova(struct ufd_call *call, u32 ioas_id, u64 *iova, u32 *flags)
{
	struct ufd_ioas *ioas;

	if (!(*flags & MOCK_FLAGS_ACCESS_SYZ))
		return;
	*flags &= ~(u32)MOCK_FLAGS_ACCESS_SYZ;
	ioas = ufd_obj_find(call->ctx, ioas_id, UFD_IOAS);
	if (IS_ERR(ioas))
		return;
	*iova = ufd_selftest_nth_iova(&ioas->space, *iova);
	ufd_obj_put(call->ctx, &ioas->obj);
}

/* ---- mock devices ---- */

/* A mock device that is bound and attached as long as this exists. */
struct test_device {
	struct ufd_obj obj;
	struct mock_device *mock;
	struct iommufd_device *idev;
};

static int test_attach(struct test_device *t, u32 *id)
{
	int rc;

	down_write(&t->mock->attach_lock);
	rc = iommufd_device_attach(t->idev, id);
	up_write(&t->mock->attach_lock);
	return rc;
}

static void test_detach(struct test_device *t)
{
	down_write(&t->mock->attach_lock);
	iommufd_device_detach(t->idev);
	up_write(&t->mock->attach_lock);
}

void ufd_selftest_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	struct test_device *t = container_of(obj, struct test_device, obj);

	test_detach(t);
	iommufd_device_unbind(t->idev);
	mock_device_remove(t->mock);
}

static int start_device(struct iommufd_ctx *ctx, struct test_device *t, u32 flags, u32 *pt_id,
			u32 *idev_id)
{
	int rc;

	t->mock = mock_device_new(flags);
	if (IS_ERR(t->mock))
		return PTR_ERR(t->mock);
	t->idev = iommufd_device_bind(ctx, &t->mock->dev, idev_id);
	if (IS_ERR(t->idev)) {
		rc = PTR_ERR(t->idev);
		goto err_mock;
	}
	rc = test_attach(t, pt_id);
	if (rc)
		goto err_bind;
	return 0;

err_bind:
	iommufd_device_unbind(t->idev);
err_mock:
	mock_device_remove(t->mock);
	return rc;
}

static int test_mock_domain(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	bool with_flags = cmd->op == IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS;
	u32 flags = with_flags ? cmd->mock_domain_flags.dev_flags : 0;
	struct test_device *t;
	u32 pt_id = cmd->id, idev_id;
	int rc;

	t = ufd_obj_new(call->ctx, sizeof(*t), UFD_SELFTEST);
	if (IS_ERR(t))
		return PTR_ERR(t);
	rc = start_device(call->ctx, t, flags, &pt_id, &idev_id);
	if (rc) {
		ufd_obj_abort(call->ctx, &t->obj);
		return rc;
	}
	cmd->mock_domain.out_stdev_id = t->obj.id;
	cmd->mock_domain.out_hwpt_id = pt_id;
	cmd->mock_domain.out_idev_id = idev_id;
	rc = ufd_reply(call, sizeof(*cmd));
	if (rc) {
		ufd_selftest_teardown(call->ctx, &t->obj);
		ufd_obj_abort(call->ctx, &t->obj);
		return rc;
	}
	ufd_obj_show(call->ctx, &t->obj);
	return 0;
}

static int test_mock_domain_replace(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	u32 pt_id = cmd->mock_domain_replace.pt_id;
	struct test_device *t;
	int rc;

	/* The test device and not the device, since it cannot be detached meanwhile. */
	t = ufd_obj_find(call->ctx, cmd->id, UFD_SELFTEST);
	if (IS_ERR(t))
		return PTR_ERR(t);
	down_write(&t->mock->attach_lock);
	rc = iommufd_device_replace(t->idev, &pt_id);
	up_write(&t->mock->attach_lock);
	if (!rc) {
		cmd->mock_domain_replace.pt_id = pt_id;
		rc = ufd_reply(call, sizeof(*cmd));
	}
	ufd_obj_put(call->ctx, &t->obj);
	return rc;
}

static int test_trigger_iopf(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iopf_fault event = { .fault = { .type = IOMMU_FAULT_PAGE_REQ, .prm = {
		.flags = IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE,
		.pasid = cmd->trigger_iopf.pasid,
		.grpid = cmd->trigger_iopf.grpid,
		.perm = cmd->trigger_iopf.perm,
		.addr = cmd->trigger_iopf.addr,
	} } };
	struct iommufd_device *idev;
	struct mock_device *mock;
	int rc = -EINVAL;

	idev = ufd_obj_find(call->ctx, cmd->trigger_iopf.dev_id, UFD_DEVICE);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	mock = mock_device_of(idev->dev);
	if (mock) {
		if (cmd->trigger_iopf.pasid != IOMMU_NO_PASID)
			event.fault.prm.flags |= IOMMU_FAULT_PAGE_REQUEST_PASID_VALID;
		down_read(&mock->attach_lock);
		iommu_report_device_fault(idev->dev, &event);
		up_read(&mock->attach_lock);
		rc = 0;
	}
	ufd_obj_put(call->ctx, &idev->obj);
	return rc;
}

/* ---- questions ---- */

static int test_add_reserved(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	unsigned long start = cmd->add_reserved.start, last;
	struct ufd_ioas *ioas;
	int rc;

	if (!cmd->add_reserved.length)
		return -EINVAL;
	if (check_add_overflow(start, (unsigned long)cmd->add_reserved.length - 1, &last))
		return -EOVERFLOW;
	ioas = ufd_obj_find(call->ctx, cmd->id, UFD_IOAS);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	down_write(&ioas->space.map_lock);
	rc = ufd_keepout_add(&ioas->space, start, last, NULL);
	up_write(&ioas->space.map_lock);
	ufd_obj_put(call->ctx, &ioas->obj);
	return rc;
}

/* The page that the process has at an address, with a reference */
static struct page *page_at(unsigned long uaddr)
{
	struct page *page;
	int n = get_user_pages_fast(uaddr & PAGE_MASK, 1, 0, &page);

	if (n == 1)
		return page;
	return ERR_PTR(n < 0 ? n : -EFAULT);
}

static int check_one(struct mock_domain *d, unsigned long iova, unsigned long uaddr)
{
	struct page *page = page_at(uaddr);
	phys_addr_t phys, want;

	if (IS_ERR(page))
		return PTR_ERR(page);
	want = page_to_phys(page) + offset_in_page(uaddr);
	put_page(page);
	return mock_translate(d, iova, &phys) && phys == want ? 0 : -EINVAL;
}

static struct ufd_hwpt *find_mock(struct ufd_call *call, u32 id, struct mock_domain **d)
{
	struct ufd_hwpt *hwpt = ufd_obj_find(call->ctx, id, UFD_HWPT_PAGING);

	if (IS_ERR(hwpt))
		return hwpt;
	*d = mock_domain_of(hwpt->domain);
	if (*d)
		return hwpt;
	ufd_obj_put(call->ctx, &hwpt->obj);
	return ERR_PTR(-EINVAL);
}

static int test_check_map(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	unsigned long iova = cmd->check_map.iova, uaddr = cmd->check_map.uptr;
	unsigned long length = cmd->check_map.length, end, done;
	struct ufd_hwpt *hwpt;
	struct mock_domain *d;
	int rc = 0;

	if ((iova | length | uaddr) % MOCK_PAGE || check_add_overflow(uaddr, length, &end))
		return -EINVAL;
	hwpt = find_mock(call, cmd->id, &d);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	for (done = 0; done < length && !rc; done += MOCK_PAGE)
		rc = check_one(d, iova + done, uaddr + done);
	ufd_obj_put(call->ctx, &hwpt->obj);
	return rc;
}

/* How often is a page pinned? It shows in its counter. */
static int check_refs(unsigned long uaddr, unsigned int refs)
{
	struct page *page = page_at(uaddr);
	int rc = 0;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!PageCompound(page) && page_ref_count(page) / GUP_PIN_COUNTING_BIAS != refs)
		rc = -EIO;
	put_page(page);
	return rc;
}

static int test_check_refs(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	unsigned long uaddr = cmd->check_refs.uptr, length = cmd->check_refs.length, end;
	int rc = 0;

	if ((uaddr | length) % PAGE_SIZE || check_add_overflow(uaddr, length, &end))
		return -EINVAL;
	for (; uaddr != end && !rc; uaddr += PAGE_SIZE)
		rc = check_refs(uaddr, cmd->check_refs.refs);
	return rc;
}

static int test_check_iotlb(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_nested *nested;
	struct ufd_hwpt *hwpt;
	int rc = -EINVAL;

	hwpt = ufd_obj_find(call->ctx, cmd->id, UFD_HWPT_NESTED);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	nested = mock_nested_of(hwpt->domain);
	if (nested && cmd->check_iotlb.id <= MOCK_NESTED_DOMAIN_IOTLB_ID_MAX &&
	    nested->iotlb[cmd->check_iotlb.id] == cmd->check_iotlb.iotlb)
		rc = 0;
	ufd_obj_put(call->ctx, &hwpt->obj);
	return rc;
}

/* A device writes to the pages whose bits are set. */
static int write_pages(struct mock_domain *d, struct iommu_test_cmd *cmd, unsigned long n)
{
	size_t bytes = DIV_ROUND_UP(n, BITS_PER_BYTE);
	unsigned long *bits, i;

	bits = kvcalloc(BITS_TO_LONGS(n), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	if (copy_from_user(bits, u64_to_user_ptr(cmd->dirty.uptr), bytes)) {
		kvfree(bits);
		return -EFAULT;
	}
	cmd->dirty.out_nr_dirty = 0;
	for_each_set_bit(i, bits, n)
		cmd->dirty.out_nr_dirty += mock_write(d, cmd->dirty.iova +
							 i * cmd->dirty.page_size);
	kvfree(bits);
	return 0;
}

static int test_dirty(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	u64 page_size = cmd->dirty.page_size, n;
	struct ufd_hwpt *hwpt;
	struct mock_domain *d;
	int rc = -EINVAL;

	if (!page_size || !cmd->dirty.length || !cmd->dirty.uptr ||
	    cmd->dirty.iova % page_size || cmd->dirty.length % page_size)
		return -EINVAL;
	n = cmd->dirty.length / page_size;
	if (n > (u64)SELFTEST_COPY_MOST * BITS_PER_BYTE)
		return -EOVERFLOW;
	hwpt = find_mock(call, cmd->id, &d);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (d->tracking)
		rc = write_pages(d, cmd, n);
	if (!rc)
		rc = ufd_reply(call, sizeof(*cmd));
	ufd_obj_put(call->ctx, &hwpt->obj);
	return rc;
}

/* Less memory for an operation means that it has to work in more steps. */
static int test_memory_limit(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	u32 limit = cmd->memory_limit.limit;

	if (limit < sizeof(unsigned long) + sizeof(u32))
		return -EINVAL;
	WRITE_ONCE(ufd_test_pin_batch, limit / sizeof(struct page *));
	return 0;
}

typedef int (*test_fn)(struct ufd_call *call, struct iommu_test_cmd *cmd);

static const test_fn tests[] = {
	[IOMMU_TEST_OP_ADD_RESERVED] = test_add_reserved,
	[IOMMU_TEST_OP_MOCK_DOMAIN] = test_mock_domain,
	[IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS] = test_mock_domain,
	[IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE] = test_mock_domain_replace,
	[IOMMU_TEST_OP_MD_CHECK_MAP] = test_check_map,
	[IOMMU_TEST_OP_MD_CHECK_REFS] = test_check_refs,
	[IOMMU_TEST_OP_MD_CHECK_IOTLB] = test_check_iotlb,
	[IOMMU_TEST_OP_CREATE_ACCESS] = ufd_test_create_access,
	[IOMMU_TEST_OP_ACCESS_REPLACE_IOAS] = ufd_test_replace_access,
	[IOMMU_TEST_OP_ACCESS_PAGES] = ufd_test_access_pages,
	[IOMMU_TEST_OP_DESTROY_ACCESS_PAGES] = ufd_test_destroy_access_pages,
	[IOMMU_TEST_OP_ACCESS_RW] = ufd_test_access_rw,
	[IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT] = test_memory_limit,
	[IOMMU_TEST_OP_DIRTY] = test_dirty,
	[IOMMU_TEST_OP_TRIGGER_IOPF] = test_trigger_iopf,
};

int ufd_selftest(struct ufd_call *call)
{
	struct iommu_test_cmd *cmd = call->cmd;

	if (cmd->op >= ARRAY_SIZE(tests) || !tests[cmd->op])
		return -EOPNOTSUPP;
	return tests[cmd->op](call, cmd);
}

int ufd_selftest_init(void)
{
	int rc;

	fail_directory = fault_create_debugfs_attr("fail_iommufd", NULL, &fail_iommufd);
	rc = mock_init();
	if (rc)
		debugfs_remove_recursive(fail_directory);
	return rc;
}

void ufd_selftest_exit(void)
{
	mock_exit();
	debugfs_remove_recursive(fail_directory);
}
