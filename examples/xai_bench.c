/* SPDX-License-Identifier: MIT
 * xai bench: how long the whole network takes, and a class activation map, on random input. */
#include <stdlib.h>

#include "xai_cli.h"

typedef struct bench_timing {
    const char *what;
    double least, median; /* seconds */
} bench_timing;

/* One timed run. */
typedef int (*round_fn)(const cli_args *cli, const cli_subject *subject, const xai_tensor *input);

static int forward(const cli_args *cli, const cli_subject *subject, const xai_tensor *input)
{
    xai_tensor *logits = NULL;

    if (xai_session_forward(&logits, subject->session, input) != XAI_OK)
        return cli_fail_library(cli);
    xai_tensor_unref(logits);
    return CLI_GO_ON;
}

/* With what a user waits for: making the cam is part of it. */
static int explain(const cli_args *cli, const cli_subject *subject, const xai_tensor *input)
{
    xai_cam *cam = NULL;
    xai_attribution *attribution = NULL;
    int status = CLI_GO_ON;

    if (xai_cam_create(&cam, subject->session, NULL) != XAI_OK ||
        xai_cam_compute(&attribution, cam, input, NULL, 0) < XAI_OK)
        status = cli_fail_library(cli);
    xai_attribution_unref(attribution);
    xai_cam_unref(cam);
    return status;
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;

    return (difference > 0) - (difference < 0);
}

/* The least of the rounds is what the machine can do, the median what one gets; a mean would tell of other programs. */
static int measure(const cli_args *cli, const cli_subject *subject, const xai_tensor *input, round_fn run,
                   bench_timing *timing)
{
    size_t n_rounds = cli->rounds > 0 ? (size_t)cli->rounds : 20;
    double *seconds = calloc(n_rounds, sizeof *seconds);
    int status = seconds != NULL ? run(cli, subject, input)
                                 : cli_fail(cli, "out of memory"); /* the first makes plans */

    for (size_t i = 0; i < n_rounds && status == CLI_GO_ON; i++) {
        double start = cli_seconds();
        status = run(cli, subject, input);
        seconds[i] = cli_seconds() - start;
    }
    if (status == CLI_GO_ON) {
        qsort(seconds, n_rounds, sizeof *seconds, compare);
        timing->least = seconds[0];
        timing->median = (seconds[(n_rounds - 1) / 2] + seconds[n_rounds / 2]) / 2;
    }
    free(seconds);
    return status;
}

/* Uniform in [-2, 2), about the range of a prepared picture. */
static int make_input(xai_tensor **out, const cli_args *cli, const cli_subject *subject, int64_t n_images)
{
    int64_t shape[4] = { 0 };
    size_t rank = xai_model_input_shape(subject->model, shape, 4);
    uint64_t state = cli->seed;
    float *data;

    shape[0] = n_images;
    if (xai_tensor_create(out, subject->context, shape, rank) != XAI_OK)
        return cli_fail_library(cli);
    data = xai_tensor_data(*out);
    for (size_t i = 0; i < xai_tensor_size(*out); i++) {
        /* Knuth's linear congruence: its upper 24 bits, 22 of them behind the point. */
        state = state * 6364136223846793005u + 1442695040888963407u;
        data[i] = (float)(state >> 40) * 0x1p-22f - 2;
    }
    return CLI_GO_ON;
}

/* Threads that a pass uses, whether asked for or chosen by the library; times mean little without. 0: out of memory. */
static int count_threads(const cli_subject *subject)
{
    json_object *document = cli_json_context(subject), *threads;
    int n = document != NULL && json_object_object_get_ex(document, "threads", &threads) ? json_object_get_int(threads)
                                                                                         : 0;

    json_object_put(document);
    return n;
}

/* Pictures a second by the median: the least time would promise what nobody gets. */
static void print_text(const cli_args *cli, const cli_subject *subject, int32_t batch, const bench_timing *timings,
                       size_t count)
{
    const int n_threads = count_threads(subject);

    printf("%s, %d rounds, %d thread%s\n", xai_model_architecture(subject->model), cli->rounds > 0 ? cli->rounds : 20,
           n_threads, n_threads == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        int32_t images = i == 0 ? batch : 1;
        printf("%-8s %d image%s: min %.3f ms, median %.3f ms, %.1f images/s\n", timings[i].what, images,
               images > 1 ? "s" : "", 1e3 * timings[i].least, 1e3 * timings[i].median, images / timings[i].median);
    }
}

static int print_json(const cli_args *cli, const cli_subject *subject, int32_t batch, const bench_timing *timings,
                      size_t count)
{
    json_object *document = json_object_new_object();
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < count; i++) {
        json_object *row = json_object_new_object();
        json_object_object_add(row, "what", json_object_new_string(timings[i].what));
        json_object_object_add(row, "images", json_object_new_int(i == 0 ? batch : 1));
        json_object_object_add(row, "min_seconds", cli_json_number(timings[i].least));
        json_object_object_add(row, "median_seconds", cli_json_number(timings[i].median));
        json_object_array_add(list, row);
    }
    json_object_object_add(document, "model", json_object_new_string(xai_model_architecture(subject->model)));
    json_object_object_add(document, "rounds", json_object_new_int(cli->rounds > 0 ? cli->rounds : 20));
    json_object_object_add(document, "threads", json_object_new_int(count_threads(subject)));
    json_object_object_add(document, "timings", list);
    return cli_json_print(cli, document);
}

/* Weights may be random: kernels take the same time for any ordinary number. Maps are made of one picture at a
 * time, so --batch is not theirs. */
int cli_bench(const cli_args *cli)
{
    cli_subject subject = { 0 };
    xai_tensor *input = NULL, *single = NULL;
    bench_timing timings[2] = { { .what = "forward" }, { .what = "cam" } };
    int32_t batch = cli->batch > 0 ? cli->batch : 1;
    int status = cli_open(&subject, cli, CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = make_input(&input, cli, &subject, batch);
    if (status == CLI_GO_ON)
        status = measure(cli, &subject, input, forward, &timings[0]);
    if (status == CLI_GO_ON && cli->explain)
        status = make_input(&single, cli, &subject, 1);
    if (status == CLI_GO_ON && cli->explain)
        status = measure(cli, &subject, single, explain, &timings[1]);
    if (status == CLI_GO_ON && cli->json)
        status = print_json(cli, &subject, batch, timings, cli->explain ? 2 : 1);
    else if (status == CLI_GO_ON)
        print_text(cli, &subject, batch, timings, cli->explain ? 2 : 1);
    xai_tensor_unref(single);
    xai_tensor_unref(input);
    cli_close(&subject);
    return status;
}
