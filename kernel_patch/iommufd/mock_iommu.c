// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU without hardware, for the selftest: translations are kept in an array,
 * and each mistake of the caller is a WARN. Its page is half a page of the CPU, so
 * that mistakes with offsets show.
 */
#include <linux/iommu.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "mock_iommu.h"
#include "ufd.h"

static struct iommu_ops mock_ops;
static const struct iommu_domain_ops mock_paging_ops;
static const struct iommu_domain_ops mock_nested_ops;

static const struct bus_type mock_bus = { .name = "iommufd_mock" };
static struct notifier_block mock_notifier;
static struct iommu_device mock_iommu;
static struct platform_device *mock_parent;
static struct iopf_queue *mock_faults;
static DEFINE_IDA(mock_ids);

/* ---- entries: a frame, and what happened to it ---- */

#define ENTRY_FRAME GENMASK_ULL(51, 0)
#define ENTRY_HEAD BIT_ULL(52)		/* the first one of a call to map */
#define ENTRY_TAIL BIT_ULL(53)		/* the last one */
#define ENTRY_DIRTY BIT_ULL(54)
#define ENTRY_HUGE BIT_ULL(55)		/* one of 512 of a huge page */

static bool entry_get(struct mock_domain *d, unsigned long iova, unsigned long *entry)
{
	void *value = xa_load(&d->entries, iova / MOCK_PAGE);

	if (!value)
		return false;
	*entry = xa_to_value(value);
	return true;
}

/* Of one that exists, so that this needs no memory. */
static void entry_set(struct mock_domain *d, unsigned long iova, unsigned long entry)
{
	WARN_ON_ONCE(!xa_store(&d->entries, iova / MOCK_PAGE, xa_mk_value(entry), GFP_KERNEL));
}

bool mock_translate(struct mock_domain *d, unsigned long iova, phys_addr_t *phys)
{
	unsigned long entry;

	if (!entry_get(d, iova, &entry))
		return false;
	*phys = (entry & ENTRY_FRAME) * MOCK_PAGE;
	return true;
}

/* A device writes. False when nothing is there. */
bool mock_write(struct mock_domain *d, unsigned long iova)
{
	unsigned long entry;

	if (!entry_get(d, iova, &entry))
		return false;
	entry_set(d, iova, entry | ENTRY_DIRTY);
	return true;
}

/* ---- paging domains ---- */

struct mock_domain *mock_domain_of(struct iommu_domain *domain)
{
	if (domain->type != IOMMU_DOMAIN_UNMANAGED || domain->ops != &mock_paging_ops)
		return NULL;
	return container_of(domain, struct mock_domain, core);
}

static int map_entry(struct mock_domain *d, unsigned long iova, phys_addr_t phys,
		     unsigned long flags, gfp_t gfp)
{
	void *old = xa_store(&d->entries, iova / MOCK_PAGE, xa_mk_value((phys / MOCK_PAGE) | flags),
			     gfp);

	WARN_ON(old && !xa_is_err(old));
	return xa_err(old);
}

static int mock_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
		    size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *d = container_of(domain, struct mock_domain, core);
	size_t done, size = pgsize * pgcount;
	int rc;

	/* An array may survive a failure that was injected, so here is another one. */
	if (ufd_inject())
		return -ENOENT;
	WARN_ON(iova % MOCK_PAGE || pgsize % MOCK_PAGE);
	for (done = 0; done < size; done += MOCK_PAGE) {
		unsigned long flags = pgsize == MOCK_PAGE ? 0 : ENTRY_HUGE;

		if (!done)
			flags |= ENTRY_HEAD;
		if (done + MOCK_PAGE == size)
			flags |= ENTRY_TAIL;
		rc = map_entry(d, iova + done, phys + done, flags, gfp);
		if (rc)
			goto err;
	}
	*mapped += size;
	return 0;
err:
	while (done) {
		done -= MOCK_PAGE;
		xa_erase(&d->entries, (iova + done) / MOCK_PAGE);
	}
	return rc;
}

/*
 * Hardware may have one large entry for what one call mapped, so an unmap must
 * begin and end where a call to map did. With two page sizes the core itself cuts
 * calls, and this cannot be seen any more.
 */
