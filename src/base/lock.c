// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lock: how long one waits for it, and how long it is held.
 *
 * Responsible for the measuring and for its switch. Rules: what is measured is
 * written under the very lock that it is about, so that it costs no atomics and
 * a reader who takes the lock sees a snapshot. A lock that was taken before
 * measuring was switched on, or is released after it was switched off, is not
 * counted.
 *
 * Locks: the one that is measured, alone; the mutex of the switch.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "base/lock.h"

/* --- Data ----------------------------------------------------------------- */

DEFINE_STATIC_KEY_FALSE(iova_mt_lock_key);

/* Serialises those who switch; protects @last_period. */
static DEFINE_MUTEX(switch_mutex);
/* Each period of measuring has a number, from 1 on. */
static u64 last_period;
/*
 * That of now, or 0. It is set after the key and cleared before: the places
 * where locks are taken and released change one after the other, so that for a
 * moment a lock that was taken unmeasured is released as a measured one, with
 * the times of an earlier holder.
 */
static u64 period;

/* --- Internals ------------------------------------------------------------ */

/*
 * Who has the lock keeps interrupts off, but not on PREEMPT_RT: there it sleeps
 * for the lock, and can be preempted while it has it. So nothing here may turn
 * them off by itself, either.
 */
#define KEEPS_IRQS_OFF	(!IS_ENABLED(CONFIG_PREEMPT_RT))

/*
 * Safe in any context, unlike ktime_get(), and fine enough everywhere, unlike
 * local_clock(), which counts jiffies on some architectures.
 */
static u64 now_ns(void)
{
	return ktime_get_mono_fast_ns();
}

/* That clock may step back a little when its rate is adjusted. */
static u64 ns_between(u64 begin, u64 end)
{
	return end > begin ? end - begin : 0;
}

static void add(struct iova_mt_lock_times *times, u64 ns)
{
	unsigned int bucket = min(fls64(ns), IOVA_MT_LOCK_BUCKETS - 1);

	times->bucket[bucket]++;
	times->sum += ns;
	times->max = max(times->max, ns);
}

/* --- Interface ------------------------------------------------------------ */

/**
 * iova_mt_lock_take_measured() - the slow part of iova_mt_lock_take()
 * @lock: what belongs to @spinlock
 * @spinlock: the lock
 *
 * The clock is read once when the lock is free, and that is a wait of 0 ns.
 *
 * Context: Any that may take @spinlock.
 * Return: the flags for iova_mt_lock_release().
 */
unsigned long iova_mt_lock_take_measured(struct iova_mt_lock *lock,
					 spinlock_t *spinlock)
{
	unsigned long flags;
	u64 asked, got, now;

	if (spin_trylock_irqsave(spinlock, flags)) {
		asked = now_ns();
		got = asked;
	} else {
		asked = now_ns();
		spin_lock_irqsave(spinlock, flags);
		got = now_ns();
	}

	now = READ_ONCE(period);
	if (!now)
		return flags;
	/* The first of a period begins the table anew. */
	if (lock->period != now) {
		memset(&lock->stat, 0, sizeof(lock->stat));
		lock->period = now;
	}
	add(&lock->stat.wait, ns_between(asked, got));
	lock->asked = asked;
	lock->got = got;
	return flags;
}

/**
 * iova_mt_lock_release_measured() - the slow part of iova_mt_lock_release()
 * @lock: what belongs to @spinlock
 * @spinlock: the lock
 * @flags: from iova_mt_lock_take()
 *
 * Context: Any, under @spinlock.
 */
void iova_mt_lock_release_measured(struct iova_mt_lock *lock,
				   spinlock_t *spinlock, unsigned long flags)
{
	u64 of = READ_ONCE(period), now;

	lockdep_assert_held(spinlock);
	if (of && lock->period == of && lock->got) {
		now = now_ns();
		add(&lock->stat.hold, ns_between(lock->got, now));
		if (KEEPS_IRQS_OFF)
			lock->stat.irqs_off_max = max(lock->stat.irqs_off_max,
						      ns_between(lock->asked, now));
		lock->got = 0;
	}
	spin_unlock_irqrestore(spinlock, flags);
}

/**
 * iova_mt_lock_read() - read what was measured
 * @lock: what belongs to @spinlock
 * @spinlock: the lock, taken for a moment, which is not measured
 * @stat: gets a snapshot
 *
 * Context: Any that may take @spinlock.
 * Return: 0; -ENODATA when nothing was measured since measuring was last
 * switched on, or never.
 */
int iova_mt_lock_read(struct iova_mt_lock *lock, spinlock_t *spinlock,
		      struct iova_mt_lock_stat *stat)
{
	unsigned long flags;
	int ret = -ENODATA;

	spin_lock_irqsave(spinlock, flags);
	if (lock->period && lock->period == READ_ONCE(last_period)) {
		*stat = lock->stat;
		ret = 0;
	}
	spin_unlock_irqrestore(spinlock, flags);
	return ret;
}

/**
 * iova_mt_lock_measure() - switch measuring on or off
 * @on: which; on when it is on begins all tables anew
 *
 * What was measured can be read after it is off, until it is on again.
 *
 * Context: Process, may sleep.
 */
void iova_mt_lock_measure(bool on)
{
	mutex_lock(&switch_mutex);
	if (on) {
		static_branch_enable(&iova_mt_lock_key);
		WRITE_ONCE(last_period, last_period + 1);
		WRITE_ONCE(period, last_period);
	} else {
		WRITE_ONCE(period, 0);
		static_branch_disable(&iova_mt_lock_key);
	}
	mutex_unlock(&switch_mutex);
}

/**
 * iova_mt_lock_is_measured() - is it switched on?
 *
 * Context: Any.
 * Return: true when it is.
 */
bool iova_mt_lock_is_measured(void)
{
	return READ_ONCE(period);
}
