/* SPDX-License-Identifier: MIT
 * The one reader of options structs: size first, zero is the default, an unknown tail must be zero. */
#ifndef XAI__CORE_OPTIONS_H
#define XAI__CORE_OPTIONS_H

#include <xai/api.h>

/* Copies what both sides know from in (NULL: all defaults) into out, which is zeroed first. name is for the message. */
xai_status xai__options_read(void *out, size_t size, const void *in, const char *name);

#define XAI__OPTIONS_READ(out, in) xai__options_read((out), sizeof *(out), (in), #in)

/* The same for structs that the caller hands in to be filled: how many bytes of size may be written to out. */
xai_status xai__options_room(size_t *room, size_t size, const void *out, const char *name);

#endif
