/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files: what the files in debugfs have in common. For src/instruments only.
 */
#ifndef _IOVA_MT_FILES_H
#define _IOVA_MT_FILES_H

#include <linux/types.h>

struct dentry;
struct iova_mt_backlog;
struct iova_mt_domain;
struct seq_file;

/* Longest word that any of the files takes, with its final 0. */
#define IOVA_MT_FILES_WORD_SIZE	32

int iova_mt_files_word(char word[IOVA_MT_FILES_WORD_SIZE],
		       const char __user *from, size_t count);
int iova_mt_files_choice(const char *name, const char *const *words, size_t nr,
			 const char __user *from, size_t count);
void iova_mt_files_counters(struct seq_file *m, const char *prefix,
			    const char *const *names, const u64 *values,
			    unsigned int nr);
void iova_mt_files_backlog(struct seq_file *m,
			   const struct iova_mt_backlog *backlog);

/* Directories and files: each made once, removed with the root. */
void iova_mt_knobs_create(struct dentry *root);
void iova_mt_lock_stat_create(struct dentry *root);
void iova_mt_lock_stat_create_domain(struct dentry *dir,
				     struct iova_mt_domain *domain);
void iova_mt_listing_create(struct dentry *root);
void iova_mt_listing_forget(void);

#endif /* _IOVA_MT_FILES_H */
