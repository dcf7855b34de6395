// SPDX-License-Identifier: GPL-2.0
/*
 * Takeover: when the kernel's domains are ours, and when no more.
 *
 * The hooks are attached when new domains shall be owned. They stay until no
 * domain is owned any more: an owned domain without hooks would be used by the
 * kernel's code, which knows nothing of its ranges. And when ftrace does not take
 * them off they stay for good, and so does the module.
 *
 * Locks: mutex, for all that is static here. It is never taken
 * by a hooked function: attaching and detaching wait for those.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "base/trace.h"
#include "calls.h"
#include "hook.h"
#include "leave.h"
#include "object.h"
#include "owned.h"
#include "takeover.h"

static DEFINE_MUTEX(mutex);
static enum iova_mt_takeover_mode current_mode;
static bool attached;
/* The hooks cannot be taken off any more, and the module never goes. */
static bool pinned;
/* Between init and exit; what is shown is there only then. */
static bool ready;
/* Exit has begun, and may be waiting. */
static bool leaving;
static const char *allocator_name;

static void pin_locked(void)
{
	lockdep_assert_held(&mutex);
	if (pinned)
		return;
	pinned = true;
	__module_get(THIS_MODULE);
	pr_err("takeover: ftrace has shut itself down after an error, which is in the log before: the kernel's iova functions stay redirected, and this module stays, until the machine is restarted; owned domains go on working\n");
}

/* Sooner than at the time to detach, when an unload may have begun. */
static void look_at_ftrace_locked(void)
{
	lockdep_assert_held(&mutex);
	if (attached && iova_mt_hook_is_dead())
		pin_locked();
}

static int attach_locked(void)
{
	bool stuck = false;
	int ret;

	lockdep_assert_held(&mutex);
	if (pinned) {
		pr_err("takeover: no more domains are taken over: ftrace has shut itself down, see the log before\n");
		return -ENODEV;
	}
	if (attached)
		return 0;
	ret = iova_mt_hook_attach(&stuck);
	trace_iova_mt_takeover_attach(ret);
	attached = !ret || stuck;
	if (stuck)
		pin_locked();
	if (ret)
		return ret;
	pr_info("takeover: attached, new domains are served by %s\n",
		allocator_name);
	return 0;
}

static void detach_if_idle_locked(void)
{
	int ret;

	lockdep_assert_held(&mutex);
	if (!attached || pinned || current_mode != IOVA_MT_TAKEOVER_OFF ||
	    iova_mt_owned_count())
		return;
	ret = iova_mt_hook_detach();
	trace_iova_mt_takeover_detach(ret);
	if (ret) {
		pin_locked();
		return;
	}
	attached = false;
	pr_info("takeover: detached\n");
}

/* A hooked function queues it: in there, nothing can be detached. */
static void idle(struct work_struct *work)
{
	mutex_lock(&mutex);
	detach_if_idle_locked();
	mutex_unlock(&mutex);
}

static DECLARE_WORK(idle_work, idle);

static int set_mode_locked(enum iova_mt_takeover_mode mode)
{
	int ret = 0;

	lockdep_assert_held(&mutex);
	/* It is off then, so that may be said. */
	if (leaving && mode != IOVA_MT_TAKEOVER_OFF) {
		pr_err("takeover: not while the module is being unloaded; valid: off\n");
		return -ESHUTDOWN;
	}
	look_at_ftrace_locked();
	if (mode == IOVA_MT_TAKEOVER_NEW)
		ret = attach_locked();
	if (ret)
		return ret;
	current_mode = mode;
	iova_mt_owned_accept(mode == IOVA_MT_TAKEOVER_NEW);
	detach_if_idle_locked();
	return 0;
}

/**
 * iova_mt_takeover_set_mode() - say which domains are taken over
 * @mode: the mode
 *
 * Off does not give back what is owned: it stays owned until its device gets
 * another domain.
 *
 * Context: Process, may sleep.
 * Return: 0; -ESHUTDOWN when the module is going, for all but off; -EBUSY,
 * -EINVAL, -ENODEV or -ENOMEM when the hooks cannot be attached, -EOPNOTSUPP when
 * this kernel has no means to: the log says why, and the mode stays as it was.
 */
