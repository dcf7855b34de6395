// SPDX-License-Identifier: GPL-2.0
/*
 * The gate: real allocation failures, of tree nodes.
 *
 * Debian's kernels have no failslab, so kprobes on the slab functions that the
 * maple tree uses make them return without memory: for one task, for the cache
 * of tree nodes, between gate_close() and gate_open().
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/maple_tree.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "test.h"
#include "test_gate.h"

struct gate gate;

/* Why there is no gate on this machine, or NULL. */
static const char *gate_missing;

/* Else the case is skipped. */
bool gate_is_there(struct test *t)
{
	if (gate_missing)
		test_skip(t, "%s", gate_missing);
	return !gate_missing;
}

#if defined(CONFIG_KPROBES) && defined(CONFIG_X86_64)

/* What a probed function is replaced with. */
static noinline notrace void *refuse_null(void)
{
	return NULL;
}

static noinline notrace int refuse_error(void)
{
	return -ENOMEM;
}

/**
 * struct gate_probe - a probe and what it stands for
 * @probe: the kprobe
 * @several: a request for several nodes
 * @locks: keeps other tasks of the CPU out, but no interrupts
 * @any: not about nodes: a look at where the allocator asks for other memory
 * @refuse: runs instead of the function; NULL when that would do harm
 * @there: this kernel has the function
 */
struct gate_probe {
	struct kprobe probe;
	bool several;
	bool locks;
	bool any;
	void *refuse;
	bool there;
};

/* Shall this request be refused? */
static bool gate_judge(const struct gate_probe *gp, struct kmem_cache *cache,
		       gfp_t gfp, bool irqs_on)
{
	enum gate_mode mode = READ_ONCE(gate.mode);

	if (mode == GATE_OPEN || current != gate.task ||
	    in_task() == gate.interrupt)
		return false;
	if (mode == GATE_LEARN && !gate.cache && !gp->any)
		gate.cache = cache;
	if (cache != gate.cache && !gp->any)
		return false;
	gate.irqs_on += irqs_on;
	gate.irqs_off += !irqs_on;
	gate.others += gp->any;
	gate.locks += gp->locks;
	if (!gp->refuse)
		return false;
	gate.asked++;
	gate.several += gp->several;
	gate.gfp |= gfp;
	if (mode != GATE_ALL && !(mode == GATE_PARTIAL && gp->several) &&
	    !(mode == GATE_ATOMIC && !(gfp & __GFP_DIRECT_RECLAIM)))
		return false;
	return gate.refused < MAX_REFUSALS && ++gate.refused;
}

static int gate_handler(struct kprobe *probe, struct pt_regs *regs)
{
	struct gate_probe *gp = container_of(probe, struct gate_probe, probe);
	struct kmem_cache *cache = (void *)regs_get_kernel_argument(regs, 0);
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);

	if (!gate_judge(gp, cache, gfp, !regs_irqs_disabled(regs)))
		return 0;
	instruction_pointer_set(regs, (unsigned long)gp->refuse);
	return 1;
}

#define GATE_PROBE(_symbol, _several, _locks, _refuse)			\
	{								\
		.probe.symbol_name = _symbol,				\
		.probe.pre_handler = gate_handler,			\
		.several = _several,					\
		.locks = _locks,					\
		.refuse = _refuse,					\
	}

/* All begin with a cache and the flags. No kernel has all of them. */
static struct gate_probe probes[] = {
	{
		.probe.symbol_name = "__kmalloc_cache_noprof",
		.probe.pre_handler = gate_handler,
		.any = true,
	},
	GATE_PROBE("kmem_cache_alloc_noprof", false, false, refuse_null),
	GATE_PROBE("kmem_cache_alloc_bulk_noprof", true, false, refuse_null),
	GATE_PROBE("kmem_cache_prefill_sheaf", true, true, refuse_null),
	GATE_PROBE("kmem_cache_refill_sheaf", true, false, refuse_error),
	GATE_PROBE("kmem_cache_return_sheaf", false, true, NULL),
};

/* Do nodes come in sheaves? */
bool gate_has_sheaves(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].there &&
		    strstr(probes[i].probe.symbol_name, "sheaf"))
			return true;
	return false;
}

static void probes_remove(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].there)
			unregister_kprobe(&probes[i].probe);
}

static unsigned int probes_add(void)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		probes[i].there = !register_kprobe(&probes[i].probe);
		nr += probes[i].there && probes[i].refuse;
	}
	return nr;
}

#else

bool gate_has_sheaves(void)
{
	return false;
}

static void probes_remove(void)
{
}

static unsigned int probes_add(void)
{
	return 0;
}

#endif

void gate_close(enum gate_mode mode)
{
	gate.task = current;
	gate.interrupt = !in_task();
	gate.asked = 0;
	gate.several = 0;
	gate.locks = 0;
	gate.irqs_on = 0;
	gate.irqs_off = 0;
	gate.others = 0;
	gate.refused = 0;
	gate.gfp = 0;
	barrier();
	WRITE_ONCE(gate.mode, mode);
}

void gate_open(void)
{
	WRITE_ONCE(gate.mode, GATE_OPEN);
	barrier();
}

/* The cache of tree nodes is the one that a first store in a tree asks. */
static void gate_learn(void)
{
	DEFINE_MTREE(tree);

	gate_close(GATE_LEARN);
	mtree_store_range(&tree, 10, 20, xa_mk_value(1), GFP_KERNEL);
	gate_open();
	mtree_destroy(&tree);
	if (!gate.cache)
		gate_missing = "the maple tree asks none of the slab functions that are known";
	else
		test_diag("nodes come from a cache of objects of %u bytes",
			  kmem_cache_size(gate.cache));
}

void gate_init(void)
{
	if (!probes_add())
		gate_missing = "no kprobe can be put on the slab functions";
	else
		gate_learn();
}

void gate_exit(void)
{
	probes_remove();
}
