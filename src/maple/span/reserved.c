// SPDX-License-Identifier: GPL-2.0
/*
 * The reserved ranges that lie in spans.
 *
 * For a span a range is a range. Few are reserved, most domains have none in
 * spans: which, and by which call, is noted here.
 *
 * Locks: the caller's.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "base/fault.h"
#include "maple/span/reserved.h"

/**
 * struct note - a reserved range
 * @node: in the tree of them
 * @first: its first pfn
 * @call: which call has reserved it
 */
struct note {
	struct rb_node node;
	unsigned long first;
	unsigned long call;
};

#define to_note(_node)	rb_entry(_node, struct note, node)

static bool note_less(struct rb_node *a, const struct rb_node *b)
{
	return to_note(a)->first < to_note(b)->first;
}

/* The first that begins at or above @pfn, or NULL. */
static struct note *note_from(const struct iova_mt_reserved *reserved,
			      unsigned long pfn)
{
	struct rb_node *node = reserved->root.rb_node;
	struct note *note, *found = NULL;

	while (node) {
		note = to_note(node);
		if (note->first >= pfn)
			found = note;
		node = note->first >= pfn ? node->rb_left : node->rb_right;
	}
	return found;
}

/**
 * iova_mt_reserved_add() - note a range
 * @reserved: the reserved ranges
 * @first: its first pfn
 * @call: which call reserves it
 * @domain_id: for the fault point
 *
 * Context: Any.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_reserved_add(struct iova_mt_reserved *reserved, unsigned long first,
			 unsigned long call, unsigned int domain_id)
{
	struct note *note = NULL;

	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_span, domain_id))
		note = kmalloc(sizeof(*note), GFP_ATOMIC | __GFP_NOWARN);
	if (!note)
		return -ENOMEM;
	note->first = first;
	note->call = call;
	rb_add(&note->node, &reserved->root, note_less);
	return 0;
}

/**
 * iova_mt_reserved_remove_slow() - the slow part of iova_mt_reserved_remove()
 * @reserved: the reserved ranges
 * @first: the range's first pfn
 *
 * Context: Any.
 */
void iova_mt_reserved_remove_slow(struct iova_mt_reserved *reserved,
				  unsigned long first)
{
	struct note *note = note_from(reserved, first);

	if (!note || note->first != first)
		return;
	rb_erase(&note->node, &reserved->root);
	kfree(note);
}

/**
 * iova_mt_reserved_next() - find the next reserved range
 * @reserved: the reserved ranges
 * @pfn: it begins here or above
 * @first: its first pfn
 * @call: which call has reserved it
 *
 * Context: Any.
 * Return: true when there is one.
 */
bool iova_mt_reserved_next(const struct iova_mt_reserved *reserved,
			   unsigned long pfn, unsigned long *first,
			   unsigned long *call)
{
	struct note *note = note_from(reserved, pfn);

	if (!note)
		return false;
	*first = note->first;
	*call = note->call;
	return true;
}

/**
 * iova_mt_reserved_destroy() - forget all
 * @reserved: the reserved ranges
 *
 * Context: Process, may sleep.
 */
void iova_mt_reserved_destroy(struct iova_mt_reserved *reserved)
{
	struct note *note, *next;

	rbtree_postorder_for_each_entry_safe(note, next, &reserved->root, node)
		kfree(note);
	reserved->root = RB_ROOT;
}
