/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Owned domains: which struct iova_domain is ours.
 */
#ifndef _IOVA_MT_OWNED_H
#define _IOVA_MT_OWNED_H

#include <linux/err.h>
#include <linux/iova.h>
#include <linux/list.h>
#include <linux/types.h>

#include <iova_mt/iova_mt.h>

#include "base/caller.h"
#include "object.h"

struct seq_file;
struct work_struct;
struct task_struct;

/**
 * struct iova_mt_owned - what belongs to an owned struct iova_domain
 * @domain: who serves it
 * @objects: the objects that its users hold
 * @domain_id: number of @domain, 0 before there is one
 * @user: who has made the struct iova_domain, valid when there is a number
 * @iovad: the struct iova_domain
 * @creator: the task that is making @domain, NULL when it is made
 * @link: in the list of all
 */
struct iova_mt_owned {
	struct iova_mt_domain *domain;
	struct iova_mt_objects objects;
	unsigned int domain_id;
	struct iova_mt_caller user;
	struct iova_domain *iovad;
	struct task_struct *creator;
	struct list_head link;
};

void iova_mt_owned_init(const char *allocator, struct work_struct *idle);
void iova_mt_owned_accept(bool accept);
bool iova_mt_owned_wait(unsigned long timeout);
unsigned int iova_mt_owned_count(void);
unsigned long iova_mt_owned_create_failed(void);
unsigned int iova_mt_owned_near(const void *address);
unsigned int iova_mt_owned_next_other(unsigned int id,
				      struct iova_mt_caller *user);
void iova_mt_owned_show_others(struct seq_file *m);

void iova_mt_owned_create(struct iova_domain *iovad, unsigned long granule,
			  unsigned long start_pfn);
void iova_mt_owned_put(struct iova_mt_owned *owned);

/**
 * iova_mt_owned_tag() - what belongs to a domain of ours
 * @iovad: the domain, which is owned
 *
 * The tag is anchor.pfn_hi, which only iova.c reads. In a domain of the
 * kernel's own it is ~0UL, which is no pointer, for its whole life; in one of
 * ours it is the pointer.
 *
 * Context: Any.
 * Return: what belongs to it.
 */
static __always_inline struct iova_mt_owned *
iova_mt_owned_tag(const struct iova_domain *iovad)
{
	return (struct iova_mt_owned *)READ_ONCE(iovad->anchor.pfn_hi);
}

/**
 * iova_mt_owned_of() - is this domain ours?
 * @iovad: the domain
 *
 * Context: Any, a ftrace callback included.
 * Return: what belongs to it, or NULL.
 */
static __always_inline struct iova_mt_owned *
iova_mt_owned_of(const struct iova_domain *iovad)
{
	struct iova_mt_owned *tag = iova_mt_owned_tag(iovad);

	return IS_ERR_OR_NULL(tag) ? NULL : tag;
}

#endif /* _IOVA_MT_OWNED_H */
