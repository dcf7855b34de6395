// SPDX-License-Identifier: GPL-2.0
/*
 * A domain in one of whose files a reader can be kept, as a reader is that is in a
 * page fault: domains/<id>/lock_stat is not left while hold is Y.
 *
 * The domain goes when the module goes, which therefore does not hold itself.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>

#include <iova_mt/ops.h>

static bool hold = true;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "keep readers (default: yes)");

static bool reading;
module_param(reading, bool, 0444);
MODULE_PARM_DESC(reading, "a reader is kept");

static bool going;
module_param(going, bool, 0444);
MODULE_PARM_DESC(going, "the domain is being destroyed");

static uint id;
module_param(id, uint, 0444);
MODULE_PARM_DESC(id, "number of the domain");

static struct iova_mt_domain *domain;

static int slow_create(struct iova_mt_domain *unused)
{
	return 0;
}

static void slow_destroy(struct iova_mt_domain *unused)
{
}

static int slow_alloc(struct iova_mt_domain *unused, unsigned long size,
		      unsigned long limit_pfn, unsigned int flags,
		      unsigned long *pfn)
{
	*pfn = 1;
	return 0;
}

static bool slow_free(struct iova_mt_domain *unused, unsigned long pfn,
		      unsigned long size)
{
	return true;
}

static int slow_reserve(struct iova_mt_domain *unused, unsigned long first,
			unsigned long last)
{
	return 0;
}

static int slow_find(struct iova_mt_domain *unused, unsigned long pfn,
		     struct iova_mt_range *range)
{
	return -ENOENT;
}

static int slow_lock_stat(struct iova_mt_domain *unused,
			  struct iova_mt_lock_stat *stat)
{
	WRITE_ONCE(reading, true);
	while (READ_ONCE(hold))
		schedule_timeout_idle(HZ / 20);
	WRITE_ONCE(reading, false);
	return -ENODATA;
}

static const struct iova_mt_ops slow_ops = {
	.name = "slow",
	.create = slow_create,
	.destroy = slow_destroy,
	.alloc = slow_alloc,
	.free = slow_free,
	.reserve = slow_reserve,
	.find = slow_find,
	.lock_stat = slow_lock_stat,
};

static int __init slow_reader_init(void)
{
	unsigned long pfn;
	int ret, i;

	ret = iova_mt_register(&slow_ops);
	if (ret)
		return ret;
	domain = iova_mt_domain_create("slow", PAGE_SIZE, 1);
	if (IS_ERR(domain)) {
		iova_mt_unregister(&slow_ops);
		return PTR_ERR(domain);
	}
	id = domain->id;
	for (i = 0; i < 1000; i++)
		iova_mt_alloc(domain, 1, 100, 0, &pfn);
	return 0;
}
module_init(slow_reader_init);

static void __exit slow_reader_exit(void)
{
	WRITE_ONCE(going, true);
	iova_mt_domain_destroy(domain);
	iova_mt_unregister(&slow_ops);
}
module_exit(slow_reader_exit);

MODULE_DESCRIPTION("A domain whose reader takes his time, for iova_mt's tests");
MODULE_LICENSE("GPL");
/* See test_main.c. */
MODULE_INFO(import_ns, "IOVA_MT");
