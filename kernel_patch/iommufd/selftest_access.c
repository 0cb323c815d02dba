// SPDX-License-Identifier: GPL-2.0-only
/*
 * The selftest's in-kernel access: a file that holds one. What it has pinned is
 * unpinned when iommufd asks, when the test says so, or when the file is closed.
 *
 * The lock is held from before a pin to after it is in the list, so that a
 * question to unpin cannot miss it.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "device.h"
#include "selftest.h"

struct test_access {
	struct iommufd_access *access;
	struct file *file;
	struct mutex lock;
	struct list_head pins;
	u32 next_id;
};

struct test_pin {
	struct list_head node;
	unsigned long iova;
	size_t length;
	u32 id;
};

static const struct file_operations test_access_fops;

static struct test_access *test_access_get(u32 fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADFD);
	if (file->f_op != &test_access_fops) {
		fput(file);
		return ERR_PTR(-EBADFD);
	}
	return file->private_data;
}

static void test_access_put(struct test_access *t)
{
	fput(t->file);
}

static void drop_pin(struct test_access *t, struct test_pin *pin)
{
	lockdep_assert_held(&t->lock);
	list_del(&pin->node);
	iommufd_access_unpin_pages(t->access, pin->iova, pin->length);
	kfree(pin);
}

/* iommufd asks for a range. */
static void test_unmap(void *data, unsigned long iova, unsigned long length)
{
	unsigned long last = iova + (length - 1);
	struct test_pin *pin, *next;
	struct test_access *t = data;

	mutex_lock(&t->lock);
	list_for_each_entry_safe(pin, next, &t->pins, node)
		if (pin->iova <= last && pin->iova + (pin->length - 1) >= iova)
			drop_pin(t, pin);
	mutex_unlock(&t->lock);
}

static int test_access_release(struct inode *inode, struct file *file)
{
	struct test_access *t = file->private_data;

	if (t->access) {
		test_unmap(t, 0, ULONG_MAX);
		iommufd_access_destroy(t->access);
	}
	mutex_destroy(&t->lock);
	kfree(t);
	return 0;
}

static const struct file_operations test_access_fops = {
	.release = test_access_release,
};

static const struct iommufd_access_ops ops_pin = {
	.needs_pin_pages = 1,
	.unmap = test_unmap,
};

static const struct iommufd_access_ops ops_rw = {
	.unmap = test_unmap,
};

static struct test_access *test_access_new(void)
{
	struct test_access *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!t)
		return ERR_PTR(-ENOMEM);
	mutex_init(&t->lock);
	INIT_LIST_HEAD(&t->pins);
	file = anon_inode_getfile("[iommufd_test_staccess]", &test_access_fops, t, O_RDWR);
	if (IS_ERR(file)) {
		kfree(t);
		return ERR_CAST(file);
	}
	t->file = file;
	return t;
}

/* The file is not installed yet, so that nobody else can use it. */
static int start_access(struct ufd_call *call, struct iommu_test_cmd *cmd, struct test_access *t,
			int fd)
{
	bool pins = cmd->create_access.flags & MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES;
	struct iommufd_access *access;
	u32 id;
	int rc;

	access = iommufd_access_create(call->ctx, pins ? &ops_pin : &ops_rw, t, &id);
	if (IS_ERR(access))
		return PTR_ERR(access);
	rc = iommufd_access_attach(access, cmd->id);
	if (!rc) {
		cmd->create_access.out_access_fd = fd;
		rc = ufd_reply(call, sizeof(*cmd));
	}
	if (rc)
		iommufd_access_destroy(access);
	else
		t->access = access;
	return rc;
}

int ufd_test_create_access(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *t;
	int fd, rc;

	if (cmd->create_access.flags & ~MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;
	t = test_access_new();
	if (IS_ERR(t))
		return PTR_ERR(t);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = -ENOMEM;
		goto err_file;
	}
	rc = start_access(call, cmd, t, fd);
	if (rc)
		goto err_fd;
	fd_install(fd, t->file);
	return 0;

err_fd:
	put_unused_fd(fd);
err_file:
	test_access_put(t);
	return rc;
}

int ufd_test_replace_access(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *t = test_access_get(cmd->id);
	int rc;

	if (IS_ERR(t))
		return PTR_ERR(t);
	rc = iommufd_access_replace(t->access, cmd->access_replace_ioas.ioas_id);
	test_access_put(t);
	return rc;
}

/* The fuzzer's way to name an IOVA, see selftest.c */
static unsigned long pick_iova(struct test_access *t, u64 code)
{
	unsigned long iova = 0;

	mutex_lock(&t->access->lock);
	if (t->access->ioas)
		iova = ufd_selftest_nth_iova(&t->access->ioas->space, code);
	mutex_unlock(&t->access->lock);
	return iova;
}

/* ---- pin ---- */

static int check_pages(unsigned long uaddr, struct page **pages, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < n; i++) {
		struct page *page;
		int got = get_user_pages_fast(uaddr + i * PAGE_SIZE, 1, 0, &page);

		if (got != 1)
			return got < 0 ? got : -EFAULT;
		put_page(page);
		if (page != pages[i])
			return -EBADE;
	}
	return 0;
}

