// SPDX-License-Identifier: GPL-2.0
/*
 * The registry: allocators by name.
 *
 * Responsible for which allocators there are, and for keeping each one's module
 * loaded as long as a domain uses it. Rule: an allocator with users stays in
 * the list. One mutex protects all of it; what is called under it (an
 * allocator's counters(), fn of for_each) takes no other mutex of iova_mt.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <iova_mt/ops.h>

#include "compat.h"
#include "core/registry.h"

static DEFINE_MUTEX(registry_mutex);
static LIST_HEAD(allocators);

/* --- Internals ------------------------------------------------------------ */

static struct iova_mt_allocator *find_by_name_locked(const char *name)
{
	struct iova_mt_allocator *allocator;

	lockdep_assert_held(&registry_mutex);
	list_for_each_entry(allocator, &allocators, link)
		if (!strcmp(allocator->ops->name, name))
			return allocator;
	return NULL;
}

static struct iova_mt_allocator *find_by_ops_locked(const struct iova_mt_ops *ops)
{
	struct iova_mt_allocator *allocator;

	lockdep_assert_held(&registry_mutex);
	list_for_each_entry(allocator, &allocators, link)
		if (allocator->ops == ops)
			return allocator;
	return NULL;
}

static bool name_is_valid(const char *name)
{
	size_t len;

	for (len = 0; name[len]; len++)
		if (len == IOVA_MT_REGISTRY_NAME_LEN ||
		    !(islower(name[len]) || isdigit(name[len]) ||
		      name[len] == '-' || name[len] == '_') ||
		    !isascii(name[len]))
			return false;
	return len;
}

static int check_name(const char *name)
{
	if (!name) {
		pr_err("an allocator without a name cannot be registered\n");
		return -EINVAL;
	}
	if (!name_is_valid(name)) {
		pr_err("allocator name '%*pE' is not valid; valid: 1 to %d of a-z, 0-9, '-' and '_'\n",
		       (int)strnlen(name, IOVA_MT_REGISTRY_NAME_LEN + 1), name,
		       IOVA_MT_REGISTRY_NAME_LEN);
		return -EINVAL;
	}
	return 0;
}

static int check_functions(const struct iova_mt_ops *ops)
{
	const struct {
		const char *name;
		bool there;
	} mandatory[] = {
		{ "create",	ops->create },
		{ "destroy",	ops->destroy },
		{ "alloc",	ops->alloc },
		{ "free",	ops->free },
		{ "reserve",	ops->reserve },
		{ "find",	ops->find },
		{ "counters",	ops->counters || !ops->nr_counters },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(mandatory); i++)
		if (!mandatory[i].there) {
			pr_err("allocator '%s' lacks the function '%s'\n",
			       ops->name, mandatory[i].name);
			return -EINVAL;
		}
	return 0;
}

static int check_counter_names(const struct iova_mt_ops *ops)
{
	unsigned int i;

	for (i = 0; i < ops->nr_counters; i++)
		if (!ops->counter_names || !ops->counter_names[i]) {
			pr_err("allocator '%s' lacks the name of counter %u\n",
			       ops->name, i);
			return -EINVAL;
		}
	return 0;
}

static struct iova_mt_allocator *make_allocator(const struct iova_mt_ops *ops)
{
	struct iova_mt_allocator *allocator;

	allocator = kzalloc(sizeof(*allocator), GFP_KERNEL);
	if (!allocator)
		return NULL;
	allocator->ops = ops;
	if (!ops->nr_counters)
		return allocator;
	/* One piece of memory for both. */
	allocator->retired = kcalloc(ops->nr_counters, 2 * sizeof(u64),
				     GFP_KERNEL);
	if (!allocator->retired) {
		kfree(allocator);
		return NULL;
	}
	allocator->scratch = allocator->retired + ops->nr_counters;
	return allocator;
}

static void free_allocator(struct iova_mt_allocator *allocator)
{
	kfree(allocator->retired);
	kfree(allocator);
}

/* --- Interface for allocators --------------------------------------------- */

/**
 * iova_mt_register() - make an allocator available by its name
 * @ops: its table; stays as it is until it has been unregistered
 *
 * Every refusal says in the log what is wrong.
 *
 * Context: Process, may sleep.
 * Return: 0; -EINVAL when the name is missing or not valid, a mandatory
 * function is missing or a counter has no name; -EEXIST when the name is taken;
 * -ENOMEM.
 */
int iova_mt_register(const struct iova_mt_ops *ops)
{
	struct iova_mt_allocator *allocator;
	int ret;

	ret = check_name(ops->name);
	if (!ret)
		ret = check_functions(ops);
	if (!ret)
		ret = check_counter_names(ops);
	if (ret)
		return ret;
	allocator = make_allocator(ops);
	if (!allocator)
		return -ENOMEM;

	mutex_lock(&registry_mutex);
	if (find_by_name_locked(ops->name))
		ret = -EEXIST;
	else
		list_add_tail(&allocator->link, &allocators);
	mutex_unlock(&registry_mutex);

	if (ret) {
		pr_err("there is an allocator '%s' already\n", ops->name);
		free_allocator(allocator);
	}
	return ret;
}

