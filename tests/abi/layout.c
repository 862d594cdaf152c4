/* SPDX-License-Identifier: MIT
 * Size and offsets of every public struct on 64-bit machines: a change here breaks programs that are already built. */
#include <stdio.h>

#include <xai/xai.h>

#define AT(type, field, offset)                                                                                        \
    _Static_assert(sizeof(void *) != 8 || offsetof(type, field) == (offset), #type "." #field " moved")
#define SIZE(type, size) _Static_assert(sizeof(void *) != 8 || sizeof(type) == (size), #type " changed its size")

AT(xai_allocator, allocate, 0);
AT(xai_allocator, release, 8);
AT(xai_allocator, user, 16);
SIZE(xai_allocator, 24);

AT(xai_context_options, struct_size, 0);
AT(xai_context_options, allocator, 8);
AT(xai_context_options, log, 16);
AT(xai_context_options, log_user, 24);
AT(xai_context_options, backends, 32);
AT(xai_context_options, max_pixels, 40);
AT(xai_context_options, n_threads, 48);
AT(xai_context_options, flags, 52);
SIZE(xai_context_options, 56);

AT(xai_model_options, struct_size, 0);
AT(xai_model_options, weights, 8);
AT(xai_model_options, labels, 16);
AT(xai_model_options, resize, 24);
AT(xai_model_options, crop_height, 28);
AT(xai_model_options, crop_width, 32);
AT(xai_model_options, scale, 36);
AT(xai_model_options, mean, 40);
AT(xai_model_options, std, 52);
AT(xai_model_options, flags, 64);
AT(xai_model_options, seed, 72);
SIZE(xai_model_options, 80);

AT(xai_layer, struct_size, 0);
AT(xai_layer, name, 8);
AT(xai_layer, aliases, 16);
AT(xai_layer, op, 24);
AT(xai_layer, kernel, 32);
AT(xai_layer, shape, 40);
AT(xai_layer, rank, 104);
SIZE(xai_layer, 112);

AT(xai_session_options, struct_size, 0);
AT(xai_session_options, memory_budget, 8);
AT(xai_session_options, purpose, 16);
AT(xai_session_options, reserved, 20);
SIZE(xai_session_options, 24);

AT(xai_run_options, struct_size, 0);
AT(xai_run_options, seed, 8);
AT(xai_run_options, memory_budget, 16);
AT(xai_run_options, progress, 24);
AT(xai_run_options, user, 32);
SIZE(xai_run_options, 40);

AT(xai_black_box, struct_size, 0);
AT(xai_black_box, predict, 8);
AT(xai_black_box, user, 16);
AT(xai_black_box, n_classes, 24);
AT(xai_black_box, shape, 32);
AT(xai_black_box, max_batch, 56);
AT(xai_black_box, kind, 64);
AT(xai_black_box, reserved, 68);
SIZE(xai_black_box, 72);

AT(xai_occlusion_options, struct_size, 0);
AT(xai_occlusion_options, profile, 8);
AT(xai_occlusion_options, black_box, 16);
AT(xai_occlusion_options, fill, 24);
AT(xai_occlusion_options, baseline, 32);
AT(xai_occlusion_options, run, 40);
AT(xai_occlusion_options, fill_value, 48);
AT(xai_occlusion_options, blur_sigma, 52);
AT(xai_occlusion_options, window_height, 56);
AT(xai_occlusion_options, window_width, 60);
AT(xai_occlusion_options, stride_height, 64);
AT(xai_occlusion_options, stride_width, 68);
AT(xai_occlusion_options, flags, 72);
AT(xai_occlusion_options, reserved, 76);
AT(xai_occlusion_options, share, 80);
AT(xai_occlusion_options, reserved_2, 84);
AT(xai_occlusion_options, state, 88);
SIZE(xai_occlusion_options, 96);

AT(xai_rise_options, struct_size, 0);
AT(xai_rise_options, profile, 8);
AT(xai_rise_options, black_box, 16);
AT(xai_rise_options, run, 24);
AT(xai_rise_options, n_masks, 32);
AT(xai_rise_options, grid, 40);
AT(xai_rise_options, keep, 44);
AT(xai_rise_options, max_error, 48);
AT(xai_rise_options, top_region, 52);
AT(xai_rise_options, flags, 56);
AT(xai_rise_options, reserved, 60);
AT(xai_rise_options, state, 64);
SIZE(xai_rise_options, 72);

AT(xai_saliency_options, struct_size, 0);
AT(xai_saliency_options, method, 8);
AT(xai_saliency_options, profile, 16);
AT(xai_saliency_options, layer, 24);
AT(xai_saliency_options, quadrature, 32);
AT(xai_saliency_options, baseline, 40);
AT(xai_saliency_options, noise, 48);
AT(xai_saliency_options, run, 56);
AT(xai_saliency_options, baseline_value, 64);
AT(xai_saliency_options, sigma, 68);
AT(xai_saliency_options, n_steps, 72);
AT(xai_saliency_options, n_samples, 76);
AT(xai_saliency_options, flags, 80);
AT(xai_saliency_options, reserved, 84);
SIZE(xai_saliency_options, 88);

AT(xai_segment_options, struct_size, 0);
AT(xai_segment_options, method, 8);
AT(xai_segment_options, seed, 16);
AT(xai_segment_options, kernel_size, 24);
AT(xai_segment_options, max_dist, 32);
AT(xai_segment_options, ratio, 40);
AT(xai_segment_options, compactness, 48);
AT(xai_segment_options, scale, 56);
AT(xai_segment_options, sigma, 64);
AT(xai_segment_options, n_segments, 72);
AT(xai_segment_options, n_iterations, 76);
AT(xai_segment_options, min_size, 80);
AT(xai_segment_options, n_rows, 84);
AT(xai_segment_options, n_columns, 88);
AT(xai_segment_options, flags, 92);
SIZE(xai_segment_options, 96);

AT(xai_segments_draw_options, struct_size, 0);
AT(xai_segments_draw_options, chosen, 8);
AT(xai_segments_draw_options, n_chosen, 16);
AT(xai_segments_draw_options, dim, 24);
AT(xai_segments_draw_options, color, 28);
AT(xai_segments_draw_options, no_lines, 31);
SIZE(xai_segments_draw_options, 32);
AT(xai_metric_options, struct_size, 0);
AT(xai_metric_options, profile, 8);
AT(xai_metric_options, region, 16);
AT(xai_metric_options, box, 24);
AT(xai_metric_options, tolerance, 56);
AT(xai_metric_options, k, 60);
SIZE(xai_metric_options, 64);

AT(xai_lime_options, struct_size, 0);
AT(xai_lime_options, profile, 8);
AT(xai_lime_options, selection, 16);
AT(xai_lime_options, samples, 24);
AT(xai_lime_options, baseline, 32);
AT(xai_lime_options, run, 40);
AT(xai_lime_options, black_box, 48);
AT(xai_lime_options, kernel_width, 56);
AT(xai_lime_options, alpha, 64);
AT(xai_lime_options, n_samples, 72);
AT(xai_lime_options, n_features, 76);
AT(xai_lime_options, n_repeats, 80);
AT(xai_lime_options, n_top, 84);
AT(xai_lime_options, hide_value, 88);
AT(xai_lime_options, hide, 92);
AT(xai_lime_options, state, 96);
SIZE(xai_lime_options, 104);

AT(xai_shap_options, struct_size, 0);
AT(xai_shap_options, profile, 8);
AT(xai_shap_options, samples, 16);
AT(xai_shap_options, baseline, 24);
AT(xai_shap_options, run, 32);
AT(xai_shap_options, black_box, 40);
AT(xai_shap_options, n_samples, 48);
AT(xai_shap_options, hide_value, 52);
AT(xai_shap_options, hide, 56);
AT(xai_shap_options, reserved, 60);
AT(xai_shap_options, state, 64);
SIZE(xai_shap_options, 72);
AT(xai_faithfulness_options, struct_size, 0);
AT(xai_faithfulness_options, profile, 8);
AT(xai_faithfulness_options, black_box, 16);
AT(xai_faithfulness_options, run, 24);
AT(xai_faithfulness_options, substrate, 32);
AT(xai_faithfulness_options, baseline, 40);
AT(xai_faithfulness_options, perturbations, 48);
AT(xai_faithfulness_options, sigma, 56);
AT(xai_faithfulness_options, n_samples, 60);
AT(xai_faithfulness_options, step, 64);
AT(xai_faithfulness_options, n_steps, 68);
AT(xai_faithfulness_options, flags, 72);
AT(xai_faithfulness_options, reserved, 76);
AT(xai_faithfulness_options, segments, 80);
AT(xai_faithfulness_options, patch, 88);
AT(xai_faithfulness_options, reserved_2, 92);
SIZE(xai_faithfulness_options, 96);

AT(xai_explainer, struct_size, 0);
AT(xai_explainer, method, 8);
AT(xai_explainer, profile, 16);
AT(xai_explainer, layer, 24);
AT(xai_explainer, run, 32);
AT(xai_explainer, explain, 40);
AT(xai_explainer, user, 48);
AT(xai_explainer, flags, 56);
AT(xai_explainer, reserved, 60);
SIZE(xai_explainer, 64);

AT(xai_sensitivity_options, struct_size, 0);
AT(xai_sensitivity_options, run, 8);
AT(xai_sensitivity_options, perturbations, 16);
AT(xai_sensitivity_options, radius, 24);
AT(xai_sensitivity_options, n_samples, 28);
SIZE(xai_sensitivity_options, 32);

AT(xai_randomisation_options, struct_size, 0);
AT(xai_randomisation_options, layers, 8);
AT(xai_randomisation_options, n_layers, 16);
AT(xai_randomisation_options, measure, 24);
AT(xai_randomisation_options, run, 32);
AT(xai_randomisation_options, flags, 40);
AT(xai_randomisation_options, reserved, 44);
SIZE(xai_randomisation_options, 48);

AT(xai_draw_options, struct_size, 0);
AT(xai_draw_options, style, 8);
AT(xai_draw_options, kind, 16);
AT(xai_draw_options, n_levels, 20);
AT(xai_draw_options, opacity, 24);
AT(xai_draw_options, percentile, 28);
AT(xai_draw_options, smooth, 32);
AT(xai_draw_options, reserved, 36);
SIZE(xai_draw_options, 40);

AT(xai_target, index, 0);
AT(xai_target, against, 8);
AT(xai_target, value, 16);
AT(xai_target, score, 24);
AT(xai_target, reserved, 28);
SIZE(xai_target, 32);

AT(xai_cam_options, struct_size, 0);
AT(xai_cam_options, method, 8);
AT(xai_cam_options, profile, 16);
AT(xai_cam_options, classifier, 24);
AT(xai_cam_options, layers, 32);
AT(xai_cam_options, n_layers, 40);
AT(xai_cam_options, fuse, 48);
AT(xai_cam_options, flags, 52);
SIZE(xai_cam_options, 56);

AT(xai_fit_options, struct_size, 0);
AT(xai_fit_options, method, 8);
AT(xai_fit_options, criterion, 16);
AT(xai_fit_options, sample_weights, 24);
AT(xai_fit_options, feature_names, 32);
AT(xai_fit_options, class_names, 40);
AT(xai_fit_options, n_classes, 48);
AT(xai_fit_options, min_impurity_decrease, 56);
AT(xai_fit_options, min_weight_fraction_leaf, 64);
AT(xai_fit_options, ccp_alpha, 72);
AT(xai_fit_options, max_depth, 80);
AT(xai_fit_options, max_leaf_nodes, 84);
AT(xai_fit_options, min_samples_split, 88);
AT(xai_fit_options, min_samples_leaf, 92);
AT(xai_fit_options, max_features, 96);
AT(xai_fit_options, n_cuts, 100);
AT(xai_fit_options, n_steps, 104);
AT(xai_fit_options, temperature, 108);
AT(xai_fit_options, learning_rate, 112);
AT(xai_fit_options, reserved, 116);
AT(xai_fit_options, seed, 120);
SIZE(xai_fit_options, 128);

AT(xai_nbdt_options, struct_size, 0);
AT(xai_nbdt_options, mode, 8);
SIZE(xai_nbdt_options, 16);

AT(xai_decision, node, 0);
AT(xai_decision, name, 8);
AT(xai_decision, probability, 16);
AT(xai_decision, entropy, 24);
AT(xai_decision, class_index, 32);
SIZE(xai_decision, 40);

AT(xai_export_options, struct_size, 0);
AT(xai_export_options, row, 8);
AT(xai_export_options, row_size, 16);
AT(xai_export_options, feature_names, 24);
AT(xai_export_options, class_names, 32);
AT(xai_export_options, title, 40);
AT(xai_export_options, mode, 48);
AT(xai_export_options, flags, 52);
SIZE(xai_export_options, 56);

AT(xai_induce_options, struct_size, 0);
AT(xai_induce_options, method, 8);
AT(xai_induce_options, wnids, 16);
AT(xai_induce_options, labels, 24);
AT(xai_induce_options, wordnet, 32);
AT(xai_induce_options, branching, 40);
AT(xai_induce_options, reserved, 44);
AT(xai_induce_options, seed, 48);
SIZE(xai_induce_options, 56);

AT(xai_objective, layer, 0);
AT(xai_objective, direction, 8);
AT(xai_objective, channel, 16);
AT(xai_objective, y, 24);
AT(xai_objective, x, 32);
AT(xai_objective, kind, 40);
AT(xai_objective, ramp, 44);
AT(xai_objective, picture, 48);
AT(xai_objective, weight, 52);
AT(xai_objective, parameter, 56);
AT(xai_objective, reserved, 60);
SIZE(xai_objective, 64);

AT(xai_visualize_options, struct_size, 0);
AT(xai_visualize_options, parameterisation, 8);
AT(xai_visualize_options, profile, 16);
AT(xai_visualize_options, start, 24);
AT(xai_visualize_options, picture, 32);
AT(xai_visualize_options, run, 40);
AT(xai_visualize_options, watch, 48);
AT(xai_visualize_options, user, 56);
AT(xai_visualize_options, n_steps, 64);
AT(xai_visualize_options, width, 68);
AT(xai_visualize_options, height, 72);
AT(xai_visualize_options, watch_every, 76);
AT(xai_visualize_options, flags, 80);
AT(xai_visualize_options, learning_rate, 84);
AT(xai_visualize_options, deviation, 88);
AT(xai_visualize_options, reserved, 92);
SIZE(xai_visualize_options, 96);
AT(xai_training_options, struct_size, 0);
AT(xai_training_options, list, 8);
AT(xai_training_options, cache, 16);
AT(xai_training_options, classifier, 24);
AT(xai_training_options, example, 32);
AT(xai_training_options, user, 40);
AT(xai_training_options, n_examples, 48);
AT(xai_training_options, run, 56);
AT(xai_training_options, flags, 64);
AT(xai_training_options, reserved, 68);
SIZE(xai_training_options, 72);

AT(xai_influence_options, struct_size, 0);
AT(xai_influence_options, method, 8);
AT(xai_influence_options, solver, 16);
AT(xai_influence_options, product, 24);
AT(xai_influence_options, profile, 32);
AT(xai_influence_options, parameters, 40);
AT(xai_influence_options, n_parameters, 48);
AT(xai_influence_options, learning_rates, 56);
AT(xai_influence_options, run, 64);
AT(xai_influence_options, damping, 72);
AT(xai_influence_options, tolerance, 80);
AT(xai_influence_options, scale, 88);
AT(xai_influence_options, max_iterations, 96);
AT(xai_influence_options, n_samples, 100);
AT(xai_influence_options, batch, 104);
AT(xai_influence_options, flags, 108);
SIZE(xai_influence_options, 112);

AT(xai_influence_record, prediction, 0);
AT(xai_influence_record, label, 8);
AT(xai_influence_record, loss, 16);
AT(xai_influence_record, residual, 24);
AT(xai_influence_record, n_iterations, 32);
SIZE(xai_influence_record, 40);

_Static_assert(sizeof(xai_status) == 4, "xai_status changed its size");

/* Enumerators are constants in built programs too. */
_Static_assert(XAI_PARTIAL == 1 && XAI_FLAT == 2 && XAI_E_INVALID == -1 && XAI_E_INTERNAL == -13, "a status moved");
_Static_assert(XAI_CONTEXT_COPY_WEIGHTS == 1 && XAI_IMAGE_EXIF == 1, "a flag moved");
_Static_assert(XAI_MODEL_SET_MEAN == 1 && XAI_MODEL_SET_STD == 2, "a flag moved");
_Static_assert(XAI_FILTER_BILINEAR == 0 && XAI_FILTER_BICUBIC == 1 && XAI_FILTER_NEAREST == 2, "a filter moved");
_Static_assert(XAI_PURPOSE_LATENCY == 0 && XAI_PURPOSE_WINDOWED == 2, "a purpose moved");
_Static_assert(XAI_HOOK_CAPTURE == 0 && XAI_HOOK_OBSERVE == 1 && XAI_HOOK_EDIT == 2, "a kind of hook moved");
_Static_assert(XAI_SCORE_LOGIT == 0 && XAI_SCORE_VALUE == 3, "a score moved");
_Static_assert(XAI_NORMALISE_PROFILE == 0 && XAI_NORMALISE_MIN_MAX == 2, "a scaling moved");
_Static_assert(XAI_DRAW_HEAT == 0 && XAI_DRAW_ERRORS == 3 && XAI_OCCLUSION_WHOLE == 1 && XAI_RISE_PAIRED == 1,
               "a kind or flag moved");
_Static_assert(XAI_PREDICT_LOGITS == 0 && XAI_PREDICT_PROBABILITIES == 1, "a kind of black box moved");
_Static_assert(XAI_FUSE_PROFILE == 0 && XAI_FUSE_MEAN == 1 && XAI_FUSE_MAX == 2, "a fusion moved");
_Static_assert(XAI_CAM_EIGEN_SMOOTH == 1 && XAI_CAM_AUG_SMOOTH == 2 && XAI_CAM_ANY_LAYER == 4, "a flag moved");
_Static_assert(XAI_TRAINING_EXIF == 1 && XAI_INFLUENCE_PENALTY == 1, "a flag moved");
_Static_assert(XAI_TREE_HIERARCHY == 0 && XAI_TREE_CART == 1 && XAI_TREE_DNDT == 2, "a kind of tree moved");
_Static_assert(XAI_SEGMENT_SET_SEED == 1 && XAI_SEGMENT_KEEP_FRAGMENTS == 2, "a flag moved");
_Static_assert(XAI_HIDE_DEFAULT == 0 && XAI_HIDE_MEAN == 1 && XAI_HIDE_VALUE == 2, "a way to hide moved");
_Static_assert(XAI_TOP_POSITIVE == 0 && XAI_TOP_NEGATIVE == 1 && XAI_TOP_BOTH == 2, "a choice moved");
_Static_assert(XAI_TREE_HARD == 0 && XAI_TREE_SOFT == 1, "a mode moved");
_Static_assert(XAI_TREE_TEXT == 0 && XAI_TREE_JSON == 1 && XAI_TREE_DOT == 2 && XAI_TREE_SVG == 3 && XAI_TREE_HTML == 4,
               "a format moved");
_Static_assert(XAI_OBJECTIVE_CHANNEL == 0 && XAI_OBJECTIVE_CLASS == 4 && XAI_OBJECTIVE_TV == 7 &&
                   XAI_OBJECTIVE_BLUR == 10,
               "a kind of objective moved");
_Static_assert(XAI_RAMP_NONE == 0 && XAI_RAMP_FALLING == 1 && XAI_RAMP_RISING == 2, "a ramp moved");
_Static_assert(XAI_VISUALIZE_PLAIN == 1 && XAI_VISUALIZE_REDIRECT == 2 && XAI_VISUALIZE_CORRELATED == 4,
               "a flag moved");

int main(void)
{
    /* What the headers state, and what the library that was loaded says. */
    uint32_t stated = XAI_VERSION_MAJOR * 10000u + XAI_VERSION_MINOR * 100u + XAI_VERSION_PATCH;

    if (xai_version() != stated)
        printf("the library says %u, its headers %u\n", xai_version(), stated);
    return xai_version() == stated ? 0 : 1;
}