static void check_edge(struct mock_domain *d, void *value, unsigned long flag)
{
	if (!(d->core.pgsize_bitmap & MOCK_HUGE_PAGE))
		WARN_ON(value && !(xa_to_value(value) & flag));
}

static size_t mock_unmap(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
			 size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct mock_domain *d = container_of(domain, struct mock_domain, core);
	size_t done, size = pgsize * pgcount;

	WARN_ON(iova % MOCK_PAGE || pgsize % MOCK_PAGE);
	for (done = 0; done < size; done += MOCK_PAGE) {
		void *value = xa_erase(&d->entries, (iova + done) / MOCK_PAGE);

		if (!done)
			check_edge(d, value, ENTRY_HEAD);
		if (done + MOCK_PAGE == size)
			check_edge(d, value, ENTRY_TAIL);
	}
	return size;
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	struct mock_domain *d = container_of(domain, struct mock_domain, core);
	phys_addr_t phys = 0;

	WARN_ON(iova % MOCK_PAGE);
	WARN_ON(!mock_translate(d, iova, &phys));
	return phys;
}

static void mock_free(struct iommu_domain *domain)
{
	struct mock_domain *d = container_of(domain, struct mock_domain, core);

	WARN_ON(!xa_empty(&d->entries));
	kfree(d);
}

/* ---- dirty tracking ---- */

static int mock_set_dirty_tracking(struct iommu_domain *domain, bool on)
{
	struct mock_domain *d = container_of(domain, struct mock_domain, core);

	if (on && !domain->dirty_ops)
		return -EINVAL;
	d->tracking = on;
	return 0;
}

/* Was any of the entries of a page written to? */
static bool test_dirty(struct mock_domain *d, unsigned long iova, unsigned long size, bool clear)
{
	unsigned long end = iova + size, entry;
	bool dirty = false;

	for (; iova != end; iova += MOCK_PAGE) {
		if (!entry_get(d, iova, &entry) || !(entry & ENTRY_DIRTY))
			continue;
		dirty = true;
		if (clear)
			entry_set(d, iova, entry & ~ENTRY_DIRTY);
	}
	return dirty;
}

static int mock_read_dirty(struct iommu_domain *domain, unsigned long iova, size_t size,
			   unsigned long flags, struct iommu_dirty_bitmap *dirty)
{
	struct mock_domain *d = container_of(domain, struct mock_domain, core);
	unsigned long end = iova + size, entry, step;

	if (!d->tracking && dirty->bitmap)
		return -EINVAL;
	for (; iova < end; iova += step) {
		step = MOCK_PAGE;
		if (!entry_get(d, iova, &entry))
			continue;
		if (entry & ENTRY_HUGE)
			step = MOCK_HUGE_PAGE;
		if (test_dirty(d, ALIGN_DOWN(iova, step), step, !(flags & IOMMU_DIRTY_NO_CLEAR)))
			iommu_dirty_bitmap_record(dirty, iova, step);
	}
	return 0;
}

static const struct iommu_dirty_ops mock_dirty_ops = {
	.set_dirty_tracking = mock_set_dirty_tracking,
	.read_and_clear_dirty = mock_read_dirty,
};

/* ---- nested domains ---- */

struct mock_nested *mock_nested_of(struct iommu_domain *domain)
{
	if (domain->type != IOMMU_DOMAIN_NESTED || domain->ops != &mock_nested_ops)
		return NULL;
	return container_of(domain, struct mock_nested, core);
}

static struct iommu_domain *nested_new(const struct iommu_user_data *data)
{
	struct iommu_hwpt_selftest user;
	struct mock_nested *n;
	int rc, i;

	rc = iommu_copy_struct_from_user(&user, data, IOMMU_HWPT_DATA_SELFTEST, iotlb);
	if (rc)
		return ERR_PTR(rc);
	n = kzalloc(sizeof(*n), GFP_KERNEL);
	if (!n)
		return ERR_PTR(-ENOMEM);
	n->core.type = IOMMU_DOMAIN_NESTED;
	n->core.ops = &mock_nested_ops;
	for (i = 0; i < MOCK_NESTED_DOMAIN_IOTLB_NUM; i++)
		n->iotlb[i] = user.iotlb;
	return &n->core;
}

