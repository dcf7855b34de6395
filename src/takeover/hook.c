// SPDX-License-Identifier: GPL-2.0
/*
 * The hook: makes the kernel's functions jump to ours.
 *
 * One ftrace_ops over all entry points of the kernel's iova API, so that they
 * switch together: all are redirected, or none. Its callback asks one question,
 * whether the domain is owned, and sets the address to go on at, or leaves it.
 *
 * Flags, and why:
 *  - IPMODIFY: for setting that address. ftrace lets nobody else redirect the
 *    same functions.
 *  - PERMANENT: kernel.ftrace_enabled=0 would otherwise take the hooks off under
 *    owned domains. With it, that write fails.
 *  - not RECURSION: what looks like a recursion, and is none (an interrupt, a
 *    tracer), would let the kernel's code run on an owned domain.
 *  - not SAVE_REGS: the arguments are all that is needed, and cost less.
 *
 * Rule: the callback is notrace and calls nothing that could be traced.
 *
 * Locks: none of its own. The caller does not attach and detach at once.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "calls.h"
#include "hook.h"
#include "owned.h"

/*
 * A function calls ftrace within so many bytes from its address: behind a
 * landing pad for indirect jumps, if there is one. No function that calls
 * ftrace is as short as that.
 */
#define ENTRY_BYTES	16

/* Our own text, so that our own calls are told from others. */
static unsigned long text_start __read_mostly;
static unsigned long text_size __read_mostly;

static __always_inline bool is_entry(unsigned long ip,
				     const struct iova_mt_call *call)
{
	return ip - (unsigned long)call->from < ENTRY_BYTES;
}

/* Where the function at @ip goes on, or 0. */
static __always_inline unsigned long target(unsigned long ip)
{
	const struct iova_mt_call *call;

	for (call = iova_mt_calls; call < iova_mt_calls + IOVA_MT_NR_CALLS; call++)
		if (is_entry(ip, call))
			return (unsigned long)call->to;
	return 0;
}

/*
 * In a domain that is not owned only its init is of interest. That is asked
 * first: while the hooks are attached, all domains pay for it.
 */
static void notrace redirect(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct iova_domain *iovad;
	unsigned long to;

	iovad = (const struct iova_domain *)ftrace_regs_get_argument(fregs, 0);
	if (!iova_mt_owned_of(iovad) &&
	    !is_entry(ip, &iova_mt_calls[IOVA_MT_CALL_INIT]))
		return;
	if (parent_ip - text_start < text_size)
		return;
	to = target(ip);
	if (to)
		ftrace_regs_set_instruction_pointer(fregs, to);
}

static struct ftrace_ops ops = {
	.func = redirect,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/* Never registered: only to ask ftrace something. */
static struct ftrace_ops probe;

/**
 * iova_mt_hook_is_dead() - has ftrace shut itself down?
 *
 * It does so when it has found an error in itself (ftrace_bug()). It never works
 * again, and the kernel's functions go on calling whoever was attached. There is
 * no function that says so, but a filter cannot be set any more.
 *
 * Context: Process, may sleep.
 * Return: true when it has.
 */
bool iova_mt_hook_is_dead(void)
{
	return ftrace_set_filter_ip(&probe, (unsigned long)iova_mt_calls[0].from,
				    0, 1) == -ENODEV;
}

static void explain(int error)
{
	if (error == -EBUSY)
		pr_err("takeover: cannot attach: one of the kernel's iova functions is held by a livepatch or another module that redirects it, or by a kprobe with a post_handler; or function tracing is off (kernel.ftrace_enabled=0)\n");
	else if (error == -ENODEV)
		pr_err("takeover: cannot attach: ftrace has shut itself down after an error, which is in the log before; only a restart of the machine helps\n");
	else
		pr_err("takeover: cannot attach to the kernel's iova functions: %pe\n",
		       ERR_PTR(error));
}

/**
 * iova_mt_hook_attach() - redirect the kernel's functions
 * @stuck: set when it failed so badly that some of them may be redirected for
 *	good
 *
 * All or nothing, but for @stuck. A failure is explained in the log.
 *
 * Context: Process, may sleep.
 * Return: 0; -EBUSY when somebody else redirects one of them or ftrace is
 * switched off; -ENODEV when ftrace has shut itself down; -EINVAL when one cannot
 * be traced; -ENOMEM.
 */
int iova_mt_hook_attach(bool *stuck)
{
	unsigned long from[IOVA_MT_NR_CALLS];
	unsigned int i;
	int ret;

	text_start = (unsigned long)THIS_MODULE->mem[MOD_TEXT].base;
	text_size = THIS_MODULE->mem[MOD_TEXT].size;
	for (i = 0; i < IOVA_MT_NR_CALLS; i++)
		from[i] = (unsigned long)iova_mt_calls[i].from;

	ret = ftrace_set_filter_ips(&ops, from, IOVA_MT_NR_CALLS, 0, 1);
	if (!ret) {
		ret = register_ftrace_function(&ops);
		/* It was alive a moment ago: it died of this. */
		*stuck = ret == -ENODEV;
	}
	if (ret)
		explain(ret);
	return ret;
}

/**
 * iova_mt_hook_detach() - undo iova_mt_hook_attach()
 *
 * No domain is owned. Afterwards nobody is in our functions any more; after a
 * failure the kernel's functions go on coming here.
 *
 * Context: Process, may sleep; not from within one of the functions.
 * Return: 0; -ENODEV when ftrace has shut itself down, perhaps while it did this.
 */
int iova_mt_hook_detach(void)
{
	int ret = unregister_ftrace_function(&ops);

	if (!ret && iova_mt_hook_is_dead())
		ret = -ENODEV;
	if (ret)
		return ret;
	iova_mt_calls_wait();
	return 0;
}

/**
 * iova_mt_hook_exit() - free what attaching has allocated
 *
 * Not attached, and never to be again: ftrace frees the filter, but does not
 * forget it.
 *
 * Context: Process, may sleep.
 */
void iova_mt_hook_exit(void)
{
	ftrace_free_filter(&ops);
	ftrace_free_filter(&probe);
}

/* As ftrace has it, whatever the takeover believes. */
static const char *is_hooked(void)
{
	if (READ_ONCE(ops.flags) & FTRACE_OPS_FL_ENABLED)
		return "yes";
	return iova_mt_hook_is_dead() ? "unknown" : "no";
}

/**
 * iova_mt_hook_show() - print the functions
 * @m: where to
 *
 * Context: Process, may sleep.
 */
void iova_mt_hook_show(struct seq_file *m)
{
	const char *hooked = is_hooked();
	unsigned int i;

	for (i = 0; i < IOVA_MT_NR_CALLS; i++)
		seq_printf(m, "%ps: %pK hooked: %s\n", iova_mt_calls[i].from,
			   iova_mt_calls[i].from, hooked);
}
