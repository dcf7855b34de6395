// SPDX-License-Identifier: GPL-2.0
/*
 * iova_mt: ordered init, mirrored exit, and nothing else.
 *
 * Each step may use those before it. The takeover comes last and goes first: as
 * soon as it has begun, domains are made and used. Files in debugfs can be opened
 * as soon as they are there, and be open when they have been removed: they are
 * waited for before anything goes, in a failing init as in exit.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/module.h>

#include <iova_mt/ops.h>

#include "instruments/instruments.h"
#include "maple/maple.h"
#include "params.h"
#include "rbtree.h"
#include "takeover/devices.h"
#include "takeover/leave.h"
#include "takeover/takeover.h"
#include "version.h"

static const struct iova_mt_instruments_source sources[] = {
	{ "takeover", "state", 0444, iova_mt_takeover_show_state },
	{ "takeover", "functions", 0400, iova_mt_takeover_show_functions },
	{ "takeover", "calls", 0444, iova_mt_takeover_show_calls },
	{ "takeover", "devices", 0444, iova_mt_devices_show },
};

static const struct iova_mt_ops *const allocators[] = {
	&iova_mt_maple_ops,
	&iova_mt_maple_plain_ops,
	&iova_mt_rbtree_ops,
};

static void unregister_first(unsigned int nr)
{
	while (nr--)
		WARN_ON_ONCE(iova_mt_unregister(allocators[nr]));
}

static int __init register_allocators(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		ret = iova_mt_register(allocators[i]);
		if (ret) {
			unregister_first(i);
			return ret;
		}
	}
	return 0;
}

/* Domains hold the module: when this runs there are none. */
static void unregister_allocators(void)
{
	unregister_first(ARRAY_SIZE(allocators));
}

static int __init iova_mt_init(void)
{
	int ret;

	ret = iova_mt_maple_init();
	if (ret)
		return ret;
	ret = iova_mt_rbtree_init();
	if (ret)
		goto err_maple;
	ret = register_allocators();
	if (ret)
		goto err_rbtree;
	ret = iova_mt_params_check();
	if (ret)
		goto err_register;
	iova_mt_instruments_init(sources, ARRAY_SIZE(sources));
	ret = iova_mt_params_start();
	if (ret)
		goto err_instruments;
	return 0;

err_instruments:
	iova_mt_instruments_exit();
	/* The one is that of the load itself. */
	iova_mt_leave_wait_references(1);
err_register:
	unregister_allocators();
err_rbtree:
	iova_mt_rbtree_exit();
err_maple:
	iova_mt_maple_exit();
	return ret;
}

static void __exit iova_mt_exit(void)
{
	iova_mt_params_stop();
	iova_mt_instruments_exit();
	iova_mt_leave_wait_references(0);
	unregister_allocators();
	iova_mt_rbtree_exit();
	iova_mt_maple_exit();
}

module_init(iova_mt_init);
module_exit(iova_mt_exit);

MODULE_DESCRIPTION("IOVA domains on a maple tree, with deferred free and a takeover of the kernel's");
MODULE_AUTHOR("iova_mt developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(IOVA_MT_VERSION);