static void nested_free(struct iommu_domain *domain)
{
	kfree(container_of(domain, struct mock_nested, core));
}

static int invalidate_one(struct mock_nested *n, struct iommu_user_data_array *array, u32 i)
{
	struct iommu_hwpt_invalidate_selftest inv;
	int rc;

	rc = iommu_copy_struct_from_user_array(&inv, array, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
					       i, iotlb_id);
	if (rc)
		return rc;
	if (inv.flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv.iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	if (inv.flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(n->iotlb, 0, sizeof(n->iotlb));
	else
		n->iotlb[inv.iotlb_id] = 0;
	return 0;
}

static int nested_invalidate(struct iommu_domain *domain, struct iommu_user_data_array *array)
{
	struct mock_nested *n = container_of(domain, struct mock_nested, core);
	u32 i = 0;
	int rc = 0;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_SELFTEST)
		rc = -EINVAL;
	while (!rc && i < array->entry_num) {
		rc = invalidate_one(n, array, i);
		if (!rc)
			i++;
	}
	array->entry_num = i;
	return rc;
}

/* ---- the driver ---- */

static int mock_attach(struct iommu_domain *domain, struct device *dev)
{
	struct mock_device *mock = container_of(dev, struct mock_device, dev);

	if (domain->dirty_ops && (mock->flags & MOCK_FLAGS_DEVICE_NO_DIRTY))
		return -EINVAL;
	return 0;
}

static const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_attach,
	.map_pages = mock_map,
	.unmap_pages = mock_unmap,
	.iova_to_phys = mock_iova_to_phys,
	.free = mock_free,
};

static const struct iommu_domain_ops mock_nested_ops = {
	.attach_dev = mock_attach,
	.cache_invalidate_user = nested_invalidate,
	.free = nested_free,
};

static const struct iommu_domain_ops mock_blocked_ops = {
	.attach_dev = mock_attach,
};

static struct iommu_domain mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_blocked_ops,
};

static struct iommu_domain *paging_new(struct device *dev)
{
	struct mock_domain *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	xa_init(&d->entries);
	d->core.type = IOMMU_DOMAIN_UNMANAGED;
	d->core.ops = &mock_paging_ops;
	d->core.pgsize_bitmap = MOCK_PAGE;
	d->core.geometry.aperture_start = MOCK_APERTURE_START;
	d->core.geometry.aperture_end = MOCK_APERTURE_LAST;
	if (dev && container_of(dev, struct mock_device, dev)->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA)
		d->core.pgsize_bitmap |= MOCK_HUGE_PAGE;
	return &d->core;
}

static struct iommu_domain *paging_new_user(struct device *dev, u32 flags,
					    const struct iommu_user_data *data)
{
	const u32 known = IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct mock_device *mock = container_of(dev, struct mock_device, dev);
	bool dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct iommu_domain *domain;

	if (flags & ~known || data || (dirty && (mock->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)))
		return ERR_PTR(-EOPNOTSUPP);
	domain = paging_new(dev);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (dirty)
		domain->dirty_ops = &mock_dirty_ops;
	return domain;
}

static struct iommu_domain *mock_alloc_user(struct device *dev, u32 flags,
					    struct iommu_domain *parent,
					    const struct iommu_user_data *data)
{
	if (!parent)
		return paging_new_user(dev, flags, data);
	if (data->type != IOMMU_HWPT_DATA_SELFTEST || flags)
		return ERR_PTR(-EOPNOTSUPP);
	if (!mock_domain_of(parent))
		return ERR_PTR(-EINVAL);
	return nested_new(data);
}

static void *mock_hw_info(struct device *dev, u32 *length, u32 *type)
{
	struct iommu_test_hw_info *info = kzalloc(sizeof(*info), GFP_KERNEL);

	if (!info)
		return ERR_PTR(-ENOMEM);
	info->test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_SELFTEST;
	return info;
}

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	struct mock_device *mock = container_of(dev, struct mock_device, dev);

	if (cap == IOMMU_CAP_DIRTY_TRACKING)
		return !(mock->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static struct iommu_device *mock_probe(struct device *dev)
{
	return dev->bus == &mock_bus ? &mock_iommu : ERR_PTR(-ENODEV);
}

static void mock_page_response(struct device *dev, struct iopf_fault *fault,
			       struct iommu_page_response *response)
{
}

static int mock_enable(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF || !mock_faults)
		return -ENODEV;
	return iopf_queue_add_device(mock_faults, dev);
}

