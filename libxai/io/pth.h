/* SPDX-License-Identifier: MIT
 * torch's weight files: what reading the containers and walking what they hold share. */
#ifndef XAI__IO_PTH_H
#define XAI__IO_PTH_H

#include "io/pickle.h"
#include "io/weights_set.h"

/* Sorts the pickle's storages by key into order (room for n_storages); refuses one key with two types or sizes. */
xai_status xai__pth_sort_storages(const xai__pickle *pickle, uint32_t *order);

/* Bytes that a storage takes; refuses what overflows. */
xai_status xai__pth_storage_size(const xai__pickle *pickle, const xai__pickle_storage *storage, size_t *size);

/* Adds every tensor below the root to the set, named by its path. The storages' data is known. */
xai_status xai__pth_collect(xai__weights *set, xai__pickle *pickle);

/* A tensor as a weight: in its storage where it lies in order, else copied. */
xai_status xai__pth_view(xai__weights *set, const xai__pickle *pickle, const xai__pickle_tensor *tensor,
                         const char *name, xai__weight *weight);

#endif
