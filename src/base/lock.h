/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lock: a spinlock that is taken irqsave, and can be measured.
 *
 * The lock itself may be anywhere, such as inside a maple tree; what was
 * measured of it lies beside it and is protected by it. While measuring is
 * switched off, which it is at first, taking and releasing cost what
 * spin_lock_irqsave() and spin_unlock_irqrestore() cost and a no-op each.
 */
#ifndef _IOVA_MT_LOCK_H
#define _IOVA_MT_LOCK_H

#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <iova_mt/ops.h>

/**
 * struct iova_mt_lock - what belongs to a lock that is measured
 * @stat: what was measured
 * @period: when: of the period of measuring that has this number
 * @asked: when the holder asked for the lock, ns
 * @got: when the holder got it, ns
 *
 * All 0 at first. Protected by the lock.
 */
struct iova_mt_lock {
	struct iova_mt_lock_stat stat;
	u64 period;
	u64 asked;
	u64 got;
};

DECLARE_STATIC_KEY_FALSE(iova_mt_lock_key);

unsigned long iova_mt_lock_take_measured(struct iova_mt_lock *lock,
					 spinlock_t *spinlock)
	__acquires(spinlock);
void iova_mt_lock_release_measured(struct iova_mt_lock *lock,
				   spinlock_t *spinlock, unsigned long flags)
	__releases(spinlock);
int iova_mt_lock_read(struct iova_mt_lock *lock, spinlock_t *spinlock,
		      struct iova_mt_lock_stat *stat);
void iova_mt_lock_measure(bool on);
bool iova_mt_lock_is_measured(void);

/**
 * iova_mt_lock_take() - spin_lock_irqsave(), measured when that is on
 * @lock: what belongs to @spinlock
 * @spinlock: the lock
 *
 * Context: Any that may take @spinlock.
 * Return: the flags for iova_mt_lock_release().
 */
static __always_inline unsigned long
iova_mt_lock_take(struct iova_mt_lock *lock, spinlock_t *spinlock)
	__acquires(spinlock)
{
	unsigned long flags;

	if (static_branch_unlikely(&iova_mt_lock_key))
		return iova_mt_lock_take_measured(lock, spinlock);
	spin_lock_irqsave(spinlock, flags);
	return flags;
}

/**
 * iova_mt_lock_release() - spin_unlock_irqrestore(), measured when that is on
 * @lock: what belongs to @spinlock
 * @spinlock: the lock
 * @flags: from iova_mt_lock_take()
 *
 * Context: Any, under @spinlock.
 */
static __always_inline void iova_mt_lock_release(struct iova_mt_lock *lock,
						 spinlock_t *spinlock,
						 unsigned long flags)
	__releases(spinlock)
{
	if (static_branch_unlikely(&iova_mt_lock_key))
		iova_mt_lock_release_measured(lock, spinlock, flags);
	else
		spin_unlock_irqrestore(spinlock, flags);
}

#endif /* _IOVA_MT_LOCK_H */