static int mock_disable(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF || !mock_faults)
		return -ENODEV;
	iopf_queue_remove_device(mock_faults, dev);
	return 0;
}

static struct iommu_ops mock_ops = {
	.owner = THIS_MODULE,
	.pgsize_bitmap = MOCK_PAGE,
	.default_domain = &mock_blocked,
	.blocked_domain = &mock_blocked,
	.default_domain_ops = &mock_paging_ops,
	.capable = mock_capable,
	.hw_info = mock_hw_info,
	.domain_alloc_paging = paging_new,
	.domain_alloc_user = mock_alloc_user,
	.probe_device = mock_probe,
	.device_group = generic_device_group,
	.page_response = mock_page_response,
	.dev_enable_feat = mock_enable,
	.dev_disable_feat = mock_disable,
	.user_pasid_table = true,
};

/* ---- devices ---- */

static void mock_release(struct device *dev)
{
	struct mock_device *mock = container_of(dev, struct mock_device, dev);

	if (mock->id >= 0)
		ida_free(&mock_ids, mock->id);
	kfree(mock);
}

bool ufd_is_mock(struct device *dev)
{
	return dev->release == mock_release;
}

struct mock_device *mock_device_of(struct device *dev)
{
	return ufd_is_mock(dev) ? container_of(dev, struct mock_device, dev) : NULL;
}

static int device_register_mock(struct mock_device *mock)
{
	int rc;

	mock->id = ida_alloc(&mock_ids, GFP_KERNEL);
	if (mock->id < 0)
		return mock->id;
	rc = dev_set_name(&mock->dev, "iommufd_mock%u", mock->id);
	if (rc)
		return rc;
	down_write(&mock->attach_lock);
	rc = device_add(&mock->dev);
	up_write(&mock->attach_lock);
	return rc;
}

struct mock_device *mock_device_new(unsigned long flags)
{
	struct mock_device *mock;
	int rc;

	if (flags & ~(MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_HUGE_IOVA))
		return ERR_PTR(-EINVAL);
	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return ERR_PTR(-ENOMEM);
	init_rwsem(&mock->attach_lock);
	device_initialize(&mock->dev);
	mock->flags = flags;
	mock->dev.release = mock_release;
	mock->dev.bus = &mock_bus;
	rc = device_register_mock(mock);
	if (rc) {
		put_device(&mock->dev);
		return ERR_PTR(rc);
	}
	return mock;
}

void mock_device_remove(struct mock_device *mock)
{
	device_unregister(&mock->dev);
}

/* ---- the module ---- */

int mock_init(void)
{
	struct platform_device_info info = { .name = "iommufd_selftest_iommu" };
	int rc;

	mock_parent = platform_device_register_full(&info);
	if (IS_ERR(mock_parent))
		return PTR_ERR(mock_parent);
	rc = bus_register(&mock_bus);
	if (rc)
		goto err_parent;
	rc = iommu_device_sysfs_add(&mock_iommu, &mock_parent->dev, NULL, "%s",
				    dev_name(&mock_parent->dev));
	if (rc)
		goto err_bus;
	rc = iommu_device_register_bus(&mock_iommu, &mock_ops, &mock_bus, &mock_notifier);
	if (rc)
		goto err_sysfs;
	/* Without it there are no page faults to test. */
	mock_faults = iopf_queue_alloc("mock-iopfq");
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(&mock_iommu);
err_bus:
	bus_unregister(&mock_bus);
err_parent:
	platform_device_unregister(mock_parent);
	return rc;
}

void mock_exit(void)
{
	if (mock_faults)
		iopf_queue_free(mock_faults);
	iommu_device_sysfs_remove(&mock_iommu);
	iommu_device_unregister_bus(&mock_iommu, &mock_bus, &mock_notifier);
	bus_unregister(&mock_bus);
	platform_device_unregister(mock_parent);
}
