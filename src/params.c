// SPDX-License-Identifier: GPL-2.0
/*
 * Parameters: what a user may say at load, and change since.
 *
 * Responsible for all module parameters, and so for switching the takeover:
 * its mode, and how new domains defer and cache, can be changed while the module runs.
 * Rule: a value that is not valid is refused with a message that lists what is
 * valid, and changes nothing.
 *
 * The kernel sets parameters before it calls init, and leaves their files
 * writable until after exit. The mutex is what makes both harmless: outside of
 * start and stop a mode is only remembered. Lock order: the kernel's parameter
 * lock, then the mutex, then what the takeover takes.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "base/fault.h"
#include "maple/cache/cache.h"
#include "maple/deferred/deferral.h"
#include "params.h"
#include "core/registry.h"
#include "takeover/takeover.h"
#include "version.h"

/* --- allocator ------------------------------------------------------------ */

static char *allocator = "maple";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator,
		 "allocator of domains that are taken over: maple, maple-plain (an entry for each range) or rbtree (default maple)");

/**
 * iova_mt_params_check() - check what could not be checked while it was set
 *
 * Context: Process, may sleep. The allocators have been registered.
 * Return: 0, or -EINVAL with a message that says what is valid.
 */
int iova_mt_params_check(void)
{
	char names[128];

	if (iova_mt_registry_has(allocator))
		return 0;
	iova_mt_registry_names(names, sizeof(names));
	pr_err("allocator '%*pE' is not valid; valid: %s\n",
	       (int)strlen(allocator), allocator, names);
	return -EINVAL;
}

/* --- deferral ------------------------------------------------------------- */

static int set_deferral(const char *val, const struct kernel_param *kp)
{
	char names[32];

	if (!iova_mt_deferral_select(val))
		return 0;
	iova_mt_deferral_names(names, sizeof(names));
	pr_err("deferral '%*pE' is not valid; valid: %s\n",
	       (int)strcspn(val, "\n"), val, names);
	return -EINVAL;
}

static int get_deferral(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", iova_mt_deferral_default()->name);
}

static const struct kernel_param_ops deferral_ops = {
	.set	= set_deferral,
	.get	= get_deferral,
};

module_param_cb(deferral, &deferral_ops, NULL, 0644);
MODULE_PARM_DESC(deferral,
		 "how maple domains created from then on keep ranges that cannot be erased: marker or list; can be changed at runtime (default marker)");

/* --- cache_mib ------------------------------------------------------------ */

#define CACHE_MIB_MAX	(ULONG_MAX >> 20)

static int set_cache_mib(const char *val, const struct kernel_param *kp)
{
	unsigned long mib;

	if (!isdigit(val[0]) || kstrtoul(val, 10, &mib) || mib > CACHE_MIB_MAX) {
		pr_err("cache_mib '%*pE' is not valid; valid: 0 to %lu\n",
		       (int)strcspn(val, "\n"), val, CACHE_MIB_MAX);
		return -EINVAL;
	}
	WRITE_ONCE(iova_mt_cache_max_bytes, mib << 20);
	return 0;
}

static int get_cache_mib(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lu\n", iova_mt_cache_max_bytes >> 20);
}

static const struct kernel_param_ops cache_mib_ops = {
	.set	= set_cache_mib,
	.get	= get_cache_mib,
};

module_param_cb(cache_mib, &cache_mib_ops, NULL, 0644);
MODULE_PARM_DESC(cache_mib,
		 "most MiB of address space in the caches of a maple domain created from then on, 0 for none; can be changed at runtime (default 1024)");

/* --- takeover ------------------------------------------------------------- */

static const char *const mode_names[] = {
	[IOVA_MT_TAKEOVER_OFF] = "off",
	[IOVA_MT_TAKEOVER_NEW] = "new",
};

/* Protects what follows, and orders changes of mode with start and stop. */
static DEFINE_MUTEX(mode_mutex);
static bool started;
static enum iova_mt_takeover_mode wanted = IOVA_MT_TAKEOVER_OFF;

