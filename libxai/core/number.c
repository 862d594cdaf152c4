/* SPDX-License-Identifier: MIT
 * Decimal numbers to and from text. The C library's functions are only ever shown digits and an exponent, never a
 * decimal point, since its shape depends on the locale. */
#include "core/number.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 512, MOST_EXPONENT = 100000 };

/* 0.digits * 10^point, without leading zeros */
typedef struct decimal {
    char digits[LONGEST + 16]; /* room for an exponent behind them */
    int count;
    int point;
    bool negative;
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Zeros in front only move the point. */
static void add_digit(decimal *d, char digit, bool after_point)
{
    if (d->count == 0 && digit == '0') {
        d->point -= after_point;
        return;
    }
    d->digits[d->count++] = digit;
    d->point += !after_point;
}

/* Far beyond what a double holds the exponent stands still, so that it cannot overflow. */
static const char *scan_exponent(decimal *d, const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    int value = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && is_digit(*at); at++)
        if (value < MOST_EXPONENT)
            value = value * 10 + (*at - '0');
    d->point += negative ? -value : value;
    return at;
}

static bool scan(decimal *d, const char *at, const char *end)
{
    bool any = false;

    d->negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    for (; at < end && is_digit(*at); at++, any = true)
        add_digit(d, *at, false);
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at); at++, any = true)
            add_digit(d, *at, true);
    if (any && at < end && (*at == 'e' || *at == 'E'))
        at = scan_exponent(d, at + 1, end);
    return any && at == end;
}

/* Up to 15 digits and a power of ten up to 10^22 are exact doubles, so one operation rounds correctly. */
static bool convert_quickly(double *out, const decimal *d)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    int exponent = d->point - d->count;
    int64_t mantissa = 0;

    if (FLT_EVAL_METHOD != 0 || d->count > 15 || exponent < -22 || exponent > 22)
        return false;
    for (int i = 0; i < d->count; i++)
        mantissa = mantissa * 10 + (d->digits[i] - '0');
    *out = exponent < 0 ? (double)mantissa / powers[-exponent] : (double)mantissa * powers[exponent];
    return true;
}

/* The library rounds correctly, and "123e-2" means the same in every locale. */
static double convert(decimal *d)
{
    double value;

    if (d->count == 0)
        return 0.0;
    if (convert_quickly(&value, d))
        return value;
    snprintf(d->digits + d->count, sizeof d->digits - (size_t)d->count, "e%d", d->point - d->count);
    return strtod(d->digits, NULL);
}

/* An overlong number is refused rather than cut: digits beyond LONGEST could decide how it rounds. */
bool xai__number_read(double *out, const char *text, size_t length)
{
    decimal d;
    double value;

    d.count = d.point = 0;
    if (length > LONGEST || !scan(&d, text, text + length))
        return false;
    value = convert(&d);
    if (!isfinite(value))
        return false;
    *out = d.negative ? -value : value;
    return true;
}

/* The number's first `count` digits, correctly rounded. */
static void take_digits(decimal *d, double number, int count)
{
    char text[64];
    const char *at = text;

    snprintf(text, sizeof text, "%.*e", count - 1, number);
    d->count = 0;
    for (; *at != 'e'; at++)
        if (is_digit(*at))
            d->digits[d->count++] = *at;
    d->point = 1 + (int)strtol(at + 1, NULL, 10);
}

/* The test of a shortest text. */
static bool reads_back(const decimal *d, double number, bool is_float)
{
    char text[64];

    snprintf(text, sizeof text, "%.*se%d", d->count, d->digits, d->point - d->count);
    return is_float ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number;
}

/* d.ddde+xx, as Python writes it. */
static char *put_scientific(char *buffer, char *to, const decimal *d)
{
    *to++ = d->digits[0];
    if (d->count > 1) {
        *to++ = '.';
        memcpy(to, d->digits + 1, (size_t)d->count - 1);
        to += d->count - 1;
    }
    snprintf(to, XAI__NUMBER_SIZE - (size_t)(to - buffer), "e%c%02d", d->point > 0 ? '+' : '-', abs(d->point - 1));
    return buffer;
}

static char *put_zeros(char *to, int count)
{
    for (; count > 0; count--)
        *to++ = '0';
    return to;
}

static char *put_digits(char *to, const decimal *d, int first, int last)
{
    for (; first < last && first < d->count; first++)
        *to++ = d->digits[first];
    return to;
}

/* Digits around a point, with a zero on whichever side has none: 0.5, 100.0. */
static char *put_plain(char *buffer, char *to, const decimal *d)
{
    int whole = d->point > 0 ? d->point : 0;

    to = whole > 0 ? put_digits(to, d, 0, whole) : put_zeros(to, 1);
    to = put_zeros(to, whole - d->count);
    *to++ = '.';
    to = put_zeros(to, -d->point);
    to = d->count > whole ? put_digits(to, d, whole, d->count) : put_zeros(to, 1);
    *to = '\0';
    return buffer;
}

static char *write_shortest(char *buffer, double number, bool is_float)
{
    /* So many digits survive text -> number -> text, so that dropping zeros at their end finds the shortest text;
     * denormal numbers have fewer. */
    double normal = is_float ? (double)FLT_MIN : DBL_MIN;
    int most = is_float ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    int count = fabs(number) < normal ? 1 : is_float ? FLT_DIG : DBL_DIG;
    char *to = buffer;
    decimal d;

    if (signbit(number))
        *to++ = '-';
    number = fabs(number);
    if (number == 0.0) {
        memcpy(to, "0.0", 4);
        return buffer;
    }
    /* Each try is correctly rounded, so the first that reads back is the shortest. */
    for (take_digits(&d, number, count); count < most && !reads_back(&d, number, is_float);)
        take_digits(&d, number, ++count);
    while (d.count > 1 && d.digits[d.count - 1] == '0')
        d.count--;
    if (d.point < -3 || d.point > 16) /* below 1e-4 and from 1e16 on, as repr() in Python */
        return put_scientific(buffer, to, &d);
    return put_plain(buffer, to, &d);
}

char *xai__number_write(char *buffer, double number)
{
    return write_shortest(buffer, number, false);
}

char *xai__number_write_float(char *buffer, float number)
{
    return write_shortest(buffer, (double)number, true);
}
