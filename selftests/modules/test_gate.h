/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate: real allocation failures, of tree nodes.
 */
#ifndef _IOVA_MT_TEST_GATE_H
#define _IOVA_MT_TEST_GATE_H

#include <linux/gfp_types.h>
#include <linux/types.h>

struct kmem_cache;
struct test;
struct task_struct;

/* It opens by itself then: a loop is a failure, no hang. */
#define MAX_REFUSALS	1000

enum gate_mode {
	GATE_OPEN,
	GATE_LEARN,	/* remember the cache that is asked */
	GATE_COUNT,	/* let all pass */
	GATE_PARTIAL,	/* refuse requests for several nodes */
	GATE_ATOMIC,	/* refuse those that cannot wait */
	GATE_ALL,	/* refuse all */
};

/**
 * struct gate - who is refused what
 * @mode: what is done; read by the probes, set last and cleared first
 * @task: for whom
 * @interrupt: for an interrupt of it, not for itself
 * @cache: of tree nodes
 * @asked: requests
 * @several: those for several nodes
 * @locks: calls that interrupts must not make
 * @irqs_on: requests that were made with interrupts on
 * @irqs_off: and with interrupts off
 * @others: requests for other memory than nodes
 * @refused: those refused
 * @gfp: all flags that were asked with
 */
struct gate {
	enum gate_mode mode;
	struct task_struct *task;
	bool interrupt;
	struct kmem_cache *cache;
	unsigned int asked;
	unsigned int several;
	unsigned int locks;
	unsigned int irqs_on;
	unsigned int irqs_off;
	unsigned int others;
	unsigned int refused;
	gfp_t gfp;
};

extern struct gate gate;

void gate_init(void);
void gate_exit(void);
void gate_close(enum gate_mode mode);
void gate_open(void);
bool gate_is_there(struct test *t);
bool gate_has_sheaves(void);

#endif /* _IOVA_MT_TEST_GATE_H */