static int note_pin(struct ufd_call *call, struct iommu_test_cmd *cmd, struct test_access *t,
		    unsigned long iova, size_t length)
{
	struct test_pin *pin = kzalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!pin)
		return -ENOMEM;
	pin->iova = iova;
	pin->length = length;
	pin->id = t->next_id++;
	cmd->access_pages.out_access_pages_id = pin->id;
	rc = ufd_reply(call, sizeof(*cmd));
	if (rc)
		kfree(pin);
	else
		list_add_tail(&pin->node, &t->pins);
	return rc;
}

static int pin_locked(struct ufd_call *call, struct iommu_test_cmd *cmd, struct test_access *t,
		      unsigned long iova, struct page **pages, unsigned long n)
{
	size_t length = cmd->access_pages.length;
	u64 uptr = cmd->access_pages.uptr;
	int rc;

	rc = iommufd_access_pin_pages(t->access, iova, length, pages,
				      cmd->access_pages.flags & MOCK_FLAGS_ACCESS_WRITE);
	if (rc)
		return rc;
	if (uptr)
		rc = check_pages(uptr - offset_in_page(iova), pages, n);
	if (!rc)
		rc = note_pin(call, cmd, t, iova, length);
	if (rc)
		iommufd_access_unpin_pages(t->access, iova, length);
	return rc;
}

static int pin_pages(struct ufd_call *call, struct iommu_test_cmd *cmd, struct test_access *t)
{
	unsigned long iova = cmd->access_pages.iova, n;
	struct page **pages;
	int rc;

	if (t->access->ops != &ops_pin)
		return -EOPNOTSUPP;
	if (cmd->access_pages.flags & MOCK_FLAGS_ACCESS_SYZ)
		iova = pick_iova(t, cmd->access_pages.iova);
	n = DIV_ROUND_UP(offset_in_page(iova) + cmd->access_pages.length, PAGE_SIZE);
	pages = kvcalloc(n, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	mutex_lock(&t->lock);
	rc = pin_locked(call, cmd, t, iova, pages, n);
	mutex_unlock(&t->lock);
	kvfree(pages);
	return rc;
}

int ufd_test_access_pages(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *t;
	int rc;

	if (cmd->access_pages.length > SELFTEST_COPY_MOST)
		return -ENOMEM;
	if (cmd->access_pages.flags & ~(MOCK_FLAGS_ACCESS_WRITE | MOCK_FLAGS_ACCESS_SYZ))
		return -EOPNOTSUPP;
	t = test_access_get(cmd->id);
	if (IS_ERR(t))
		return PTR_ERR(t);
	rc = pin_pages(call, cmd, t);
	test_access_put(t);
	return rc;
}

int ufd_test_destroy_access_pages(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *t = test_access_get(cmd->id);
	struct test_pin *pin, *next;
	int rc = -ENOENT;

	if (IS_ERR(t))
		return PTR_ERR(t);
	mutex_lock(&t->lock);
	list_for_each_entry_safe(pin, next, &t->pins, node) {
		if (pin->id != cmd->destroy_access_pages.access_pages_id)
			continue;
		drop_pin(t, pin);
		rc = 0;
		break;
	}
	mutex_unlock(&t->lock);
	test_access_put(t);
	return rc;
}

/* ---- read and write ---- */

static int rw(struct iommu_test_cmd *cmd, struct test_access *t, void *buffer)
{
	void __user *user = u64_to_user_ptr(cmd->access_rw.uptr);
	size_t length = cmd->access_rw.length;
	unsigned long iova = cmd->access_rw.iova;
	u32 flags = cmd->access_rw.flags;
	int rc;

	static_assert((int)MOCK_ACCESS_RW_WRITE == (int)IOMMUFD_ACCESS_RW_WRITE);
	static_assert((int)MOCK_ACCESS_RW_SLOW_PATH == (int)__IOMMUFD_ACCESS_RW_SLOW_PATH);

	if (flags & MOCK_FLAGS_ACCESS_SYZ)
		iova = pick_iova(t, cmd->access_rw.iova);
	if ((flags & MOCK_ACCESS_RW_WRITE) && copy_from_user(buffer, user, length))
		return -EFAULT;
	rc = iommufd_access_rw(t->access, iova, buffer, length, flags);
	if (!rc && !(flags & MOCK_ACCESS_RW_WRITE) && copy_to_user(user, buffer, length))
		rc = -EFAULT;
	return rc;
}

int ufd_test_access_rw(struct ufd_call *call, struct iommu_test_cmd *cmd)
{
	const u32 known = MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH | MOCK_FLAGS_ACCESS_SYZ;
	struct test_access *t;
	int rc = -ENOMEM;
	void *buffer;

	if (cmd->access_rw.length > SELFTEST_COPY_MOST)
		return -ENOMEM;
	if (cmd->access_rw.flags & ~known)
		return -EOPNOTSUPP;
	t = test_access_get(cmd->id);
	if (IS_ERR(t))
		return PTR_ERR(t);
	buffer = kvzalloc(cmd->access_rw.length, GFP_KERNEL_ACCOUNT);
	if (buffer)
		rc = rw(cmd, t, buffer);
	kvfree(buffer);
	test_access_put(t);
	return rc;
}