int iova_mt_takeover_set_mode(enum iova_mt_takeover_mode mode)
{
	int ret;

	mutex_lock(&mutex);
	ret = set_mode_locked(mode);
	mutex_unlock(&mutex);
	return ret;
}

/**
 * iova_mt_takeover_get_mode() - say which domains are taken over
 *
 * Context: Any.
 * Return: the mode.
 */
enum iova_mt_takeover_mode iova_mt_takeover_get_mode(void)
{
	return READ_ONCE(current_mode);
}

static int init_locked(enum iova_mt_takeover_mode mode, const char *allocator)
{
	int ret;

	lockdep_assert_held(&mutex);
	allocator_name = allocator;
	iova_mt_owned_init(allocator, &idle_work);
	ret = iova_mt_calls_init();
	if (ret)
		return ret;
	ret = iova_mt_object_cache_init();
	if (ret)
		goto calls_exit;
	ret = set_mode_locked(mode);
	/* What is attached for good must not go, and so does not fail. */
	if (ret && !attached)
		goto hook_exit;
	ready = true;
	return 0;

hook_exit:
	iova_mt_hook_exit();
	iova_mt_object_cache_exit();
calls_exit:
	iova_mt_calls_exit();
	return ret;
}

/**
 * iova_mt_takeover_init() - make ready, and begin
 * @mode: the mode to begin with
 * @allocator: name of the allocator of owned domains, kept
 *
 * Context: Process, may sleep.
 * Return: 0, or as iova_mt_takeover_set_mode(). Then nothing is attached.
 */
int iova_mt_takeover_init(enum iova_mt_takeover_mode mode,
			  const char *allocator)
{
	int ret;

	mutex_lock(&mutex);
	ret = init_locked(mode, allocator);
	mutex_unlock(&mutex);
	return ret;
}

/**
 * iova_mt_takeover_exit() - end it
 *
 * Waits until no domain is owned, for ever if need be. When the hooks cannot be
 * taken off it does not return: whoever calls it would free what is called.
 *
 * Context: Process, may sleep.
 */
void iova_mt_takeover_exit(void)
{
	mutex_lock(&mutex);
	leaving = true;
	current_mode = IOVA_MT_TAKEOVER_OFF;
	iova_mt_owned_accept(false);
	mutex_unlock(&mutex);

	iova_mt_leave_wait_owned();
	cancel_work_sync(&idle_work);

	mutex_lock(&mutex);
	detach_if_idle_locked();
	if (attached) {
		mutex_unlock(&mutex);
		iova_mt_leave_never();
	}
	ready = false;
	iova_mt_hook_exit();
	iova_mt_object_cache_exit();
	iova_mt_calls_exit();
	mutex_unlock(&mutex);
}

static void show_state_locked(struct seq_file *m)
{
	unsigned int owned = iova_mt_owned_count();

	lockdep_assert_held(&mutex);
	look_at_ftrace_locked();
	seq_printf(m, "mode: %s\n",
		   current_mode == IOVA_MT_TAKEOVER_NEW ? "new" : "off");
	seq_printf(m, "attached: %s\n", attached ? "yes" : "no");
	seq_printf(m, "owned: %u\n", owned);
	seq_printf(m, "create_failed: %lu\n", iova_mt_owned_create_failed());
	seq_printf(m, "allocator: %s\n", allocator_name);
	iova_mt_leave_show(m, pinned, owned);
}

/**
 * iova_mt_takeover_show_state() - print what is the case
 * @m: where to
 *
 * Context: Process, may sleep.
 */
void iova_mt_takeover_show_state(struct seq_file *m)
{
	mutex_lock(&mutex);
	if (ready)
		show_state_locked(m);
	mutex_unlock(&mutex);
}

/**
 * iova_mt_takeover_show_functions() - print which functions can be redirected
 * @m: where to
 *
 * Context: Process, may sleep.
 */
void iova_mt_takeover_show_functions(struct seq_file *m)
{
	mutex_lock(&mutex);
	if (ready)
		iova_mt_hook_show(m);
	mutex_unlock(&mutex);
}

/**
 * iova_mt_takeover_show_calls() - print what was called on owned domains
 * @m: where to
 *
 * Context: Process, may sleep.
 */
void iova_mt_takeover_show_calls(struct seq_file *m)
{
	mutex_lock(&mutex);
	if (ready)
		iova_mt_calls_show(m);
	mutex_unlock(&mutex);
}
