// SPDX-License-Identifier: GPL-2.0
/*
 * Comparison of everything that a domain lists with everything that its model
 * knows.
 */
#include <linux/delay.h>

#include "test_model.h"

struct tally {
	unsigned int live;
	unsigned long reserved;
	u64 deferred;
	u64 deferred_pages;
};

static void judge_listed(struct model *model, const struct iova_mt_range *range,
			 struct tally *tally)
{
	unsigned long pages = range->last - range->first + 1;
	const struct model_range *owner;
	bool ok = false;

	if (!test_expect(model->t, model_is_inside(model, range->first, range->last),
			 "%#lx to %#lx is listed, outside of the space",
			 range->first, range->last))
		return;
	owner = model->owner[range->first - model->first];
	switch (range->state) {
	case IOVA_MT_LIVE:
		ok = owner ? owner->first == range->first &&
			     owner->pages == pages :
			     model_all_maybe(model, range->first, pages);
		tally->live += !!owner;
		break;
	case IOVA_MT_RESERVED:
		ok = model_all_reserved(model, range->first, range->last);
		tally->reserved += pages;
		break;
	case IOVA_MT_DEFERRED:
		ok = model_all_maybe(model, range->first, pages);
		tally->deferred++;
		tally->deferred_pages += pages;
		break;
	case IOVA_MT_SPAN:
		ok = model_none_set(model, model->hard, range->first, pages);
		break;
	}
	test_expect(model->t, ok, "%#lx to %#lx, state %d, should not be there",
		    range->first, range->last, range->state);
}

static void walk(struct model *model, struct tally *tally)
{
	struct iova_mt_range range;
	unsigned long from = 0;

	*tally = (struct tally){};
	while (!model->domain->ops->next(model->domain, from, &range)) {
		if (!test_expect(model->t, range.last >= from &&
				 range.first <= range.last,
				 "listing goes back from %#lx to %#lx", from,
				 range.last))
			return;
		judge_listed(model, &range, tally);
		from = range.last + 1;
	}
}

/* Compare everything that the domain lists with everything that is known. */
void model_verify(struct model *model)
{
	struct tally tally;
	unsigned long i;

	if (!model->domain->ops->next) {
		for (i = 0; i < model->pages; i++)
			model_find(model, model->first + i);
		return;
	}
	walk(model, &tally);
	EXPECT_EQ(model->t, tally.live, model->nr_live);
	EXPECT_EQ(model->t, tally.reserved, model->nr_reserved);
}

/*
 * The backlog's numbers are those of the listing. The worker may come between
 * the two: look again then.
 */
void model_verify_backlog(struct model *model)
{
	struct iova_mt_backlog before, after;
	struct tally tally;
	unsigned int tries = 0;

	do {
		before = test_backlog(model->t);
		walk(model, &tally);
		after = test_backlog(model->t);
		if (before.pending_ranges == after.pending_ranges)
			break;
		msleep(20);
	} while (++tries < 200);
	EXPECT_EQ(model->t, after.pending_ranges, tally.deferred);
	EXPECT_EQ(model->t, after.pending_pages, tally.deferred_pages);
	EXPECT(model->t, after.highest_ranges >= after.pending_ranges);
	EXPECT(model->t, after.total_deferred >= after.highest_ranges);
}
