// SPDX-License-Identifier: GPL-2.0
/*
 * A user of the kernel's iova API, with a domain of its own, that does what
 * dma-iommu does not: it asks for objects. What it expects holds for a domain of
 * the kernel's as for one that iova_mt has taken over.
 *
 * Loading it runs one case; it loads when all expectations of it held. With the
 * case "keep" it keeps its domain until it is unloaded.
 */
#define pr_fmt(fmt) "iova_mt_client: " fmt

#include <linux/iova.h>
#include <linux/irqflags.h>
#include <linux/kconfig.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#define LIMIT	299

static char *run = "";
module_param_named(case, run, charp, 0444);
MODULE_PARM_DESC(case, "the case to run");

static struct iova_domain iovad;
static int failures;
/* It is put when the module goes, not before. */
static bool kept;

#define EXPECT(_condition)						\
	do {								\
		if (!(_condition)) {					\
			pr_err("%s: line %d: not so: %s\n", run,	\
			       __LINE__, #_condition);			\
			failures++;					\
		}							\
	} while (0)

/* alloc_iova() and what it returned belong together, by any of its pfns. */
static void objects(void)
{
	struct iova *iova = alloc_iova(&iovad, 5, LIMIT, false);
	struct iova *other;

	EXPECT(iova);
	if (!iova)
		return;
	EXPECT(iova_size(iova) == 5);
	EXPECT(iova->pfn_hi == LIMIT);
	other = alloc_iova(&iovad, 1, LIMIT, false);
	EXPECT(other && other != iova && other->pfn_hi < iova->pfn_lo);
	EXPECT(find_iova(&iovad, iova->pfn_lo) == iova);
	EXPECT(find_iova(&iovad, iova->pfn_lo + 2) == iova);
	EXPECT(find_iova(&iovad, iova->pfn_hi) == iova);
	__free_iova(&iovad, iova);
	EXPECT(!find_iova(&iovad, LIMIT));
	if (other)
		EXPECT(find_iova(&iovad, other->pfn_lo) == other);
}

static void aligned(void)
{
	struct iova *iova = alloc_iova(&iovad, 5, LIMIT, true);

	EXPECT(iova && iova->pfn_lo == 288 && iova_size(iova) == 5);
	iova = alloc_iova(&iovad, 32, LIMIT, true);
	EXPECT(iova && iova->pfn_lo == 256 && iova_size(iova) == 32);
}

/* free_iova() takes any pfn of the range, and may be told of none. */
static void free_by_pfn(void)
{
	struct iova *iova = alloc_iova(&iovad, 5, LIMIT, false);

	EXPECT(iova);
	free_iova(&iovad, LIMIT - 2);
	EXPECT(!find_iova(&iovad, LIMIT));
	free_iova(&iovad, LIMIT - 2);
	iova = alloc_iova(&iovad, 5, LIMIT, false);
	EXPECT(iova && iova->pfn_hi == LIMIT);
}

/* Ranges of the fast calls get an object only when somebody looks for them. */
static void find_fast(void)
{
	unsigned long pfn = alloc_iova_fast(&iovad, 3, LIMIT, true);
	struct iova *iova;

	EXPECT(pfn == 296);
	iova = find_iova(&iovad, pfn + 1);
	EXPECT(iova && iova->pfn_lo == pfn && iova_size(iova) == 4);
	EXPECT(find_iova(&iovad, pfn) == iova);
	if (iova)
		__free_iova(&iovad, iova);
	EXPECT(!find_iova(&iovad, pfn));

	pfn = alloc_iova_fast(&iovad, 64, LIMIT, true);
	EXPECT(pfn == 192);
	iova = find_iova(&iovad, pfn + 63);
	EXPECT(iova && iova->pfn_lo == pfn && iova_size(iova) == 64);
	free_iova_fast(&iovad, pfn, 64);
	EXPECT(!find_iova(&iovad, pfn));
	EXPECT(alloc_iova_fast(&iovad, 64, LIMIT, true) == pfn);
}

/* A range with an object, whose size is no cache's, freed by the fast call. */
static void free_object_fast(void)
{
	struct iova *iova = alloc_iova(&iovad, 64, LIMIT, false);
	unsigned long pfn = iova ? iova->pfn_lo : 0;

	EXPECT(pfn == 236);
	free_iova_fast(&iovad, pfn, 64);
	EXPECT(!find_iova(&iovad, pfn));
	iova = alloc_iova(&iovad, 64, LIMIT, true);
	EXPECT(iova && iova->pfn_lo == 192);
}

/* What stood for a range that is gone says nothing about the next one there. */
static void next_at_same_pfn(void)
{
	struct iova *iova = alloc_iova(&iovad, 40, 231, false);

	EXPECT(iova && iova->pfn_lo == 192);
	free_iova(&iovad, 200);
	EXPECT(alloc_iova_fast(&iovad, 64, LIMIT, true) == 192);
	iova = find_iova(&iovad, 250);
	EXPECT(iova && iova->pfn_lo == 192 && iova_size(iova) == 64);
	free_iova_fast(&iovad, 192, 64);

	iova = alloc_iova(&iovad, 40, 231, false);
	EXPECT(iova && iova->pfn_lo == 192);
	free_iova_fast(&iovad, 192, 40);
	EXPECT(alloc_iova_fast(&iovad, 64, LIMIT, true) == 192);
	iova = find_iova(&iovad, 250);
	EXPECT(iova && iova->pfn_lo == 192 && iova_size(iova) == 64);
}

/*
 * Three pages, freed by the fast call, must not come back as four: the fourth is
 * somebody else's. The kernel's allocator has no defence against that.
 */
static void not_rounded(void)
{
	struct iova *fourth = alloc_iova(&iovad, 1, LIMIT, false);
	struct iova *iova = alloc_iova(&iovad, 3, LIMIT, true);

	EXPECT(iova && iova->pfn_lo == 296);
	EXPECT(fourth && fourth->pfn_lo == 299);
	free_iova_fast(&iovad, 296, 3);
	EXPECT(alloc_iova_fast(&iovad, 3, LIMIT, true) == 292);
	EXPECT(find_iova(&iovad, 299) == fourth);
}

static unsigned int fill(unsigned long from, unsigned long to)
{
	unsigned int inside = 0;
	struct iova *iova;

	while ((iova = alloc_iova(&iovad, 1, LIMIT, false)))
		inside += iova->pfn_lo >= from && iova->pfn_lo <= to;
	return inside;
}

static void reserve(void)
{
	struct iova *iova = reserve_iova(&iovad, 100, 199);

	EXPECT(iova && iova->pfn_lo == 100 && iova->pfn_hi == 199);
	EXPECT(find_iova(&iovad, 150) == iova);
	EXPECT(reserve_iova(&iovad, 100, 199) == iova);
	EXPECT(!fill(100, 199));
	if (iova)
		__free_iova(&iovad, iova);
	EXPECT(!find_iova(&iovad, 150));
	EXPECT(fill(100, 199) == 100);
}

/* No two objects may claim the same pfn, whichever is looked for first. */
static void reserve_over(void)
{
	struct iova *live = alloc_iova(&iovad, 5, 254, false);
	struct iova *below, *above, *found;

	EXPECT(live && live->pfn_lo == 250);
	EXPECT(reserve_iova(&iovad, 240, 260));
	below = find_iova(&iovad, 245);
	found = find_iova(&iovad, 252);
	above = find_iova(&iovad, 257);
	if (!below || !found || !above) {
		EXPECT(below && found && above);
		return;
	}
	EXPECT(below->pfn_lo <= 245 && below->pfn_hi >= 245);
	EXPECT(found->pfn_lo <= 252 && found->pfn_hi >= 252);
	EXPECT(above->pfn_lo <= 257 && above->pfn_hi >= 257);
	EXPECT(below == found || below->pfn_hi < found->pfn_lo);
	EXPECT(found == above || found->pfn_hi < above->pfn_lo);
}

static void none_found(unsigned long first, unsigned long last)
{
	unsigned long pfn;

	for (pfn = first; pfn <= last; pfn++)
		EXPECT(!find_iova(&iovad, pfn));
}

/* Pages that were reserved over a range are all free again when both are. */
static void reserve_over_freed(void)
{
	struct iova *live = alloc_iova(&iovad, 5, 254, false), *reserved;

	EXPECT(live && live->pfn_lo == 250);
	reserved = reserve_iova(&iovad, 240, 260);
	EXPECT(reserved && find_iova(&iovad, 258));
	if (!live || !reserved)
		return;
	__free_iova(&iovad, reserved);
	EXPECT(find_iova(&iovad, 252));
	free_iova(&iovad, 252);
	none_found(240, 260);
}

/* A reservation that begins inside of a range, freed, leaves that alone. */
static void reserve_from_inside(void)
{
	struct iova *live = alloc_iova(&iovad, 5, 254, false), *reserved;

	EXPECT(live && live->pfn_lo == 250);
	reserved = reserve_iova(&iovad, 252, 260);
	EXPECT(reserved);
	if (!live || !reserved)
		return;
	__free_iova(&iovad, reserved);
	EXPECT(find_iova(&iovad, 250) && find_iova(&iovad, 254));
	none_found(255, 260);
	free_iova(&iovad, 250);
	none_found(250, 260);
}

static void full(void)
{
	EXPECT(alloc_iova_fast(&iovad, LIMIT + 1, LIMIT, true) == 0);
	EXPECT(!fill(LIMIT + 1, ULONG_MAX));
	EXPECT(alloc_iova_fast(&iovad, 1, LIMIT, true) == 0);
	EXPECT(!alloc_iova(&iovad, 1, LIMIT, false));
	free_iova(&iovad, 17);
	EXPECT(alloc_iova_fast(&iovad, 1, LIMIT, true) == 17);
}

/* A sized domain with ranges and objects in it is given up, and made anew. */
static void again(void)
{
	EXPECT(alloc_iova(&iovad, 7, LIMIT, false));
	EXPECT(reserve_iova(&iovad, 100, 199));
	EXPECT(alloc_iova_fast(&iovad, 2, LIMIT, true));
	put_iova_domain(&iovad);
	init_iova_domain(&iovad, PAGE_SIZE, 1);
	EXPECT(!iova_domain_init_rcaches(&iovad));
	EXPECT(!find_iova(&iovad, LIMIT));
	EXPECT(!find_iova(&iovad, 150));
	full();
}

/* As drivers do it. On PREEMPT_RT interrupts stay on. */
static void with_interrupts_off(void (*fn)(void))
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	fn();
	EXPECT(irqs_disabled() != IS_ENABLED(CONFIG_PREEMPT_RT));
	spin_unlock_irqrestore(&lock, flags);
}

