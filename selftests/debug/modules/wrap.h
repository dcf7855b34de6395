/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocators that wrap the maple allocator: a copy of its table, under another
 * name, with some calls replaced.
 */
#ifndef _IOVA_MT_DEBUG_WRAP_H
#define _IOVA_MT_DEBUG_WRAP_H

#include <linux/err.h>

#include <iova_mt/iova_mt.h>
#include <iova_mt/ops.h>

/*
 * The table of one of the maple allocators. Every domain shows the table it is served
 * by, so nothing needs to be exported for this.
 */
static inline const struct iova_mt_ops *wrap_maple_ops(const char *name)
{
	struct iova_mt_domain *domain = iova_mt_domain_create(name, 4096, 1);
	const struct iova_mt_ops *ops;

	if (IS_ERR(domain))
		return ERR_CAST(domain);
	ops = domain->ops;
	iova_mt_domain_destroy(domain);
	return ops;
}

#endif /* _IOVA_MT_DEBUG_WRAP_H */
