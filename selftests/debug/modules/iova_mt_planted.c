// SPDX-License-Identifier: GPL-2.0
/*
 * The allocator "planted": the maple allocator with one bug in it, chosen when
 * the module is loaded. The tests must go red for each: they are run for that
 * alone, in a kernel of their own.
 *
 * Never load this where anything matters.
 */
#define pr_fmt(fmt) "iova_mt_planted: " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "wrap.h"

/* Calls between two mistakes of those that need not happen each time. */
#define EVERY	100

/* B(name, what is wrong) */
#define BUGS(B)								\
	B(none, "nothing: the tests must be green")			\
	B(uaf, "free writes to an object after its kfree")		\
	B(abba, "alloc and free take two locks in opposite order")	\
	B(sleep, "alloc takes a mutex with interrupts off")		\
	B(irq, "free takes a lock that alloc takes in interrupts, too")	\
	B(race, "free and alloc count without a lock")			\
	B(leak, "free leaks an object")					\
	B(lost, "a range that was freed is never free again")		\
	B(twice, "a range is handed out twice")

enum bug {
#define PLANTED_ENUM(_name, _what)	BUG_##_name,
	BUGS(PLANTED_ENUM)
	NR_BUGS,
};

static const char *const bug_names[] = {
#define PLANTED_NAME(_name, _what)	[BUG_##_name] = #_name,
	BUGS(PLANTED_NAME)
};

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "none, uaf, abba, sleep, irq, race, leak, lost or twice (default: none)");

static enum bug chosen;
static const struct iova_mt_ops *maple;
static struct iova_mt_ops table;
static atomic_t calls = ATOMIC_INIT(0);

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static DEFINE_MUTEX(mutex);
static unsigned long racy_calls;

static bool now(void)
{
	return (unsigned int)atomic_inc_return(&calls) % EVERY == 0;
}

static void use_after_free(void)
{
	int *object = kmalloc(sizeof(*object), GFP_ATOMIC);

	kfree(object);
	if (object)
		WRITE_ONCE(*object, 1);
}

static void take_both(spinlock_t *first, spinlock_t *second)
{
	unsigned long flags;

	spin_lock_irqsave(first, flags);
	spin_lock(second);
	spin_unlock(second);
	spin_unlock_irqrestore(first, flags);
}

static void sleep_in_atomic(void)
{
	unsigned long flags;

	local_irq_save(flags);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	local_irq_restore(flags);
}

/*
 * Who interrupts a task in here would wait for ever: not where the lock is seen
 * to be taken, so that the machine lives to tell what lockdep says.
 */
static void take_in_any_context(void)
{
	if (!in_task() && spin_is_locked(&lock_a))
		return;
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
}

static noinline void leak(void)
{
	/* Hidden from the compiler, which would see that nobody uses it. */
	void *object = kmalloc(64, GFP_ATOMIC);

	OPTIMIZER_HIDE_VAR(object);
}

static int planted_alloc(struct iova_mt_domain *domain, unsigned long size,
			 unsigned long limit_pfn, unsigned int flags,
			 unsigned long *pfn)
{
	static unsigned long other, other_size;
	int ret;

	if (chosen == BUG_abba)
		take_both(&lock_a, &lock_b);
	if (chosen == BUG_sleep && now())
		sleep_in_atomic();
	if (chosen == BUG_irq)
		take_in_any_context();
	if (chosen == BUG_race)
		racy_calls++;
	ret = maple->alloc(domain, size, limit_pfn, flags, pfn);
	if (chosen != BUG_twice || ret)
		return ret;
	if (size == other_size && other + size - 1 <= limit_pfn && now()) {
		maple->free(domain, *pfn, 0);
		*pfn = other;
	}
	other = *pfn;
	other_size = size;
	return 0;
}

static void planted_free(struct iova_mt_domain *domain, unsigned long pfn,
			 unsigned long size)
{
	if (chosen == BUG_abba)
		take_both(&lock_b, &lock_a);
	if (chosen == BUG_uaf && now())
		use_after_free();
	if (chosen == BUG_irq)
		take_in_any_context();
	if (chosen == BUG_race)
		racy_calls++;
	if (chosen == BUG_leak && now())
		leak();
	if (chosen == BUG_lost && now())
		return;
	maple->free(domain, pfn, size);
}

static int __init iova_mt_planted_init(void)
{
	int ret = match_string(bug_names, NR_BUGS, bug);

	if (ret < 0) {
		pr_err("bug '%s' is not valid; valid: none, uaf, abba, sleep, irq, race, leak, lost, twice\n",
		       bug);
		return -EINVAL;
	}
	chosen = ret;
	maple = wrap_maple_ops();
	if (IS_ERR(maple))
		return PTR_ERR(maple);
	table = *maple;
	table.name = "planted";
	table.owner = THIS_MODULE;
	table.alloc = planted_alloc;
	table.free = planted_free;
	return iova_mt_register(&table);
}
module_init(iova_mt_planted_init);

static void __exit iova_mt_planted_exit(void)
{
	WARN_ON(iova_mt_unregister(&table));
}
module_exit(iova_mt_planted_exit);

MODULE_DESCRIPTION("An allocator for tests of the tests: maple, with a bug");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "IOVA_MT");
