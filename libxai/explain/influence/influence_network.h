/* SPDX-License-Identifier: MIT
 * A network's gradients with respect to some of its parameters, example by example. */
#ifndef XAI__EXPLAIN_INFLUENCE_INFLUENCE_NETWORK_H
#define XAI__EXPLAIN_INFLUENCE_INFLUENCE_NETWORK_H

#include "explain/influence/influence.h"

/* One checkpoint and the parameters that are looked at. */
typedef struct xai__network {
    const xai_training *training;
    xai_session *session; /* the training set's, or of changed parameters */
    int32_t *parameters;  /* values */
    size_t n_parameters;
    size_t n;          /* their elements */
    size_t n_at_once;  /* pictures whose gradients fit into the budget */
    float *inputs;     /* every training picture prepared, NULL where that is too much */
    size_t input_size; /* elements of one */
    uint64_t budget;   /* bytes of gradients */
} xai__network;

/* Finds the parameters by name; without names those of the layer that decides, or all. n_rows: gradients of a picture
 * that are held at once. Takes zeroed ones; fini takes half-made ones. */
xai_status xai__network_init(xai__network *network, const xai_training *training, const xai_influence *influence,
                             bool takes_all, size_t n_rows);
void xai__network_fini(xai__network *network);

/* Pictures first to first + n, or those listed, as they are fed; a new reference. */
xai_status xai__network_inputs(xai_tensor **out, const xai__network *network, const uint32_t *examples, size_t first,
                               size_t n);

/* Test pictures first to first + n of those that were given; a new reference. */
xai_status xai__network_tests(xai_tensor **out, const xai_tensor *inputs, size_t first, size_t n);

/* Gradients of the loss, or of every logit (labels NULL): out[(image * n_rows + row) * n + element], n_rows being 1 or
 * n_classes. */
xai_status xai__network_gradients(float *out, const xai__network *network, const xai_tensor *inputs,
                                  const int64_t *labels);

/* What is known about a test picture without its gradient. labels: -1 is replaced by the predicted class. */
xai_status xai__network_look(xai_influence_record *records, int64_t *labels, const xai__network *network,
                             const xai_tensor *inputs);

/* A session of the same network whose parameters are theirs plus step * v. */
xai_status xai__network_step(xai_session **out, const xai__network *network, const double *v, double step);

/* The parameters' own elements. */
void xai__network_parameters(double *out, const xai__network *network);

#endif
