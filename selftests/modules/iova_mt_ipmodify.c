// SPDX-License-Identifier: GPL-2.0
/*
 * A conflicting user: claims the right to redirect alloc_iova_fast(), and then
 * lets every call pass. Stands for a livepatch of that function; or, with
 * kprobe=1, is a kprobe with a post_handler, which claims the same right.
 */
#define pr_fmt(fmt) "iova_mt_ipmodify: " fmt

#include <linux/ftrace.h>
#include <linux/iova.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static bool kprobe;
module_param(kprobe, bool, 0444);
MODULE_PARM_DESC(kprobe, "by a kprobe with a post_handler (default: no)");

static void notrace pass(unsigned long ip, unsigned long parent_ip,
			 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ops = {
	.func = pass,
	.flags = FTRACE_OPS_FL_IPMODIFY,
};

static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "alloc_iova_fast",
	.post_handler = after,
};

static int redirect(void)
{
	int ret;

	ret = ftrace_set_filter_ip(&ops, (unsigned long)alloc_iova_fast, 0, 1);
	if (!ret)
		ret = register_ftrace_function(&ops);
	if (ret)
		ftrace_free_filter(&ops);
	return ret;
}

static int __init ipmodify_init(void)
{
	return kprobe ? register_kprobe(&probe) : redirect();
}
module_init(ipmodify_init);

static void __exit ipmodify_exit(void)
{
	if (kprobe) {
		unregister_kprobe(&probe);
		return;
	}
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}
module_exit(ipmodify_exit);

MODULE_DESCRIPTION("Claims alloc_iova_fast() so that iova_mt's takeover cannot");
MODULE_LICENSE("GPL");
