/* SPDX-License-Identifier: MIT
 * Sorting of indices: in place, never quadratic, so that hostile files cannot choose a bad order. */
#ifndef XAI__CORE_SORT_H
#define XAI__CORE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Negative, 0 or positive, as strcmp(), for what the indices a and b stand for. */
typedef int (*xai__compare_fn)(const void *user, uint32_t a, uint32_t b);

/* Sorts order[0 .. count - 1]; equal elements are left in ascending order of their indices. */
void xai__sort(uint32_t *order, size_t count, xai__compare_fn compare, const void *user);

#endif