static int set_takeover(const char *val, const struct kernel_param *kp)
{
	int mode = sysfs_match_string(mode_names, val);
	int ret = 0;

	if (mode < 0) {
		pr_err("takeover '%*pE' is not valid; valid: off, new\n",
		       (int)strcspn(val, "\n"), val);
		return -EINVAL;
	}
	guard(mutex)(&mode_mutex);
	if (started)
		ret = iova_mt_takeover_set_mode(mode);
	if (!ret)
		wanted = mode;
	return ret;
}

static int get_takeover(char *buffer, const struct kernel_param *kp)
{
	guard(mutex)(&mode_mutex);
	return sysfs_emit(buffer, "%s\n",
			  mode_names[started ? iova_mt_takeover_get_mode() :
					       wanted]);
}

static const struct kernel_param_ops takeover_ops = {
	.set	= set_takeover,
	.get	= get_takeover,
};

module_param_cb(takeover, &takeover_ops, NULL, 0644);
MODULE_PARM_DESC(takeover,
		 "which domains of the kernel to take over: off, or new for those created from then on; can be changed at runtime (default off)");

/**
 * iova_mt_params_start() - start the takeover in the mode that was asked for
 *
 * Context: Process, may sleep.
 * Return: 0, or what iova_mt_takeover_init() returned.
 */
int iova_mt_params_start(void)
{
	int ret;

	guard(mutex)(&mode_mutex);
	ret = iova_mt_takeover_init(wanted, allocator);
	if (ret)
		return ret;
	started = true;
	pr_info("version %s: allocator %s, takeover %s\n", IOVA_MT_VERSION,
		allocator, mode_names[wanted]);
	return 0;
}

/**
 * iova_mt_params_stop() - end the takeover
 *
 * Context: Process, may sleep.
 */
void iova_mt_params_stop(void)
{
	/* Not under the mutex: it may wait, and refuses every mode from now. */
	iova_mt_takeover_exit();
	guard(mutex)(&mode_mutex);
	started = false;
}

/* --- fault points --------------------------------------------------------- */

static int set_fault(const char *val, const struct kernel_param *kp)
{
	return iova_mt_fault_parse(kp->arg, val);
}

/* In the form that it is set with, as it is now: space and times count down. */
static int get_fault(char *buffer, const struct kernel_param *kp)
{
	struct iova_mt_fault *fault = kp->arg;

	return sysfs_emit(buffer, "%d,%d,%d,%d\n",
			  iova_mt_fault_get(fault, IOVA_MT_FAULT_KNOB_interval),
			  iova_mt_fault_get(fault, IOVA_MT_FAULT_KNOB_probability),
			  iova_mt_fault_get(fault, IOVA_MT_FAULT_KNOB_space),
			  iova_mt_fault_get(fault, IOVA_MT_FAULT_KNOB_times));
}

static const struct kernel_param_ops fault_ops = {
	.set	= set_fault,
	.get	= get_fault,
};

#define FAULT_PARAM(_name, _what)					\
	module_param_cb(_name, &fault_ops,				\
			&iova_mt_faults[IOVA_MT_FAULT_##_name], 0444);	\
	MODULE_PARM_DESC(_name, "make these run out: " _what		\
			 "; <interval>,<probability>,<space>,<times>, "	\
			 "probability 0 to 100 percent, times -1 for no limit (default 1,0,0,1: off)");
IOVA_MT_FAULTS(FAULT_PARAM)

static int set_seed(const char *val, const struct kernel_param *kp)
{
	unsigned long seed;

	if (!isdigit(val[0]) || kstrtoul(val, 10, &seed)) {
		pr_err("fault_seed '%*pE' is not valid; valid: 0 to %lu\n",
		       (int)strlen(val), val, ULONG_MAX);
		return -EINVAL;
	}
	iova_mt_fault_seed = seed;
	return 0;
}

static const struct kernel_param_ops seed_ops = {
	.set	= set_seed,
	.get	= param_get_ulong,
};

module_param_cb(fault_seed, &seed_ops, &iova_mt_fault_seed, 0444);
MODULE_PARM_DESC(fault_seed,
		 "what the failures are drawn from: the same seed, the same failures; 0 to ULONG_MAX (default 0)");
