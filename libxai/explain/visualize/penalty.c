/* SPDX-License-Identifier: MIT
 * Penalties: what is asked of a picture itself, counted negative, so that a positive weight makes it small. */
#include <math.h>
#include <string.h>

#include "explain/visualize/objective.h"

enum { N_PLANES = 3 };

/* 0 at 0: neighbours that are equal stay so. */
static double sign(double x)
{
    return (double)(x > 0) - (double)(x < 0);
}

/* The distance of two neighbours. */
static double add_difference(float *gradient, const float *picture, size_t from, size_t to, double share)
{
    double difference = (double)picture[to] - picture[from];

    gradient[to] -= (float)(share * sign(difference));
    gradient[from] += (float)(share * sign(difference));
    return fabs(difference);
}

/* -(sum over planes of |down - here| + |right - here|): a sum and no mean, so it grows with the picture. */
double xai__penalty_total_variation(float *gradient, const xai__term *term, const float *picture, size_t height,
                                    size_t width, double share)
{
    double sum = 0;

    for (size_t line = 0; line < N_PLANES * height; line++)
        for (size_t x = 0; x < width; x++) {
            size_t at = line * width + x;

            if (x + 1 < width)
                sum += add_difference(gradient, picture, at, at + 1, share);
            if (line % height + 1 < height)
                sum += add_difference(gradient, picture, at, at + width, share);
        }
    return -sum;
}

/* -sum |x - parameter|. */
double xai__penalty_l1(float *gradient, const xai__term *term, const float *picture, size_t height, size_t width,
                       double share)
{
    double sum = 0;

    for (size_t i = 0; i < N_PLANES * height * width; i++) {
        double distance = (double)picture[i] - term->spec.parameter;

        sum += fabs(distance);
        gradient[i] -= (float)(share * sign(distance));
    }
    return -sum;
}

/* -sqrt(1e-6 + sum (x - parameter)^2): lucid's addend keeps the root's slope finite. */
double xai__penalty_l2(float *gradient, const xai__term *term, const float *picture, size_t height, size_t width,
                       double share)
{
    double sum = 1e-6, length;

    for (size_t i = 0; i < N_PLANES * height * width; i++) {
        double distance = (double)picture[i] - term->spec.parameter;

        sum += distance * distance;
    }
    length = sqrt(sum);
    for (size_t i = 0; i < N_PLANES * height * width; i++)
        gradient[i] -= (float)(share / length * ((double)picture[i] - term->spec.parameter));
    return -length;
}

/* The mean of a pixel, counted twice, and those of its eight neighbours that there are. */
static float blurred(const float *plane, size_t height, size_t width, size_t y, size_t x)
{
    float sum = plane[y * width + x], weight = 1;

    for (size_t r = y > 0 ? y - 1 : 0; r <= y + 1 && r < height; r++)
        for (size_t c = x > 0 ? x - 1 : 0; c <= x + 1 && c < width; c++) {
            sum += plane[r * width + c];
            weight += 1;
        }
    return sum / weight;
}

/* -1/2 sum (x - blurred x)^2. The blurred picture counts as given, as in the originals, so that pixels follow their
 * neighbours and not the other way round. */
double xai__penalty_blur(float *gradient, const xai__term *term, const float *picture, size_t height, size_t width,
                         double share)
{
    double sum = 0;

    for (size_t plane = 0; plane < N_PLANES; plane++)
        for (size_t i = 0; i < height * width; i++) {
            size_t at = plane * height * width + i;
            double difference = (double)picture[at] -
                                blurred(picture + plane * height * width, height, width, i / width, i % width);

            sum += difference * difference;
            gradient[at] -= (float)(share * difference);
        }
    return -0.5 * sum;
}
