// SPDX-License-Identifier: GPL-2.0
/*
 * The model: performs operations on a domain, and judges every result by bits.
 *
 * What it knows for certain: a result lies inside its limits, is aligned, and
 * touches no page that is live or reserved; a refusal is right only when there
 * is no room among the pages that are certainly free; nothing is lost.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "test_model.h"

#define NOWHERE		ULONG_MAX

/* --- Pages and bits ------------------------------------------------------- */

/* Index of the range's highest page in the bitmaps that begin at the top. */
static unsigned int bit_of(const struct model *model, unsigned long first,
			   unsigned long pages)
{
	return model_last(model) - (first + pages - 1);
}

bool model_none_set(const struct model *model, const unsigned long *map,
		    unsigned long first, unsigned long pages)
{
	unsigned int bit = bit_of(model, first, pages);

	return find_next_bit(map, bit + pages, bit) >= bit + pages;
}

bool model_all_maybe(const struct model *model, unsigned long first,
		     unsigned long pages)
{
	unsigned int bit = bit_of(model, first, pages);

	return find_next_zero_bit(model->used, bit + pages, bit) >= bit + pages &&
	       model_none_set(model, model->hard, first, pages);
}

bool model_has_maybe(const struct model *model, unsigned long first,
		     unsigned long pages)
{
	unsigned int bit = bit_of(model, first, pages), i;

	for (i = bit; i < bit + pages; i++)
		if (test_bit(i, model->used) && !test_bit(i, model->hard))
			return true;
	return false;
}

bool model_is_inside(const struct model *model, unsigned long first,
		     unsigned long last)
{
	return first >= model->first && last <= model_last(model) &&
	       first <= last;
}

/* The highest place for @size pages among the pages that @map has free. */
static unsigned long fit(const struct model *model, const unsigned long *map,
			 unsigned long size, unsigned long limit,
			 unsigned int flags)
{
	unsigned long top = model_last(model), mask = 0, bit, from;

	if (limit < model->first || size > model->pages)
		return NOWHERE;
	if (flags & IOVA_MT_ALIGNED)
		mask = roundup_pow_of_two(size) - 1;
	from = limit < top ? top - limit : 0;
	bit = bitmap_find_next_zero_area_off((unsigned long *)map, model->pages,
					     from, size, mask,
					     (size - top - 1) & mask);
	return bit < model->pages ? top + 1 - bit - size : NOWHERE;
}

/* Nothing is cached or deferred any more. */
static void forget_maybe(struct model *model)
{
	bitmap_copy(model->used, model->hard, model->pages);
}

/* --- Ranges --------------------------------------------------------------- */

static void own(struct model *model, const struct model_range *range,
		struct model_range *owner)
{
	unsigned long i;

	for (i = 0; i < range->pages; i++)
		model->owner[range->first - model->first + i] = owner;
}

static void range_add(struct model *model, unsigned long first,
		      unsigned long pages, unsigned long size)
{
	struct model_range *range = kmalloc(sizeof(*range), GFP_KERNEL);
	unsigned int bit = bit_of(model, first, pages);

	if (!test_expect(model->t, range, "no memory for the model"))
		return;
	*range = (struct model_range){
		.first = first,
		.pages = pages,
		.size = size,
		.pos = model->nr_live,
	};
	model->live[model->nr_live++] = range;
	own(model, range, range);
	bitmap_set(model->hard, bit, pages);
	bitmap_set(model->used, bit, pages);
}

static void range_remove(struct model *model, struct model_range *range,
			 bool maybe)
{
	unsigned int bit = bit_of(model, range->first, range->pages);

	own(model, range, NULL);
	bitmap_clear(model->hard, bit, range->pages);
	if (!maybe)
		bitmap_clear(model->used, bit, range->pages);
	model->live[range->pos] = model->live[--model->nr_live];
	model->live[range->pos]->pos = range->pos;
	kfree(range);
}

/* --- Operations ----------------------------------------------------------- */

/*
 * How many pages does the new range take? What comes from a cache may have been
 * rounded up to its size class.
 */
static unsigned long pages_taken(struct model *model, unsigned long pfn,
				 unsigned long size, unsigned int flags)
{
	struct iova_mt_range range = {};
	unsigned long pages;
	int ret = iova_mt_find(model->domain, pfn, &range);

	if (!test_expect(model->t, !ret && range.first == pfn &&
			 range.state == IOVA_MT_LIVE,
			 "%lu pages at %#lx are not found: %d, %#lx, state %d",
			 size, pfn, ret, range.first, range.state))
		return 0;
	pages = range.last - range.first + 1;
	if (!test_expect(model->t, pages == size ||
			 ((flags & IOVA_MT_CACHED) &&
			  pages == roundup_pow_of_two(size)),
			 "%lu pages at %#lx take %lu", size, pfn, pages))
		return 0;
	return pages;
}

