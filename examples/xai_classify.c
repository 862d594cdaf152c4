/* SPDX-License-Identifier: MIT
 * xai classify: the classes that a network sees in pictures. */
#include <stdlib.h>

#include "xai_cli.h"

/* One picture's answer. */
typedef struct class_answer {
    const float *logits;
    double *probabilities;
    size_t n_classes, top;
} class_answer;

/* The largest probability below that of class last (all: SIZE_MAX); ties by index. Five passes over the classes for
 * five lines are quicker than sorting them. */
static size_t next_best(const class_answer *answer, size_t last)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < answer->n_classes; i++) {
        float logit = answer->logits[i];
        bool open = last == SIZE_MAX || logit < answer->logits[last] || (logit == answer->logits[last] && i > last);
        if (open && (best == SIZE_MAX || logit > answer->logits[best]))
            best = i;
    }
    return best;
}

static size_t how_many(const cli_args *cli, const class_answer *answer)
{
    size_t wanted = cli->top > 0 ? (size_t)cli->top : 5;

    return wanted < answer->n_classes ? wanted : answer->n_classes;
}

/* A label is null where the model has none, so that a reader can tell it from a class that is called "class 3". */
static int print_json(const cli_args *cli, const cli_subject *subject, const char *path, const class_answer *answer)
{
    json_object *document = json_object_new_object();
    json_object *list = json_object_new_array();
    size_t index = SIZE_MAX;

    for (size_t i = 0; i < how_many(cli, answer) && (index = next_best(answer, index)) != SIZE_MAX; i++) {
        const char *label = xai_model_label(subject->model, (int64_t)index);
        json_object *row = json_object_new_object();

        json_object_object_add(row, "index", json_object_new_int64((int64_t)index));
        json_object_object_add(row, "label", label != NULL ? json_object_new_string(label) : NULL);
        json_object_object_add(row, "probability", cli_json_number(answer->probabilities[index]));
        json_object_object_add(row, "logit", cli_json_number((double)answer->logits[index]));
        json_object_array_add(list, row);
    }
    json_object_object_add(document, "image", json_object_new_string(path));
    json_object_object_add(document, "model", json_object_new_string(xai_model_architecture(subject->model)));
    json_object_object_add(document, "predictions", list);
    return cli_json_print(cli, document);
}

/* The first line is the tutorial's, word for word. */
static void print_list(const cli_args *cli, const cli_subject *subject, const class_answer *answer)
{
    char buffer[32];
    size_t index = SIZE_MAX;

    printf("Prediction: %s\n", cli_label(subject->model, answer->top, buffer, sizeof buffer));
    for (size_t i = 0; i < how_many(cli, answer) && (index = next_best(answer, index)) != SIZE_MAX; i++)
        printf("%7.2f%%  %s\n", 100 * answer->probabilities[index],
               cli_label(subject->model, index, buffer, sizeof buffer));
}

/* Of one picture all that there is to say, of several a line each. */
static int print_answer(const cli_args *cli, const cli_subject *subject, const char *path, const class_answer *answer)
{
    char buffer[32];

    if (cli->json)
        return print_json(cli, subject, path, answer);
    if (cli->operands.count == 1)
        print_list(cli, subject, answer);
    else
        printf("%s: %s (%.2f%%)\n", path, cli_label(subject->model, answer->top, buffer, sizeof buffer),
               100 * answer->probabilities[answer->top]);
    return CLI_GO_ON;
}

static int classify(const cli_args *cli, const cli_subject *subject, const char *path)
{
    xai_tensor *logits = NULL;
    class_answer answer = { .n_classes = xai_model_n_classes(subject->model) };
    int status = cli_look(cli, subject, path, &logits);

    if (status == CLI_GO_ON) {
        answer.logits = xai_tensor_data(logits);
        answer.probabilities = cli_softmax(answer.logits, answer.n_classes, &answer.top);
        status = answer.probabilities != NULL ? print_answer(cli, subject, path, &answer)
                                              : cli_fail(cli, "%s: out of memory", path);
    }
    free(answer.probabilities);
    xai_tensor_unref(logits);
    return status;
}

int cli_classify(const cli_args *cli)
{
    cli_subject subject = { 0 };
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);
    bool opened = status == CLI_GO_ON;

    /* A picture that fails has told so; the rest go on, and the exit code remembers. */
    for (size_t i = 0; opened && i < cli->operands.count; i++) {
        if (classify(cli, &subject, cli->operands.items[i]) != CLI_GO_ON)
            status = CLI_FAILED;
    }
    cli_close(&subject);
    return status;
}
