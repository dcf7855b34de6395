// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations on a model's domain.
 */
#include <linux/bits.h>
#include <linux/minmax.h>

#include "test_model.h"

#define MAX_SIZE	600

static unsigned long random_size(struct model *model)
{
	u32 kind = test_rng_below(&model->rng, 100);

	if (kind < 35)
		return BIT(test_rng_below(&model->rng, 7));
	if (kind < 90)
		return 1 + test_rng_below(&model->rng, 64);
	return 1 + test_rng_below(&model->rng, MAX_SIZE);
}

static unsigned long random_limit(struct model *model)
{
	u32 kind = test_rng_below(&model->rng, 100);

	if (kind < 60)
		return model_last(model);
	if (kind < 90)
		return model->first + model->pages / 8 *
			(1 + test_rng_below(&model->rng, 7)) - 1;
	return model->first + test_rng_below(&model->rng, model->pages);
}

static unsigned int random_flags(struct model *model)
{
	unsigned int flags = 0;

	if (test_rng_below(&model->rng, 100) < 60)
		flags |= IOVA_MT_ALIGNED;
	if (test_rng_below(&model->rng, 100) < 50)
		flags |= IOVA_MT_CACHED;
	if (test_rng_below(&model->rng, 100) < 30)
		flags |= IOVA_MT_FLUSH;
	return flags;
}

static unsigned long random_pfn(struct model *model)
{
	return model->first + test_rng_below(&model->rng, model->pages);
}

static void random_alloc(struct model *model)
{
	unsigned long size = random_size(model), limit = random_limit(model);

	model_alloc(model, size, limit, random_flags(model));
}

static void random_free(struct model *model, bool by_pfn)
{
	if (model->nr_live)
		model_free(model, model->live[test_rng_below(&model->rng,
							     model->nr_live)],
			   by_pfn);
}

/*
 * Sometimes, and never so much that the space is gone. The kernel's own merges
 * a reservation with the ranges that it overlaps: only over free pages there.
 */
static void random_reserve(struct model *model)
{
	unsigned long first = random_pfn(model);
	unsigned long pages = 1 + test_rng_below(&model->rng, 40);

	if (model->nr_reserved >= model->pages / 16)
		return;
	pages = min(pages, model_last(model) - first + 1);
	if (model_has_maybe(model, first, pages))
		return;
	if (test_is_rbtree(model->t) &&
	    !model_none_set(model, model->hard, first, pages))
		return;
	model_reserve(model, first, first + pages - 1);
}

/* One random operation. */
void model_op(struct model *model)
{
	u32 kind = test_rng_below(&model->rng, 1000);

	if (kind < 480)
		random_alloc(model);
	else if (kind < 820)
		random_free(model, false);
	else if (kind < 890)
		random_free(model, true);
	else if (kind < 900)
		random_reserve(model);
	else if (kind < 995)
		model_find(model, random_pfn(model));
	else if (kind < 998)
		model_flush(model);
	else
		model_drain(model);
}