/*
 * Without alignment the highest place is the right one. With it, a wide gap may
 * be preferred to a narrow one above: counted, not judged. Without memory for
 * the highest place, a deferred range elsewhere may be taken over.
 */
static void judge_place(struct model *model, unsigned long pfn,
			unsigned long size, unsigned long limit,
			unsigned int flags)
{
	unsigned long best;

	if ((flags & IOVA_MT_CACHED) ||
	    (model->may_defer && model->may_lack_memory))
		return;
	best = fit(model, model->used, size, limit, flags);
	if (best == NOWHERE || pfn >= best)
		return;
	model->not_highest++;
	if (test_is_highest(model->t) && !(flags & IOVA_MT_ALIGNED))
		test_expect(model->t, false,
			    "%lu pages at %#lx, although %#lx is free", size,
			    pfn, best);
}

static void judge_success(struct model *model, unsigned long pfn,
			  unsigned long size, unsigned long limit,
			  unsigned int flags)
{
	struct test *t = model->t;
	unsigned long pages;

	if (!test_expect(t, model_is_inside(model, pfn, pfn + size - 1) &&
			 pfn + size - 1 <= limit,
			 "%lu pages at %#lx are not in %#lx to %#lx", size, pfn,
			 model->first, limit))
		return;
	test_expect(t, !(flags & IOVA_MT_ALIGNED) ||
		    IS_ALIGNED(pfn, roundup_pow_of_two(size)),
		    "%lu pages at %#lx are not aligned, flags %#x", size, pfn,
		    flags);
	pages = pages_taken(model, pfn, size, flags);
	if (!pages)
		return;
	if (!test_expect(t, model_none_set(model, model->hard, pfn, pages),
			 "%lu pages at %#lx were handed out twice", pages, pfn))
		return;
	judge_place(model, pfn, size, limit, flags);
	model->allocs++;
	range_add(model, pfn, pages, size);
}

static void judge_refusal(struct model *model, unsigned long size,
			  unsigned long limit, unsigned int flags)
{
	unsigned long place;

	model->refusals++;
	/* What could never fit is refused at once. */
	if (limit < model->first || size > limit - model->first + 1)
		return;
	if ((flags & IOVA_MT_FLUSH) && !model->may_defer)
		forget_maybe(model);
	place = fit(model, model->used, size, limit, flags);
	if (place == NOWHERE)
		return;
	model->wrong_refusals++;
	if (test_is_exact(model->t))
		test_expect(model->t, false,
			    "%lu pages below %#lx, flags %#x, refused, although %#lx is free",
			    size, limit, flags, place);
}

static void judge_no_memory(struct model *model, unsigned long size,
			    unsigned long limit, unsigned int flags)
{
	model->no_memory++;
	test_expect(model->t, model->may_lack_memory || model->may_defer,
		    "-ENOMEM, although no store can fail");
	test_expect(model->t,
		    fit(model, model->hard, size, limit, flags) != NOWHERE,
		    "-ENOMEM for %lu pages below %#lx: there was no room", size,
		    limit);
}

/* Allocate and judge. Return: what the domain said. */
int model_alloc(struct model *model, unsigned long size, unsigned long limit,
		unsigned int flags)
{
	unsigned long pfn;
	int ret;

	ret = iova_mt_alloc(model->domain, size, limit, flags, &pfn);
	if (!ret)
		judge_success(model, pfn, size, limit, flags);
	else if (ret == -ENOSPC)
		judge_refusal(model, size, limit, flags);
	else if (ret == -ENOMEM)
		judge_no_memory(model, size, limit, flags);
	else
		test_expect(model->t, false, "alloc says %d", ret);
	return ret;
}

/* Give a live range back: as it was asked for, or by a pfn inside it. */
void model_free(struct model *model, struct model_range *range, bool by_pfn)
{
	unsigned long pfn = range->first;

	if (by_pfn) {
		pfn += test_rng_below(&model->rng, range->pages);
		iova_mt_free(model->domain, pfn, 0);
	} else {
		iova_mt_free(model->domain, pfn, range->size);
	}
	range_remove(model, range, model->may_defer ||
		     (!by_pfn && range->size <= BIT(test_cache_order(model->t))));
}

/*
 * Reserve. Pages that may be cached stay so, those that may be deferred become
 * reserved: there must be none of them, or the model could not tell.
 */
