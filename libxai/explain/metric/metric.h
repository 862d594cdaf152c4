/* SPDX-License-Identifier: MIT
 * Metrics as their parts see them: a row of a table says how the map is read and what is computed of it. */
#ifndef XAI__EXPLAIN_METRIC_METRIC_H
#define XAI__EXPLAIN_METRIC_METRIC_H

#include <stdbool.h>

#include <xai/metrics.h>

/* What a metric makes of a map's values before it looks at them. */
enum xai__reading { XAI__READ_AS_IS, XAI__READ_POSITIVE, XAI__READ_MAGNITUDE };

/* A map under measurement. */
typedef struct xai__measured {
    xai_context *context;
    double *values; /* as they are read */
    size_t n, height, width;
    bool *inside;    /* the region; NULL: none */
    size_t n_inside; /* neither none nor all */
    uint32_t *order; /* indices, largest value first; NULL where the metric asks for none */
    uint32_t tolerance, k;
} xai__measured;

/* Metrics of one map. */
double xai__metric_sparseness(const xai__measured *m);
double xai__metric_complexity(const xai__measured *m);
double xai__metric_effective_complexity(const xai__measured *m);
double xai__metric_pointing_game(const xai__measured *m);
double xai__metric_relevance_mass(const xai__measured *m);
double xai__metric_relevance_rank(const xai__measured *m);
double xai__metric_top_k(const xai__measured *m);
double xai__metric_localisation_auc(const xai__measured *m);

/* Reads the map into new memory. XAI_FLAT if the values are all the same then. */
xai_status xai__metric_read(double **out, xai_context *context, const xai_tensor *map, enum xai__reading reading);

/* Fails unless map is H x W; name says which one it is. */
xai_status xai__metric_check_rank(const xai_tensor *map, const char *name);

/* Options, with their defaults put in. is_quantus: that profile is asked for. */
xai_status xai__metric_read_options(xai_metric_options *out, const xai_metric_options *options, size_t n_elements);

/* XAI_E_NOT_FOUND with the list of names, which lie stride bytes apart. */
xai_status xai__metric_unknown(xai_context *context, const char *kind, const char *name, const void *first, size_t n,
                               size_t stride);

/* Structural similarity of two maps of at least XAI__SSIM_WINDOW rows and columns. */
enum { XAI__SSIM_WINDOW = 7 };
xai_status xai__metric_ssim(double *out, xai_context *context, const double *a, const double *b, size_t height,
                            size_t width);

/* Correlation of n pairs; NaN where one side is the same everywhere. */
double xai__metric_pearson(const double *a, const double *b, size_t n);

#endif