IOVA_MT_EXPORT(iova_mt_register);

/**
 * iova_mt_unregister() - take an allocator out of the registry
 * @ops: the table that was registered
 *
 * Cannot fail in the exit function of @ops->owner: its domains hold the module,
 * so there are none by then.
 *
 * Context: Process, may sleep.
 * Return: 0; -ENOENT when @ops is not registered; -EBUSY, with a message, when
 * a domain uses it: it stays registered then.
 */
int iova_mt_unregister(const struct iova_mt_ops *ops)
{
	struct iova_mt_allocator *allocator;

	guard(mutex)(&registry_mutex);
	allocator = find_by_ops_locked(ops);
	if (!allocator)
		return -ENOENT;
	if (allocator->users) {
		pr_err("allocator '%s' stays: domains that use it: %u\n",
		       ops->name, allocator->users);
		return -EBUSY;
	}
	list_del(&allocator->link);
	free_allocator(allocator);
	return 0;
}

IOVA_MT_EXPORT(iova_mt_unregister);

/* --- Interface for domains ------------------------------------------------ */

/**
 * iova_mt_registry_get() - find an allocator and hold it
 * @name: its name
 *
 * Context: Process, may sleep.
 * Return: the allocator, to be given back with iova_mt_registry_put();
 * ERR_PTR(-ENOENT) when there is none of that name; ERR_PTR(-EBUSY) when its
 * module is being unloaded.
 */
struct iova_mt_allocator *iova_mt_registry_get(const char *name)
{
	struct iova_mt_allocator *allocator;

	guard(mutex)(&registry_mutex);
	allocator = find_by_name_locked(name);
	if (!allocator)
		return ERR_PTR(-ENOENT);
	if (!try_module_get(allocator->ops->owner))
		return ERR_PTR(-EBUSY);
	allocator->users++;
	return allocator;
}

/**
 * iova_mt_registry_put() - give an allocator back
 * @allocator: from iova_mt_registry_get()
 *
 * Its module may go as soon as this has been called.
 *
 * Context: Process, may sleep.
 */
void iova_mt_registry_put(struct iova_mt_allocator *allocator)
{
	struct module *owner = allocator->ops->owner;

	mutex_lock(&registry_mutex);
	allocator->users--;
	mutex_unlock(&registry_mutex);
	module_put(owner);
}

/**
 * iova_mt_registry_has() - is there an allocator of that name now?
 * @name: the name
 *
 * Context: Process, may sleep.
 * Return: true when there is.
 */
bool iova_mt_registry_has(const char *name)
{
	guard(mutex)(&registry_mutex);
	return find_by_name_locked(name);
}

/**
 * iova_mt_registry_names() - the names of all allocators, for messages
 * @buf: gets "maple, rbtree"; cut when it is too small
 * @size: its size in bytes, not 0
 *
 * Context: Process, may sleep.
 * Return: the length of the text.
 */
size_t iova_mt_registry_names(char *buf, size_t size)
{
	struct iova_mt_allocator *allocator;
	size_t len = 0;

	buf[0] = '\0';
	guard(mutex)(&registry_mutex);
	list_for_each_entry(allocator, &allocators, link)
		len += scnprintf(buf + len, size - len, "%s%s",
				 len ? ", " : "", allocator->ops->name);
	return len;
}

/**
 * iova_mt_registry_retire() - keep the counters of a domain that goes
 * @allocator: of that domain
 * @domain: the domain
 *
 * Context: Process, may sleep.
 */
void iova_mt_registry_retire(struct iova_mt_allocator *allocator,
			     struct iova_mt_domain *domain)
{
	const struct iova_mt_ops *ops = allocator->ops;
	unsigned int i;

	if (!ops->nr_counters)
		return;
	guard(mutex)(&registry_mutex);
	ops->counters(domain, allocator->scratch);
	for (i = 0; i < ops->nr_counters; i++)
		allocator->retired[i] += allocator->scratch[i];
}

/**
 * iova_mt_registry_for_each() - look at all allocators
 * @fn: called for each; a value other than 0 ends the walk. Runs under the
 *	mutex of the registry, so it may look at all fields, may use scratch, and
 *	may call nothing of the registry
 * @arg: for @fn
 *
 * Context: Process, may sleep.
 * Return: what @fn returned last, 0 when there are none.
 */
int iova_mt_registry_for_each(int (*fn)(struct iova_mt_allocator *allocator,
					void *arg),
			      void *arg)
{
	struct iova_mt_allocator *allocator;
	int ret = 0;

	guard(mutex)(&registry_mutex);
	list_for_each_entry(allocator, &allocators, link) {
		ret = fn(allocator, arg);
		if (ret)
			break;
	}
	return ret;
}
