"""Reliance: what an invariant takes for granted of how a cell trains, declared in one table.

A recipe may set what an invariant knows nothing of, such as noise on the embeddings. Where
that changes what it rests on, it is not observable: neither held nor broken. Relations
between the runs of one cell rest on nothing: both have what the recipe sets.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from harness.core.recipe import Recipe
from harness.core.trainer_arguments import EFFECTS, Effect

_GROUPS: tuple[tuple[tuple[Effect, ...], tuple[str, ...]], ...] = (
    (
        (),
        (
            "test_accumulated_is_one_batch",
            "test_accuracy_reaches_threshold",
            "test_accuracy_stays_below_ceiling",
            "test_arguments_are_not_deprecated",
            "test_arguments_hold_the_recipe",
            "test_baseline_holds",
            "test_best_is_best_either_way",
            "test_checkpointing_changes_nothing",
            "test_classes_are_several",
            "test_columns_match_signature",
            "test_command_line_parses_alike",
            "test_compiling_only_rounds",
            "test_encoder_is_the_checkpoints",
            "test_evaluated_rows_were_not_trained",
            "test_evaluating_changes_nothing",
            "test_evaluating_twice_is_the_same",
            "test_evaluation_batch_changes_nothing",
            "test_f1_reaches_threshold",
            "test_head_has_one_row_a_label",
            "test_labels_are_renamed",
            "test_labels_keep_their_order",
            "test_loss_needs_labels",
            "test_losses_are_finite",
            "test_metrics_reach_thresholds",
            "test_model_is_in_its_mode",
            "test_only_head_is_new",
            "test_other_data_seed_is_another_order",
            "test_only_adapters_and_head_train",
            "test_merging_only_rounds",
            "test_saved_adapters_reload",
            "test_no_token_sees_later_ones",
            "test_padding_changes_nothing",
            "test_padding_follows_the_tokens",
            "test_padding_is_masked",
            "test_ragged_accumulated_is_one_batch",
            "test_resumed_between_epochs_is_uninterrupted",
            "test_resumed_in_second_epoch_is_uninterrupted",
            "test_resumed_is_uninterrupted",
            "test_rows_are_enough",
            "test_rows_are_the_sources",
            "test_rows_train_alike_however_given",
            "test_same_seed_is_the_same_run",
            "test_samples_per_second_reach_threshold",
            "test_saved_state_holds_the_log",
            "test_schedules_are_their_formulas",
            "test_single_precision_only_rounds",
            "test_singular_prediction_is_refused",
            "test_spawned_tokenizing_agrees",
            "test_subset_is_the_seeds",
            "test_torch_format_gives_tensors",
            "test_trend_holds",
            "test_width_follows_collation",
            "test_widths_vary_if_dynamic",
            "test_workers_read_the_examples",
        ),
    ),
    (
        ("updates", "objective"),
        (
            "test_accumulated_gradient_is_the_means",
            "test_examples_weigh_alike",
            "test_gradient_is_clipped",
            "test_loss_and_gradient_are_the_formulas",
        ),
    ),
    (
        ("updates",),
        (
            "test_optimizer_holds_the_recipe",
            "test_processes_are_one_batch",
            "test_processes_share_a_budget",
            "test_update_is_fused",
        ),
    ),
    (
        ("tokens",),
        (
            "test_examples_stand_alone",
            "test_packing_changes_nothing",
            "test_smoothed_accumulated_is_one_batch",
            "test_stages_are_the_formulas",
        ),
    ),
    (
        ("updates", "tokens"),
        ("test_update_is_adamws",),
    ),
    (
        ("updates", "tokens", "objective"),
        ("test_labels_are_smoothed",),
    ),
    (
        ("predictions", "tokens"),
        ("test_predictions_belong_to_their_examples",),
    ),
    (
        ("parameters",),
        ("test_bfloat16_stays_near",),
    ),
    (("updates", "rates", "objective"), ("test_loops_agree",)),
    (("updates", "rates", "objective", "cost"), ("test_loops_cost_alike",)),
    (("loss", "updates", "noise"), ("test_first_loss_is_chance",)),
    (
        ("parameters", "loss", "updates", "noise", "rates", "batches", "order", "duration"),
        ("test_loss_falls",),
    ),
    (("parameters", "updates", "predictions"), ("test_every_parameter_moved",)),
    (("updates", "predictions"), ("test_parameters_are_float32",)),
    (("rates", "batches"), ("test_learning_rate_follows_schedule",)),
    (("noise",), ("test_dropout_drops", "test_other_seed_is_other_dropout")),
    (("order",), ("test_every_epoch_is_shuffled",)),
    (("batches", "order"), ("test_batches_have_their_size",)),
    (("batches",), ("test_patience_ends_training",)),
    (("batches", "duration"), ("test_every_example_once_an_epoch", "test_number_of_steps")),
    (("batches", "evaluations"), ("test_evaluations_follow_strategy",)),
    (("batches", "checkpoints"), ("test_checkpoints_follow_strategy",)),
    (("checkpoints", "predictions"), ("test_best_model_is_restored",)),
    (
        ("received",),
        (
            "test_eval_pred_is_a_pair",
            "test_metrics_receive_numpy",
            "test_torch_argmax_is_refused",
        ),
    ),
    (
        ("predictions",),
        (
            "test_batches_add_up",
            "test_every_example_is_evaluated_once",
            "test_metrics_match_predictions",
            "test_model_beats_a_constant_answer",
            "test_prediction_has_one_row_an_example",
            "test_grouped_predictions_belong_to_their_examples",
            "test_predictions_have_full_precision",
            "test_weighted_f1_matches_sklearn",
        ),
    ),
    (("predictions", "objective"), ("test_evaluation_loss_matches_predictions",)),
    (
        ("parameters", "predictions"),
        ("test_saved_model_reloads",),
    ),
    (
        ("tokenization",),
        (
            "test_words_keep_their_labels",
            "test_few_tokens_are_unknown",
            "test_map_is_not_stale",
            "test_sentences_decode_back",
            "test_sentences_stand_between_special_tokens",
            "test_token_types_separate_sentences",
            "test_truncation_cuts_at_max_length",
        ),
    ),
    (("log",), ("test_every_step_is_logged", "test_logged_loss_is_the_loss")),
)

RELIANCE: Mapping[str, frozenset[Effect]] = {
    name: frozenset(effects) for effects, names in _GROUPS for name in names
}
"""What each invariant rests on; one that is not listed rests on everything."""

KNOWN: Mapping[str, frozenset[str]] = {
    "test_best_model_is_restored": frozenset({"save_total_limit"}),
    "test_checkpoints_follow_strategy": frozenset({"save_total_limit", "streaming"}),
    "test_evaluations_follow_strategy": frozenset({"eval_delay", "eval_on_start", "streaming"}),
    "test_every_example_once_an_epoch": frozenset({"early_stopping_patience"}),
    "test_learning_rate_follows_schedule": frozenset({"streaming"}),
    "test_loss_falls": frozenset({"streaming"}),
    "test_number_of_steps": frozenset({"streaming"}),
}
"""What an invariant takes into account, although it changes what the invariant rests on."""


@cache
def unobservable(invariant: str, recipe: Recipe) -> str:
    """Why an invariant cannot be judged of a run of a recipe; empty if it can."""
    known = KNOWN.get(invariant, frozenset())
    effects = {name: of for name, of in recipe.effects.items() if name not in known}
    unknown = _disturbing(invariant, effects)
    return f"not observable: {unknown} is set" if unknown else ""


def overridden(invariant: str, overrides: Mapping[str, Iterable[Effect]]) -> str:
    """Why an invariant cannot be judged of a user's Trainer; empty if it can."""
    unknown = _disturbing(invariant, overrides)
    return f"not observable: the Trainer has a {unknown} of its own" if unknown else ""


def _disturbing(invariant: str, effects: Mapping[str, Iterable[Effect]]) -> str:
    """The names of what changes something that an invariant rests on."""
    relied = RELIANCE.get(invariant, EFFECTS)
    return ", ".join(name for name, of in effects.items() if not relied.isdisjoint(of))
