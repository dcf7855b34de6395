// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps domains busy from its load to its removal, so that a program can look
 * on: some tasks allocate and free in one domain that they share, others make a
 * domain, use it and destroy it, over and over.
 *
 * When it goes, everything has been given back; what is left in a domain then
 * was lost, and the log says so.
 */
#define pr_fmt(fmt) "iova_mt_load: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "test.h"

#define GRANULE		4096
#define SLOTS		64
#define MAX_SIZE	40
/* What a domain that comes and goes is used for. */
#define CHURN_STEPS	500
/* Between two pauses, for the sake of machines with one CPU. */
#define STEPS		50
#define MAX_TASKS	8

static char *allocator = "maple";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator, "which allocator (default: maple)");

static uint threads = 2;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "tasks on the shared domain, 1 to 8 (default: 2)");

static uint churn;
module_param(churn, uint, 0444);
MODULE_PARM_DESC(churn, "tasks whose domains come and go, 0 to 8 (default: 0)");

static ulong steps;
module_param(steps, ulong, 0444);
MODULE_PARM_DESC(steps, "after so many steps each task gives back what it has and waits for the removal (default: 0, never)");

/* Of all tasks, protected by count_lock. */
static DEFINE_SPINLOCK(count_lock);

static ulong domains;
module_param(domains, ulong, 0444);
MODULE_PARM_DESC(domains, "domains that came and went so far");

static ulong waiting;
module_param(waiting, ulong, 0444);
MODULE_PARM_DESC(waiting, "tasks that have done their steps");

/**
 * struct client - who allocates and frees
 * @task: a task of its own, or NULL
 * @domain: where
 * @rng: what sizes and places are drawn from
 * @pfn: first pfn of each of its ranges
 * @size: pages in it, 0 when there is none
 */
struct client {
	struct task_struct *task;
	struct iova_mt_domain *domain;
	struct test_rng rng;
	unsigned long pfn[SLOTS];
	unsigned long size[SLOTS];
};

static struct iova_mt_domain *shared;
static struct client clients[2 * MAX_TASKS];

static void step(struct client *client)
{
	u32 slot = test_rng_below(&client->rng, SLOTS);
	unsigned long size = 1 + test_rng_below(&client->rng, MAX_SIZE);
	u32 flags = test_rng_below(&client->rng, IOVA_MT_ALLOC_FLAGS + 1);

	if (client->size[slot]) {
		iova_mt_free(client->domain, client->pfn[slot], client->size[slot]);
		client->size[slot] = 0;
	} else if (!iova_mt_alloc(client->domain, size, PFN_32BIT, flags,
				  &client->pfn[slot])) {
		client->size[slot] = size;
	}
}

static void give_back(struct client *client)
{
	u32 slot;

	for (slot = 0; slot < SLOTS; slot++)
		if (client->size[slot])
			iova_mt_free(client->domain, client->pfn[slot],
				     client->size[slot]);
	memset(client->size, 0, sizeof(client->size));
}

static void count(unsigned long *counter)
{
	spin_lock(&count_lock);
	++*counter;
	spin_unlock(&count_lock);
}

static void wait_for_removal(void)
{
	count(&waiting);
	while (!kthread_should_stop())
		msleep(20);
}

static bool goes_on(unsigned long done)
{
	return !kthread_should_stop() && (!steps || done < steps);
}

static int share(void *arg)
{
	struct client *client = arg;
	unsigned long done;

	for (done = 0; goes_on(done); done++) {
		step(client);
		if (done % STEPS == 0)
			usleep_range(20, 100);
	}
	give_back(client);
	wait_for_removal();
	return 0;
}

/* Some of its domains go with ranges in them, which is normal. */
static int come_and_go(void *arg)
{
	struct client *client = arg;
	unsigned long done;
	unsigned int i;

	for (done = 0; goes_on(done); done += CHURN_STEPS) {
		client->domain = iova_mt_domain_create(allocator, GRANULE, 1);
		if (IS_ERR(client->domain)) {
			msleep(20);
			continue;
		}
		for (i = 0; i < CHURN_STEPS; i++)
			step(client);
		if (test_rng_below(&client->rng, 2))
			give_back(client);
		memset(client->size, 0, sizeof(client->size));
		iova_mt_domain_destroy(client->domain);
		count(&domains);
		usleep_range(100, 1000);
	}
	wait_for_removal();
	return 0;
}

static void stop(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(clients); i++)
		if (clients[i].task)
			kthread_stop(clients[i].task);
}

/* An idle cache takes its ranges out before it frees them: look again. */
static void expect_empty(struct iova_mt_domain *domain)
{
	struct iova_mt_range range;
	unsigned int tries;
	int ret;

	if (!domain->ops->next)
		return;
	for (tries = 0; tries < 200; tries++) {
		iova_mt_flush(domain);
		ret = iova_mt_drain(domain);
		if (domain->ops->next(domain, 0, &range))
			return;
		msleep(20);
	}
	pr_err("BUG: %#lx to %#lx is left, state %d, drain says %d\n",
	       range.first, range.last, range.state, ret);
}

static int begin(unsigned int i, int (*fn)(void *arg))
{
	struct client *client = &clients[i];
	struct task_struct *task;

	test_rng_init(&client->rng, i + 1);
	client->domain = shared;
	task = kthread_run(fn, client, "iova_mt_load/%u", i);
	if (IS_ERR(task))
		return PTR_ERR(task);
	client->task = task;
	return 0;
}

static int __init load_init(void)
{
	unsigned int i;
	int ret = 0;

	if (!threads || threads > MAX_TASKS || churn > MAX_TASKS) {
		pr_err("threads %u, churn %u is not valid; valid: 1 to %u, 0 to %u\n",
		       threads, churn, MAX_TASKS, MAX_TASKS);
		return -EINVAL;
	}
	shared = iova_mt_domain_create(allocator, GRANULE, 1);
	if (IS_ERR(shared))
		return PTR_ERR(shared);
	for (i = 0; i < threads && !ret; i++)
		ret = begin(i, share);
	for (; i < threads + churn && !ret; i++)
		ret = begin(i, come_and_go);
	if (!ret)
		return 0;
	stop();
	iova_mt_domain_destroy(shared);
	return ret;
}
module_init(load_init);

static void __exit load_exit(void)
{
	stop();
	expect_empty(shared);
	iova_mt_domain_destroy(shared);
}
module_exit(load_exit);

MODULE_DESCRIPTION("Keeps domains of iova_mt busy, for its tests");
MODULE_LICENSE("GPL");
/* A word up to 6.12, a string since; this is what both make of it. */
MODULE_INFO(import_ns, "IOVA_MT");
