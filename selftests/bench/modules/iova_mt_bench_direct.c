// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a cheaper redirection would cost: direct calls, an experiment.
 *
 * The takeover redirects the kernel's functions by an ftrace callback, which may
 * set the address to go on at. Here each function calls a few instructions of
 * this module instead (register_ftrace_direct()). They look at the tag of the
 * domain and change their own return address, so that the kernel's code is
 * skipped and calls and returns still match.
 *
 * Measures when it is loaded, with the takeover off, and says what @pairs times
 * {allocate a page, free it} took, in nanoseconds: with the kernel's functions as
 * they are, redirected on a domain that is not owned, and on one that is. With a
 * clock that counts instructions (scripts/vm --icount) these are instructions.
 *
 * Locks: none. All is done while the module loads.
 */
#define pr_fmt(fmt) "iova_mt_bench_direct: " fmt

#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/iova.h>
#include <linux/limits.h>
#include <linux/linkage.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/stddef.h>
#include <linux/timekeeping.h>

#include <asm/ibt.h>
#include <asm/linkage.h>

#include <iova_mt/iova_mt.h>

#define GRANULE		4096
#define START_PFN	1
#define LIMIT		0xfffffUL
/* The least of so many counts: a tick may come in between. */
#define REPEATS		5

static uint pairs = 5000;
module_param(pairs, uint, 0444);
MODULE_PARM_DESC(pairs, "pairs of calls that are measured (default: 5000)");

/* Results, ns for all pairs. */
static u64 none, kernel, redirected, owned;
module_param(none, ullong, 0444);
MODULE_PARM_DESC(none, "ns for doing nothing");
module_param(kernel, ullong, 0444);
MODULE_PARM_DESC(kernel, "ns for the kernel's functions");
module_param(redirected, ullong, 0444);
MODULE_PARM_DESC(redirected, "ns for them, redirected, the domain not owned");
module_param(owned, ullong, 0444);
MODULE_PARM_DESC(owned, "ns for them, redirected, the domain owned");

static struct iova_domain iovad;

/* --- Redirection ---------------------------------------------------------- */

/* In assembly, below. */
asmlinkage typeof(void (void)) bench_direct_enter_alloc;
asmlinkage typeof(void (void)) bench_direct_enter_free;

static __always_inline struct iova_mt_domain *tag_of(const struct iova_domain *of)
{
	return (struct iova_mt_domain *)READ_ONCE(of->anchor.pfn_hi);
}

/* As the takeover's, without its own counters and objects; named in assembly. */
static unsigned long __used bench_direct_alloc(struct iova_domain *of,
					       unsigned long size,
					       unsigned long limit_pfn,
					       bool flush_rcache)
{
	unsigned int flags = IOVA_MT_ALIGNED | IOVA_MT_CACHED;
	unsigned long pfn;

	if (flush_rcache)
		flags |= IOVA_MT_FLUSH;
	if (iova_mt_alloc(tag_of(of), size, limit_pfn, flags, &pfn))
		return 0;
	return pfn;
}

static void __used bench_direct_free(struct iova_domain *of, unsigned long pfn,
				     unsigned long size)
{
	iova_mt_free(tag_of(of), pfn, size);
}

static void __used offsets(void)
{
	asm volatile(".set bench_direct_tag, %c0"
		     : : "i" (offsetof(struct iova_domain, anchor.pfn_hi)));
}

/* A tag that is a pointer, and no error: go to @_to when this returns. */
#define ENTER(_name, _to)						\
asm(".pushsection .text, \"ax\", @progbits\n"				\
	".type " #_name ", @function\n"					\
	".globl " #_name "\n"						\
	#_name ":\n\t"							\
	ASM_ENDBR							\
	"movq bench_direct_tag(%rdi), %rax\n\t"				\
	"subq $1, %rax\n\t"						\
	"cmpq $-4097, %rax\n\t"						\
	"ja 1f\n\t"							\
	"movq $" #_to ", (%rsp)\n"					\
	"1:\t"								\
	ASM_RET								\
	".size " #_name ", .-" #_name "\n"				\
	".popsection\n")

ENTER(bench_direct_enter_alloc, bench_direct_alloc);
ENTER(bench_direct_enter_free, bench_direct_free);

static struct ftrace_ops alloc_ops, free_ops;

static int redirect(struct ftrace_ops *ops, void *from, void (*to)(void))
{
	int ret = ftrace_set_filter_ip(ops, (unsigned long)from, 0, 1);

	if (!ret)
		ret = register_ftrace_direct(ops, (unsigned long)to);
	if (ret)
		pr_err("%ps cannot be redirected: %pe\n", from, ERR_PTR(ret));
	return ret;
}

static int redirect_both(void)
{
	int ret = redirect(&alloc_ops, alloc_iova_fast, bench_direct_enter_alloc);

	if (ret)
		return ret;
	ret = redirect(&free_ops, free_iova_fast, bench_direct_enter_free);
	if (ret)
		unregister_ftrace_direct(&alloc_ops,
					 (unsigned long)bench_direct_enter_alloc,
					 true);
	return ret;
}

static void restore_both(void)
{
	unregister_ftrace_direct(&free_ops,
				 (unsigned long)bench_direct_enter_free, true);
	unregister_ftrace_direct(&alloc_ops,
				 (unsigned long)bench_direct_enter_alloc, true);
}

/* --- Measuring ------------------------------------------------------------ */

static u64 measure_once(bool call)
{
	u64 start = ktime_get_ns();
	unsigned long pfn = 1;
	unsigned int i;

	for (i = 0; i < pairs && pfn; i++) {
		barrier();
		if (!call)
			continue;
		pfn = alloc_iova_fast(&iovad, 1, LIMIT, true);
		free_iova_fast(&iovad, pfn, 1);
	}
	return pfn ? ktime_get_ns() - start : 0;
}

static u64 measure(bool call)
{
	u64 least = U64_MAX;
	int i;

	for (i = 0; i < REPEATS; i++)
		least = min(least, measure_once(call));
	return least;
}

static int measure_redirected(struct iova_mt_domain *domain)
{
	unsigned long stock = iovad.anchor.pfn_hi;
	int ret = redirect_both();

	if (ret)
		return ret;
	redirected = measure(true);
	WRITE_ONCE(iovad.anchor.pfn_hi, (unsigned long)domain);
	owned = measure(true);
	WRITE_ONCE(iovad.anchor.pfn_hi, stock);
	restore_both();
	return 0;
}

static int measure_all(void)
{
	struct iova_mt_domain *domain;
	int ret;

	domain = iova_mt_domain_create("maple", GRANULE, START_PFN);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	none = measure(false);
	kernel = measure(true);
	ret = measure_redirected(domain);
	iova_mt_domain_destroy(domain);
	return ret;
}

static int __init iova_mt_bench_direct_init(void)
{
	int ret = iova_cache_get();

	if (ret)
		return ret;
	init_iova_domain(&iovad, GRANULE, START_PFN);
	ret = iova_domain_init_rcaches(&iovad);
	if (!ret)
		ret = measure_all();
	put_iova_domain(&iovad);
	iova_cache_put();
	return ret;
}
module_init(iova_mt_bench_direct_init);

/* Without it, the module could not be unloaded. */
static void __exit iova_mt_bench_direct_exit(void)
{
}
module_exit(iova_mt_bench_direct_exit);

MODULE_DESCRIPTION("What redirection by direct calls costs");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "IOVA_MT");
