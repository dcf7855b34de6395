/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls: what runs in place of the kernel's functions for owned domains.
 */
#ifndef _IOVA_MT_CALLS_H
#define _IOVA_MT_CALLS_H

struct seq_file;

/* The entry points of the kernel's iova API, the most frequent first. */
enum iova_mt_call_id {
	IOVA_MT_CALL_ALLOC_FAST,
	IOVA_MT_CALL_FREE_FAST,
	IOVA_MT_CALL_ALLOC,
	IOVA_MT_CALL_FREE,
	IOVA_MT_CALL_FIND,
	IOVA_MT_CALL_FREE_OBJECT,
	IOVA_MT_CALL_RESERVE,
	IOVA_MT_CALL_INIT,
	IOVA_MT_CALL_INIT_RCACHES,
	IOVA_MT_CALL_PUT,
	IOVA_MT_NR_CALLS,
};

/**
 * struct iova_mt_call - one function
 * @from: the kernel's; its first argument is the struct iova_domain
 * @to: ours, of the same type. For owned domains only, except that of
 *	IOVA_MT_CALL_INIT
 */
struct iova_mt_call {
	void *from;
	void *to;
};

extern const struct iova_mt_call iova_mt_calls[IOVA_MT_NR_CALLS];

int iova_mt_calls_init(void);
void iova_mt_calls_exit(void);
void iova_mt_calls_wait(void);
void iova_mt_calls_show(struct seq_file *m);

#endif /* _IOVA_MT_CALLS_H */
