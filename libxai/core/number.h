/* SPDX-License-Identifier: MIT
 * Decimal numbers to and from text, whatever the locale says about decimal points. */
#ifndef XAI__CORE_NUMBER_H
#define XAI__CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Room for any number that these write, its NUL included. */
#define XAI__NUMBER_SIZE 32

/* Reads [+-]digits[.digits][e[+-]digits], correctly rounded; a point needs a digit on one side. False if the text is
 * anything else, longer than 512 bytes, or too large for a double. */
bool xai__number_read(double *out, const char *text, size_t length);

/* Writes the shortest text that reads back as the same number, as Python's repr(): 0.1, 1.0, 1e-05. Returns buffer.
 * Not for NaN and infinity. */
char *xai__number_write(char *buffer, double number);

/* The same for a float: 0.1f is 0.1 and not 0.10000000149011612. */
char *xai__number_write_float(char *buffer, float number);

#endif
