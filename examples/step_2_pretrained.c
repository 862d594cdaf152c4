/* SPDX-License-Identifier: MIT
 * The tutorial's step 2: a pretrained network says what is in a photograph. */
#include "xai_cli.h"

/* No softmax: the class with the largest logit has the largest probability. */
static int predict(const cli_args *cli, const cli_subject *subject, const xai_tensor *input)
{
    xai_tensor *logits = NULL;
    size_t n_classes = xai_model_n_classes(subject->model), best = 0;
    char buffer[32];

    if (xai_session_forward(&logits, subject->session, input) != XAI_OK)
        return cli_fail_library(cli);
    for (size_t i = 1; i < n_classes; i++) {
        if (xai_tensor_data(logits)[i] > xai_tensor_data(logits)[best])
            best = i;
    }
    xai_tensor_unref(logits);
    printf("Prediction: %s\n", cli_label(subject->model, best, buffer, sizeof buffer));
    return CLI_GO_ON;
}

/* The shape of every program here: open, load, compute, and one way out, since handles may be NULL when they are
 * dropped.
 */
static int run(const cli_args *cli)
{
    cli_subject subject = { 0 };
    xai_tensor *input = NULL;
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_load(cli, &subject, cli->operands.items[0], NULL, &input);
    if (status == CLI_GO_ON)
        status = predict(cli, &subject, input);
    xai_tensor_unref(input);
    cli_close(&subject);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "[MODEL] PICTURE",
                                         "Say what is in a photograph: the tutorial's step 2.",
                                         CLI_MODEL | CLI_RUN | CLI_PICTURE | CLI_NOISE,
                                         1,
                                         1,
                                         run };

    return cli_main("step_2_pretrained", &command, argc, argv, 1);
}