static void interrupts_off(void)
{
	with_interrupts_off(objects);
}

static void interrupts_off_fast(void)
{
	with_interrupts_off(find_fast);
}

/* No memory for objects: who wants one gets none, and nothing is lost. */
static void no_objects(void)
{
	unsigned long pfn = alloc_iova_fast(&iovad, 64, LIMIT, true);

	EXPECT(pfn == 192);
	EXPECT(!alloc_iova(&iovad, 1, LIMIT, false));
	EXPECT(!reserve_iova(&iovad, 1, 100));
	EXPECT(!find_iova(&iovad, pfn));
	free_iova_fast(&iovad, pfn, 64);
	EXPECT(alloc_iova_fast(&iovad, 128, LIMIT, true) == 128);
	free_iova(&iovad, 200);
	EXPECT(alloc_iova_fast(&iovad, 256, 256, true) == 0);
	EXPECT(alloc_iova_fast(&iovad, 255, 511, true) == 256);
}

/* Nobody has it: freeing it takes nothing from anybody. */
static void free_of_pfn_0(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		free_iova_fast(&iovad, 0, 1);
	for (i = 0; i < 8; i++)
		EXPECT(alloc_iova_fast(&iovad, 1, 0xfffff, true));
}

/* Above what the kernel caches, the second free is ignored. */
static void freed_twice(void)
{
	unsigned long pfn, size, one, other;

	for (size = 64; size <= 512; size *= 2) {
		pfn = alloc_iova_fast(&iovad, size, 0xfffff, true);
		EXPECT(pfn);
		free_iova_fast(&iovad, pfn, size);
		free_iova_fast(&iovad, pfn, size);
		one = alloc_iova_fast(&iovad, size, 0xfffff, true);
		other = alloc_iova_fast(&iovad, size, 0xfffff, true);
		EXPECT(one && other && one != other);
	}
}

