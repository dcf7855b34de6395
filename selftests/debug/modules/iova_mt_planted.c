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
#include <linux/dma-mapping.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "wrap.h"

/* Calls between two mistakes of those that need not happen each time. */
#define EVERY	100

/* What is written behind the end of is as large as this. */
#define SIZE	60

/* Longer than planted.sh lets a task sleep like that. */
#define STUCK_S	30

/* B(name, what is wrong) */
#define BUGS(B)								\
	B(none, "nothing: the tests must be green")			\
	B(uaf, "free writes to an object after its kfree")		\
	B(oob, "free writes behind the end of an object")		\
	B(stack, "free writes behind the end of an array on the stack")	\
	B(global, "free writes behind the end of a global array")	\
	B(list, "free takes an entry off a list twice")			\
	B(abba, "alloc and free take two locks in opposite order")	\
	B(sleep, "alloc takes a mutex with interrupts off")		\
	B(leak, "free leaks an object")					\
	B(lost, "a range that was freed is never free again")		\
	B(twice, "a range is handed out twice")				\
	B(irq, "a lock is taken in interrupts, and elsewhere with them on") \
	B(rcu, "free follows a pointer of RCU's without a read lock")	\
	B(preempt, "free asks which CPU this is where that may change")	\
	B(dma, "a range is unmapped that was never mapped")		\
	B(work, "a work item is freed while it waits")			\
	B(shift, "a shift by more bits than there are")			\
	B(hang, "free never returns")					\
	B(stuck, "free sleeps, and nothing may wake it")		\
	B(race, "two CPUs count without a lock")

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
MODULE_PARM_DESC(bug, "which one, see BUGS (default: none)");

static enum bug chosen;
static const struct iova_mt_ops *maple;
static struct iova_mt_ops table;
static atomic_t calls = ATOMIC_INIT(0);

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static DEFINE_SPINLOCK(lock_irq);
static DEFINE_MUTEX(mutex);

static char global[SIZE];
static int __rcu *pointer;
static int bits = 64;
static unsigned long count;

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

/* Hidden from the compiler, which would see where the array ends. */
static __always_inline void write_behind(char *array)
{
	OPTIMIZER_HIDE_VAR(array);
	if (array)
		WRITE_ONCE(array[SIZE], 1);
}

static noinline void behind_object(void)
{
	char *object = kmalloc(SIZE, GFP_ATOMIC);

	write_behind(object);
	kfree(object);
}

static noinline void behind_stack(void)
{
	char array[SIZE];

	write_behind(array);
}

static noinline void behind_global(void)
{
	write_behind(global);
}

static void off_list_twice(void)
{
	struct list_head entry;
	LIST_HEAD(list);

	list_add(&entry, &list);
	list_del(&entry);
	list_del(&entry);
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

static noinline void leak(void)
{
	/* Hidden from the compiler, which would see that nobody uses it. */
	void *object = kmalloc(64, GFP_ATOMIC);

	OPTIMIZER_HIDE_VAR(object);
}

static void work_fn(struct work_struct *work)
{
}

/* Runs a minute later, in what is somebody else's by then. */
static void free_with_work(void)
{
	struct delayed_work *work = kmalloc(sizeof(*work), GFP_ATOMIC);

	if (!work)
		return;
	INIT_DELAYED_WORK(work, work_fn);
	schedule_delayed_work(work, 60 * HZ);
	kfree(work);
}

static void take_plainly(void)
{
	spin_lock(&lock_irq);
	spin_unlock(&lock_irq);
}

static void take_in_interrupt(struct irq_work *work)
{
	take_plainly();
}

/* For certain, and before anybody takes it with interrupts on. */
static void interrupt_once(void)
{
	struct irq_work work = IRQ_WORK_INIT(take_in_interrupt);

	irq_work_queue(&work);
	irq_work_sync(&work);
}

static void unmap_nothing(void)
{
	struct platform_device *device =
		platform_device_register_simple("iova_mt_planted", -1, NULL, 0);

	if (IS_ERR(device))
		return;
	if (!dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(32)))
		dma_unmap_single(&device->dev, PAGE_SIZE, SIZE, DMA_TO_DEVICE);
	platform_device_unregister(device);
}

/* Once: it takes its time. */
static void stay_asleep(void)
{
	static bool done;

	if (!done)
		schedule_timeout_uninterruptible(STUCK_S * HZ);
	done = true;
}

static __always_inline void mistake_in_free(void)
{
	switch (chosen) {
	case BUG_uaf:
		use_after_free();
		break;
	case BUG_oob:
		behind_object();
		break;
	case BUG_stack:
		behind_stack();
		break;
	case BUG_global:
		behind_global();
		break;
	case BUG_list:
		off_list_twice();
		break;
	case BUG_leak:
		leak();
		break;
	case BUG_work:
		free_with_work();
		break;
	case BUG_shift:
		WRITE_ONCE(count, 1UL << READ_ONCE(bits));
		break;
	case BUG_rcu:
		WRITE_ONCE(count, !!rcu_dereference(pointer));
		break;
	case BUG_preempt:
		WRITE_ONCE(count, smp_processor_id());
		break;
	case BUG_stuck:
		stay_asleep();
		break;
	case BUG_hang:
		while (READ_ONCE(bits))
			cpu_relax();
		break;
	default:
		break;
	}
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
		take_plainly();
	if (chosen == BUG_race)
		count++;
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

static bool planted_free(struct iova_mt_domain *domain, unsigned long pfn,
			 unsigned long size)
{
	if (chosen == BUG_abba)
		take_both(&lock_b, &lock_a);
	if (now()) {
		mistake_in_free();
		if (chosen == BUG_lost)
			return true;
	}
	return maple->free(domain, pfn, size);
}

static void complain(void)
{
	char names[256];
	size_t i, len = 0;

	for (i = 0; i < NR_BUGS; i++)
		len += scnprintf(names + len, sizeof(names) - len, "%s%s",
				 i ? ", " : "", bug_names[i]);
	pr_err("bug '%s' is not valid; valid: %s\n", bug, names);
}

static int __init iova_mt_planted_init(void)
{
	int ret = match_string(bug_names, NR_BUGS, bug);

	if (ret < 0) {
		complain();
		return -EINVAL;
	}
	chosen = ret;
	if (chosen == BUG_irq)
		interrupt_once();
	if (chosen == BUG_dma)
		unmap_nothing();
	maple = wrap_maple_ops("maple-plain");
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
