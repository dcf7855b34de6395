// SPDX-License-Identifier: GPL-2.0
/*
 * Caller: who has called into this module.
 *
 * A function that is entered by a jump from one of the kernel's has the kernel
 * function's caller on the stack, as one that is called has its own. So the
 * stack says it for both. What tracers have put there in place of a return
 * address, the kernel's unwinder sees through.
 *
 * Locks: none.
 */
#include <linux/array_size.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "base/caller.h"

/* Deeper than that nothing of this module is called. */
#define DEPTH	16

const char *const iova_mt_caller_kind_names[] = {
	[IOVA_MT_CALLER_DMA_API] = "dma-iommu",
	[IOVA_MT_CALLER_MODULE] = "module",
	[IOVA_MT_CALLER_KERNEL] = "kernel",
};

#ifdef CONFIG_STACKTRACE
/* Return: an address inside of the first function that is not ours, or 0. */
static unsigned long first_foreign(void)
{
	unsigned long entries[DEPTH];
	unsigned int i, nr;

	nr = stack_trace_save(entries, ARRAY_SIZE(entries), 0);
	for (i = 0; i < nr; i++)
		if (!within_module(entries[i], THIS_MODULE))
			return entries[i] - 1;
	return 0;
}
#else
static unsigned long first_foreign(void)
{
	return 0;
}
#endif

/*
 * Nothing else that is built in and begins like that has a struct iova_domain.
 * Which function of dma-iommu it is depends on what the compiler has inlined.
 */
static bool is_dma_iommu(const char *function)
{
	return str_has_prefix(function, "iommu_");
}

/* @symbol: "function" or "function [module]", which is changed */
static void name_caller(struct iova_mt_caller *caller, char *symbol)
{
	char *module = strchr(symbol, '[');
	char *name = symbol;

	caller->kind = IOVA_MT_CALLER_KERNEL;
	if (module) {
		caller->kind = IOVA_MT_CALLER_MODULE;
		name = module + 1;
		name[strcspn(name, " ]")] = '\0';
	} else if (is_dma_iommu(symbol)) {
		caller->kind = IOVA_MT_CALLER_DMA_API;
	}
	strscpy(caller->name, name, sizeof(caller->name));
}

/**
 * iova_mt_caller_get() - find out who has called into this module
 * @caller: gets it; a nameless part of the kernel when it cannot be told
 *
 * Context: Process.
 */
void iova_mt_caller_get(struct iova_mt_caller *caller)
{
	unsigned long address = first_foreign();
	char symbol[KSYM_SYMBOL_LEN] = "";

	if (address)
		sprint_symbol_no_offset(symbol, address);
	if (!symbol[0])
		strscpy(symbol, "unknown", sizeof(symbol));
	name_caller(caller, symbol);
}