int model_reserve(struct model *model, unsigned long first, unsigned long last)
{
	unsigned long pfn;
	int ret = iova_mt_reserve(model->domain, first, last);

	if (ret) {
		test_expect(model->t, ret == -ENOMEM && model->may_lack_memory,
			    "reserve of %#lx to %#lx: %d", first, last, ret);
		return ret;
	}
	for (pfn = first; pfn <= last; pfn++) {
		unsigned int bit = bit_of(model, pfn, 1);

		if (test_and_set_bit(bit, model->hard))
			continue;
		set_bit(bit, model->used);
		set_bit(pfn - model->first, model->reserved);
		model->nr_reserved++;
	}
	return 0;
}

bool model_all_reserved(const struct model *model, unsigned long first,
			unsigned long last)
{
	unsigned long bit = first - model->first, end = last - model->first + 1;

	return model_is_inside(model, first, last) &&
	       find_next_zero_bit(model->reserved, end, bit) >= end;
}

/* Look a page up and judge what is said about it. */
void model_find(struct model *model, unsigned long pfn)
{
	const struct model_range *owner = model->owner[pfn - model->first];
	struct iova_mt_range range = {};
	int ret = iova_mt_find(model->domain, pfn, &range);
	bool ok;

	if (owner)
		ok = !ret && range.first == owner->first &&
		     range.last == owner->first + owner->pages - 1 &&
		     range.state == IOVA_MT_LIVE;
	else if (test_bit(pfn - model->first, model->reserved))
		ok = !ret && model_all_reserved(model, range.first, range.last) &&
		     (range.state == IOVA_MT_RESERVED ||
		      test_is_rbtree(model->t));
	else if (!test_bit(bit_of(model, pfn, 1), model->used))
		ok = ret == -ENOENT;
	else
		ok = ret == -ENOENT || (!ret && range.state == IOVA_MT_LIVE &&
		     model_all_maybe(model, range.first, range.last - range.first + 1));
	test_expect(model->t, ok,
		    "find of %#lx: %d, %#lx to %#lx, state %d; owner %#lx", pfn,
		    ret, range.first, range.last, range.state,
		    owner ? owner->first : 0);
}

void model_flush(struct model *model)
{
	iova_mt_flush(model->domain);
	if (!model->may_defer)
		forget_maybe(model);
}

int model_drain(struct model *model)
{
	int ret = iova_mt_drain(model->domain);

	test_expect(model->t, !ret || (ret == -ENOMEM && model->may_defer),
		    "drain says %d", ret);
	return ret;
}

/* Switch faults off and bring the domain to where the model is exact. */
void model_settle(struct model *model)
{
	test_faults_off();
	model->may_defer = false;
	model->may_lack_memory = false;
	iova_mt_flush(model->domain);
	EXPECT_EQ(model->t, model_drain(model), 0);
	EXPECT_EQ(model->t, test_backlog(model->t).pending_ranges, 0);
	forget_maybe(model);
}

/* --- Coming and going ----------------------------------------------------- */

static bool model_init(struct model *model)
{
	model->used = bitmap_zalloc(model->pages, GFP_KERNEL);
	model->hard = bitmap_zalloc(model->pages, GFP_KERNEL);
	model->reserved = bitmap_zalloc(model->pages, GFP_KERNEL);
	model->owner = kvcalloc(model->pages, sizeof(*model->owner),
				GFP_KERNEL);
	model->live = kvcalloc(model->pages, sizeof(*model->live), GFP_KERNEL);
	return model->used && model->hard && model->reserved && model->owner &&
	       model->live;
}

/* A domain of the case with @pages pages from @first, and its model. */
struct model *model_create(struct test *t, unsigned long first,
			   unsigned long pages, u64 seed)
{
	struct model *model = kzalloc(sizeof(*model), GFP_KERNEL);

	if (!test_expect(t, model, "no memory for the model"))
		return NULL;
	model->t = t;
	model->first = first;
	model->pages = pages;
	test_rng_init(&model->rng, seed);
	if (!test_expect(t, model_init(model), "no memory for the model"))
		goto destroy;
	model->domain = test_domain(t, first);
	if (!model->domain)
		goto destroy;
	return model;

destroy:
	model_destroy(model);
	return NULL;
}

/* Forget the model; the domain stays the case's. */
void model_destroy(struct model *model)
{
	unsigned int i;

	for (i = 0; model->live && i < model->nr_live; i++)
		kfree(model->live[i]);
	kvfree(model->live);
	kvfree(model->owner);
	bitmap_free(model->reserved);
	bitmap_free(model->hard);
	bitmap_free(model->used);
	kfree(model);
}
