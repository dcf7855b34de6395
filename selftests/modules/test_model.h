/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: what an allocator may do, in bits a page.
 */
#ifndef _IOVA_MT_TEST_MODEL_H
#define _IOVA_MT_TEST_MODEL_H

#include "test.h"

/**
 * struct model_range - a live range
 * @first: first pfn
 * @pages: pages that it takes
 * @size: pages that were asked for
 * @pos: where it is in &model.live
 */
struct model_range {
	unsigned long first;
	unsigned long pages;
	unsigned long size;
	unsigned int pos;
};

/**
 * struct model - a domain and what is known about its pages
 *
 * A page is live or reserved (@hard), free, or "maybe" (in @used alone): given
 * back, but it may be in a cache or deferred. Both bitmaps begin at the highest
 * page, so that the first fit in them is the highest place.
 *
 * @t: the case
 * @domain: of the case
 * @rng: what the operations are drawn from
 * @first: lowest pfn
 * @pages: of the space
 * @used: taken, or maybe
 * @hard: taken
 * @reserved: reserved, by page from the lowest
 * @nr_reserved: pages in it
 * @owner: of each live page, by page from the lowest
 * @live: the live ranges
 * @nr_live: how many
 * @may_defer: an erase can fail: what is freed may be deferred
 * @may_lack_memory: -ENOMEM is an answer
 * @wrong_refusals: refusals although there was room
 * @refusals: all refusals for want of space
 * @no_memory: all for want of memory
 * @allocs: that succeeded
 * @not_highest: that did not get the highest place
 */
struct model {
	struct test *t;
	struct iova_mt_domain *domain;
	struct test_rng rng;
	unsigned long first;
	unsigned long pages;
	unsigned long *used;
	unsigned long *hard;
	unsigned long *reserved;
	unsigned long nr_reserved;
	struct model_range **owner;
	struct model_range **live;
	unsigned int nr_live;
	bool may_defer;
	bool may_lack_memory;
	unsigned int wrong_refusals;
	unsigned int refusals;
	unsigned int no_memory;
	unsigned int allocs;
	unsigned int not_highest;
};

struct model *model_create(struct test *t, unsigned long first,
			   unsigned long pages, u64 seed);
void model_destroy(struct model *model);

bool model_none_set(const struct model *model, const unsigned long *map,
		    unsigned long first, unsigned long pages);
bool model_all_maybe(const struct model *model, unsigned long first,
		     unsigned long pages);
bool model_has_maybe(const struct model *model, unsigned long first,
		     unsigned long pages);
bool model_is_inside(const struct model *model, unsigned long first,
		     unsigned long last);
bool model_all_reserved(const struct model *model, unsigned long first,
			unsigned long last);

int model_alloc(struct model *model, unsigned long size, unsigned long limit,
		unsigned int flags);
void model_free(struct model *model, struct model_range *range, bool by_pfn);
int model_reserve(struct model *model, unsigned long first, unsigned long last);
void model_find(struct model *model, unsigned long pfn);
void model_flush(struct model *model);
int model_drain(struct model *model);
void model_settle(struct model *model);
void model_op(struct model *model);
void model_verify(struct model *model);
void model_verify_backlog(struct model *model);

static inline unsigned long model_last(const struct model *model)
{
	return model->first + model->pages - 1;
}

#endif /* _IOVA_MT_TEST_MODEL_H */