/* What is in it goes with it, by whoever puts it. */
static void keep(void)
{
	EXPECT(alloc_iova_fast(&iovad, 2, LIMIT, true));
	EXPECT(reserve_iova(&iovad, 100, 199));
	kept = !failures;
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "objects", objects },
	{ "aligned", aligned },
	{ "free_by_pfn", free_by_pfn },
	{ "find_fast", find_fast },
	{ "free_object_fast", free_object_fast },
	{ "next_at_same_pfn", next_at_same_pfn },
	{ "not_rounded", not_rounded },
	{ "reserve", reserve },
	{ "reserve_over", reserve_over },
	{ "reserve_over_freed", reserve_over_freed },
	{ "reserve_from_inside", reserve_from_inside },
	{ "keep", keep },
	{ "full", full },
	{ "again", again },
	{ "interrupts_off", interrupts_off },
	{ "interrupts_off_fast", interrupts_off_fast },
	{ "no_objects", no_objects },
	{ "free_of_pfn_0", free_of_pfn_0 },
	{ "freed_twice", freed_twice },
};

static void end_domain(void)
{
	put_iova_domain(&iovad);
	iova_cache_put();
}

static int run_case(void (*fn)(void))
{
	int ret;

	ret = iova_cache_get();
	if (ret)
		return ret;
	init_iova_domain(&iovad, PAGE_SIZE, 1);
	ret = iova_domain_init_rcaches(&iovad);
	if (!ret)
		fn();
	if (!kept)
		end_domain();
	return ret ?: failures ? -EILSEQ : 0;
}

static int __init client_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(run, cases[i].name))
			return run_case(cases[i].run);
	pr_err("there is no case '%s'\n", run);
	return -EINVAL;
}
module_init(client_init);

static void __exit client_exit(void)
{
	if (kept)
		end_domain();
}
module_exit(client_exit);

MODULE_DESCRIPTION("Uses the kernel's iova API as no driver does, for iova_mt's tests");
MODULE_LICENSE("GPL");
