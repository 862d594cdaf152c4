/* SPDX-License-Identifier: MIT
 * A C++17 program that knows libxai only as it is installed; handles in unique_ptr, a lambda as a hook. */
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <xai/xai.h>

namespace
{
template <auto unref> struct Unref {
    template <typename T> void operator()(T *object) const
    {
        unref(object);
    }
};

using Context = std::unique_ptr<xai_context, Unref<xai_context_unref>>;
using Tensor = std::unique_ptr<xai_tensor, Unref<xai_tensor_unref>>;
using Model = std::unique_ptr<xai_model, Unref<xai_model_unref>>;
using Session = std::unique_ptr<xai_session, Unref<xai_session_unref>>;
using Hook = std::unique_ptr<xai_hook, Unref<xai_hook_unref>>;

void need(bool condition, const char *what)
{
    if (!condition) {
        std::fprintf(stderr, "%s: %s\n", what, xai_last_error());
        std::exit(1);
    }
}

template <typename Owner, typename Make> Owner made(Make make, const char *what)
{
    typename Owner::pointer object = nullptr;
    need(make(&object) == XAI_OK && object != nullptr, what);
    return Owner(object);
}
} // namespace

int main()
{
    auto context = made<Context>([](auto out) { return xai_context_create(out, nullptr); }, "context");
    auto model = made<Model>(
        [&](auto out) { return xai_model_build(out, context.get(), "cifar_resnet20", nullptr, nullptr); }, "model");
    auto session = made<Session>([&](auto out) { return xai_session_create(out, model.get(), nullptr); }, "session");

    std::vector<int64_t> shape(xai_model_input_shape(model.get(), nullptr, 0));
    xai_model_input_shape(model.get(), shape.data(), shape.size());
    auto input = made<Tensor>(
        [&](auto out) { return xai_tensor_create(out, context.get(), shape.data(), shape.size()); }, "input");

    std::string seen;
    auto watch = [](xai_hook *hook, xai_tensor *, void *user) -> int32_t {
        *static_cast<std::string *>(user) = xai_hook_value(hook);
        return 0;
    };
    auto hook = made<Hook>(
        [&](auto out) {
            return xai_hook_attach(out, session.get(), "layer3.2.conv2", XAI_HOOK_OBSERVE, watch, &seen, nullptr);
        },
        "hook");
    auto logits = made<Tensor>([&](auto out) { return xai_session_forward(out, session.get(), input.get()); },
                               "logits");
    need(seen == "layer3.2.conv2", "the hook fired");
    need(xai_tensor_size(logits.get()) == xai_model_n_classes(model.get()), "one logit a class");

    xai_hook *none = nullptr;
    need(xai_hook_attach(&none, session.get(), "layer9", XAI_HOOK_CAPTURE, nullptr, nullptr, nullptr) ==
             XAI_E_NOT_FOUND,
         "an unknown layer fails");
    need(std::string(xai_last_error()).find("layer9") != std::string::npos, "the message names the layer");
    std::printf("C++: libxai %s\n", xai_version_string());
    return 0;
}
