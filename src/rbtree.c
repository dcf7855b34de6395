// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own allocator, behind the same table: the baseline of every
 * comparison. Each domain has a struct iova_domain of its own, and all is done
 * by the exported functions.
 *
 * What that interface does not give, and how it shows here:
 *  - It does not say why it cannot allocate: always -ENOSPC.
 *  - It cannot tell live from reserved ranges: find says live.
 *  - find looks at an object that a free takes away. Who looks for a range has
 *    to hold it meanwhile.
 *  - A reservation that overlaps ranges merges with them: freeing such a range
 *    frees what was merged into it.
 *  - It does not say that nobody has what is freed.
 *  - Its ranges cannot be listed, and nothing is ever deferred.
 *
 * Locks: none of its own.
 */
#include <linux/errno.h>
#include <linux/iova.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "rbtree.h"

/* The largest size that the kernel caches, in pages. */
#define CACHED_MAX	32

/*
 * The kernel rounds fast sizes up to a power of two. When a range is freed its
 * size alone must tell whether it was rounded; so where rounding would change a
 * size, it does not go the fast way.
 */
static bool is_fast(unsigned long size)
{
	return size > CACHED_MAX || is_power_of_2(size);
}

static int rbtree_create(struct iova_mt_domain *domain)
{
	struct iova_domain *iovad;
	int ret;

	iovad = kzalloc(sizeof(*iovad), GFP_KERNEL);
	if (!iovad)
		return -ENOMEM;
	init_iova_domain(iovad, domain->granule, domain->start_pfn);
	ret = iova_domain_init_rcaches(iovad);
	if (ret) {
		kfree(iovad);
		return ret;
	}
	domain->priv = iovad;
	return 0;
}

static void rbtree_destroy(struct iova_mt_domain *domain)
{
	struct iova_domain *iovad = domain->priv;

	put_iova_domain(iovad);
	kfree(iovad);
}

/*
 * An allocation that cannot succeed, whatever is free, and that asks for empty
 * caches: half the space of all pfns, below pfn 1.
 */
static void rbtree_flush(struct iova_mt_domain *domain)
{
	alloc_iova_fast(domain->priv, BIT(BITS_PER_LONG - 1), 0, true);
}

static int alloc_slow(struct iova_domain *iovad, unsigned long size,
		      unsigned long limit_pfn, unsigned int flags,
		      unsigned long *pfn)
{
	struct iova *iova;

	iova = alloc_iova(iovad, size, limit_pfn, flags & IOVA_MT_ALIGNED);
	if (!iova)
		return -ENOSPC;
	*pfn = iova->pfn_lo;
	return 0;
}

static int rbtree_alloc(struct iova_mt_domain *domain, unsigned long size,
			unsigned long limit_pfn, unsigned int flags,
			unsigned long *pfn)
{
	const unsigned int fast = IOVA_MT_CACHED | IOVA_MT_ALIGNED;
	struct iova_domain *iovad = domain->priv;
	unsigned long first;
	int ret;

	/* The kernel cannot align to more, and its search wraps around. */
	if (size > BIT(BITS_PER_LONG - 1) - 1)
		return -ENOSPC;
	/* It adds 1 to the limit. The last pfn is never free there anyway. */
	if (limit_pfn == ULONG_MAX)
		limit_pfn--;

	if ((flags & fast) == fast && is_fast(size)) {
		first = alloc_iova_fast(iovad, size, limit_pfn,
					flags & IOVA_MT_FLUSH);
		if (!first)
			return -ENOSPC;
		*pfn = first;
		return 0;
	}
	ret = alloc_slow(iovad, size, limit_pfn, flags, pfn);
	if (!ret || !(flags & IOVA_MT_FLUSH))
		return ret;
	rbtree_flush(domain);
	return alloc_slow(iovad, size, limit_pfn, flags, pfn);
}

/*
 * A range may go to a cache when the cache can hand it out again: when it is
 * aligned. It need not have come from there.
 */
static bool rbtree_free(struct iova_mt_domain *domain, unsigned long pfn,
			unsigned long size)
{
	if (size && is_fast(size) && IS_ALIGNED(pfn, size))
		free_iova_fast(domain->priv, pfn, size);
	else
		free_iova(domain->priv, pfn);
	return true;
}

static int rbtree_reserve(struct iova_mt_domain *domain, unsigned long first,
			  unsigned long last)
{
	struct iova_domain *iovad = domain->priv;

	/* No address has such a pfn; the very last is the kernel's anchor. */
	if (last > ULLONG_MAX >> iova_shift(iovad) || last == ULONG_MAX)
		return -EINVAL;
	return reserve_iova(iovad, first, last) ? 0 : -ENOMEM;
}

static int rbtree_find(struct iova_mt_domain *domain, unsigned long pfn,
		       struct iova_mt_range *range)
{
	struct iova *iova = find_iova(domain->priv, pfn);

	if (!iova)
		return -ENOENT;
	range->first = iova->pfn_lo;
	range->last = iova->pfn_hi;
	range->state = IOVA_MT_LIVE;
	return 0;
}

const struct iova_mt_ops iova_mt_rbtree_ops = {
	.name = "rbtree",
	.owner = THIS_MODULE,
	.create = rbtree_create,
	.destroy = rbtree_destroy,
	.alloc = rbtree_alloc,
	.free = rbtree_free,
	.reserve = rbtree_reserve,
	.find = rbtree_find,
	.flush = rbtree_flush,
};

/**
 * iova_mt_rbtree_init() - make ready
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_rbtree_init(void)
{
	return iova_cache_get();
}

/**
 * iova_mt_rbtree_exit() - undo iova_mt_rbtree_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_rbtree_exit(void)
{
	iova_cache_put();
}
