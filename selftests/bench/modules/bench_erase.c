// SPDX-License-Identifier: GPL-2.0-only
/*
 * Erases: those that fail on purpose, and what it takes to catch up.
 *
 * Locks: none.
 */
#include <iova_mt/fault.h>
#include <iova_mt/iova_mt.h>

#include "bench_clock.h"
#include "bench_contestant.h"
#include "bench_erase.h"

/**
 * bench_erase_arm() - let erases fail, all of them
 * @on: or none
 *
 * Context: Process.
 * Return: 0, or what iova_mt_fault_arm() returns.
 */
int bench_erase_arm(bool on)
{
	return iova_mt_fault_arm("fail_erase", on ? "1,100,0,-1" : "1,0,0,-1");
}

/**
 * bench_erase_drain() - erase what is deferred
 * @entry: the contestant
 * @drained: gets the backlog and the time
 *
 * The worker may come in between: what counts is what was erased here.
 *
 * Context: Process, sleeps.
 */
void bench_erase_drain(struct bench_entry *entry, struct bench_drained *drained)
{
	struct iova_mt_domain *domain = entry->domain;
	u64 begun;

	if (!domain || !domain->ops->backlog)
		return;
	bench_erase_arm(false);
	begun = bench_clock_cpu_ns();
	iova_mt_drain(domain);
	drained->ns = bench_clock_cpu_ns() - begun;
	domain->ops->backlog(domain, &drained->backlog);
	drained->ranges = drained->backlog.drained_by_request;
}
