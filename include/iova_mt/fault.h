/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iova_mt: fault points, as seen from a test module.
 *
 * The same points and the same knobs as the module parameters and the debugfs
 * directories of these names, for a test that has to switch them in the middle
 * of a run.
 */
#ifndef _IOVA_MT_FAULT_HOOK_H
#define _IOVA_MT_FAULT_HOOK_H

#include <linux/types.h>

/**
 * iova_mt_fault_arm() - set the knobs of a fault point
 * @name: its name, such as "fail_erase"
 * @arg: "<interval>,<probability>,<space>,<times>", as the parameter takes it;
 *	a probability of 0 switches the point off
 *
 * Counts of hits and of injected failures start at 0 again, so that the
 * decisions that follow depend on the seed and on @arg alone.
 *
 * Context: Process. The caller sees to it that nobody else arms points.
 * Return: 0; -ENOENT when there is no such point; -EINVAL when @arg is wrong.
 */
int iova_mt_fault_arm(const char *name, const char *arg);

/**
 * iova_mt_fault_filter() - only in one domain
 * @name: name of the fault point
 * @domain_id: number of the domain whose hits count; 0 for any, as at first
 *
 * Arming does not change it.
 *
 * Context: Process.
 * Return: 0; -ENOENT when there is no such point; -EINVAL when @domain_id is too
 * large for the knob.
 */
int iova_mt_fault_filter(const char *name, unsigned int domain_id);

/**
 * iova_mt_fault_name() - list the fault points
 * @nr: from 0 on
 *
 * Context: Any.
 * Return: the name of that point, or NULL when there are no more.
 */
const char *iova_mt_fault_name(unsigned int nr);

/**
 * iova_mt_fault_injected() - how many failures has a fault point made?
 * @name: its name
 *
 * Context: Process.
 * Return: failures since the point was last armed; -ENOENT when there is no such
 * point.
 */
s64 iova_mt_fault_injected(const char *name);

#endif /* _IOVA_MT_FAULT_HOOK_H */
