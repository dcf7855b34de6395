// SPDX-License-Identifier: GPL-2.0
/*
 * A conflicting user: claims the right to redirect alloc_iova_fast(), and then
 * lets every call pass. Stands for a livepatch of that function.
 */
#define pr_fmt(fmt) "iova_mt_ipmodify: " fmt

#include <linux/ftrace.h>
#include <linux/iova.h>
#include <linux/module.h>

static void notrace pass(unsigned long ip, unsigned long parent_ip,
			 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ops = {
	.func = pass,
	.flags = FTRACE_OPS_FL_IPMODIFY,
};

static int __init ipmodify_init(void)
{
	int ret;

	ret = ftrace_set_filter_ip(&ops, (unsigned long)alloc_iova_fast, 0, 1);
	if (!ret)
		ret = register_ftrace_function(&ops);
	if (ret)
		ftrace_free_filter(&ops);
	return ret;
}
module_init(ipmodify_init);

static void __exit ipmodify_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}
module_exit(ipmodify_exit);

MODULE_DESCRIPTION("Claims alloc_iova_fast() so that iova_mt's takeover cannot");
MODULE_LICENSE("GPL");
