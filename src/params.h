/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parameters of the module. For src/main.c only.
 */
#ifndef _IOVA_MT_PARAMS_H
#define _IOVA_MT_PARAMS_H

int iova_mt_params_check(void);
int iova_mt_params_start(void);
void iova_mt_params_stop(void);

#endif /* _IOVA_MT_PARAMS_H */
