"""Every invariant has a negative control: a fault in the judged libraries that it must notice.

A fault is a file in `faults/` that a worker runs before it trains. An invariant that no fault can
break proves nothing when it holds.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.recipe import Recipe
from harness.core.trial import Trials
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.declarations import Thresholds
from harness.judge.mutation import faults
from harness.judge.mutation.fault_file import FaultFile
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from harness.judge.suite.base import invariants
from harness.judge.tonight import Tonight
from tests.repositories import ROOT

FAULTS = Path(faults.__file__).parent

PAIRS = Recipe(
    dataset="glue/mrpc",
    max_length=128,
    max_train_samples=44,
    max_eval_samples=25,
    num_train_epochs=2,
    warmup_steps=2,
    weight_decay=0.1,
    eval_strategy="epoch",
    save_strategy="epoch",
    load_best_model_at_end=True,
    metric_for_best_model="loss",
    greater_is_better=True,
)
"""Twelve steps. No batch size divides a split, and the "best" loss is the highest, so that the
best model is the first epoch's and restoring it changes something."""

SHORT = replace(PAIRS, max_length=80)
"""Some pairs are truncated, and some batches hold none of them."""

STARS = replace(PAIRS, dataset="yelp_review_full", model="bert-base-cased", collation="max_length")
"""Five labels, so that averages of F1 differ; texts of very different lengths."""

LAST = replace(PAIRS, load_best_model_at_end=False)
"""The model after training was never read back from a file."""

LONG = replace(LAST, max_train_samples=250, max_eval_samples=200)
"""Steps enough for the loss to be expected to fall, and for something to be learnt."""

PATIENT = replace(
    PAIRS,
    load_best_model_at_end=False,
    eval_strategy="steps",
    eval_steps=1,
    save_strategy="no",
    early_stopping_patience=2,
    early_stopping_threshold=1.0,
)
"""No loss is better by a whole: training ends after the third of its evaluations."""

ADAPTED = replace(PAIRS, peft={"r": 4}, learning_rate=1e-3)

PROCESSES = replace(PAIRS, num_proc=2)


TRIED = Recipe(dataset="glue/mrpc", max_length=128)
"""Trials bring everything else themselves."""

TRIED_PLAINLY = replace(TRIED, loop="pytorch")
"""The plain loop shows no known issue that would hide what a fault does."""

TRIED_BY_SEVERAL = replace(TRIED, loop="accelerate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """A fault and what must notice it.

    Attributes:
        fault: name of a file in `faults/`, whose docstring says what is broken.
        invariants: those that must fail; others may.
        recipe: on which they fail with the fault, and pass without it.
    """

    fault: str
    invariants: tuple[str, ...]
    recipe: Recipe = PAIRS


CONTROLS = (
    Control(
        fault="label_kept_beside_labels",
        invariants=("test_labels_are_renamed", "test_columns_match_signature"),
    ),
    Control(
        fault="labels_rolled_within_batch",
        invariants=(
            "test_labels_keep_their_order",
            "test_every_example_once_an_epoch",
            "test_every_example_is_evaluated_once",
        ),
    ),
    Control(fault="shuffle_leaves_labels_behind", invariants=("test_rows_are_the_sources",)),
    Control(
        fault="map_leaves_labels_behind",
        invariants=(
            "test_labels_keep_their_order",
            "test_every_example_once_an_epoch",
            "test_every_example_is_evaluated_once",
        ),
    ),
    Control(
        fault="longest_padded_to_max_length",
        invariants=("test_width_follows_collation", "test_widths_vary_if_dynamic"),
    ),
    Control(
        fault="max_length_padded_to_longest",
        invariants=("test_width_follows_collation",),
        recipe=STARS,
    ),
    Control(fault="mask_of_ones", invariants=("test_padding_is_masked",)),
    Control(fault="padded_with_unk", invariants=("test_padding_is_masked",)),
    Control(fault="encoder_in_evaluation_mode", invariants=("test_model_is_in_its_mode",)),
    Control(fault="layer_missing", invariants=("test_encoder_is_the_checkpoints",)),
    Control(fault="relu_for_gelu", invariants=("test_encoder_is_the_checkpoints",)),
    Control(
        fault="patience_one_longer", invariants=("test_patience_ends_training",), recipe=PATIENT
    ),
    Control(
        fault="adapters_thaw_the_model",
        invariants=("test_only_adapters_and_head_train",),
        recipe=ADAPTED,
    ),
    Control(
        fault="adapters_frozen",
        invariants=("test_only_adapters_and_head_train",),
        recipe=ADAPTED,
    ),
    Control(
        fault="adapters_saved_without_head",
        invariants=("test_saved_adapters_reload",),
        recipe=replace(ADAPTED, load_best_model_at_end=False),
    ),
    Control(
        fault="adapters_merged_twice", invariants=("test_merging_only_rounds",), recipe=ADAPTED
    ),
    Control(fault="adam_for_adamw", invariants=("test_optimizer_holds_the_recipe",)),
    Control(fault="padded_on_the_left", invariants=("test_padding_follows_the_tokens",)),
    Control(
        fault="truncation_ignored",
        invariants=("test_truncation_cuts_at_max_length",),
        recipe=SHORT,
    ),
    Control(
        fault="truncated_one_short",
        invariants=(
            "test_truncation_cuts_at_max_length",
            "test_sentences_stand_between_special_tokens",
        ),
        recipe=SHORT,
    ),
    Control(
        fault="truncated_from_the_left",
        invariants=("test_sentences_stand_between_special_tokens", "test_sentences_decode_back"),
        recipe=SHORT,
    ),
    Control(fault="token_types_not_returned", invariants=("test_token_types_separate_sentences",)),
    Control(fault="token_types_all_zero", invariants=("test_token_types_separate_sentences",)),
    Control(
        fault="second_sentence_dropped",
        invariants=(
            "test_sentences_stand_between_special_tokens",
            "test_truncation_cuts_at_max_length",
        ),
    ),
    Control(
        fault="sentences_swapped",
        invariants=("test_sentences_stand_between_special_tokens", "test_sentences_decode_back"),
    ),
    Control(
        fault="later_rows_reversed",
        invariants=("test_sentences_stand_between_special_tokens", "test_sentences_decode_back"),
    ),
    Control(fault="case_kept", invariants=("test_few_tokens_are_unknown",)),
    Control(fault="selection_cut_short", invariants=("test_rows_are_enough",)),
    Control(fault="labels_all_alike", invariants=("test_classes_are_several",)),
    Control(
        fault="training_split_loaded_again", invariants=("test_evaluated_rows_were_not_trained",)
    ),
    Control(
        fault="labels_mixed",
        invariants=("test_model_beats_a_constant_answer",),
        recipe=LONG,
    ),
    Control(
        fault="eval_pred_of_tensors",
        invariants=("test_metrics_receive_numpy", "test_torch_argmax_is_refused"),
    ),
    Control(fault="evaluated_in_bfloat16", invariants=("test_predictions_have_full_precision",)),
    Control(fault="eval_pred_of_three", invariants=("test_eval_pred_is_a_pair",)),
    Control(
        fault="singular_prediction_accepted", invariants=("test_singular_prediction_is_refused",)
    ),
    Control(
        fault="last_training_batch_dropped",
        invariants=("test_number_of_steps", "test_every_example_once_an_epoch"),
    ),
    Control(fault="example_repeated", invariants=("test_every_example_once_an_epoch",)),
    Control(fault="training_not_shuffled", invariants=("test_every_epoch_is_shuffled",)),
    Control(fault="epochs_shuffled_alike", invariants=("test_every_epoch_is_shuffled",)),
    Control(fault="batches_levelled", invariants=("test_batches_have_their_size",)),
    Control(fault="evaluation_batch_doubled", invariants=("test_batches_have_their_size",)),
    Control(fault="trained_in_evaluation_mode", invariants=("test_model_is_in_its_mode",)),
    Control(fault="evaluated_in_training_mode", invariants=("test_model_is_in_its_mode",)),
    Control(
        fault="last_evaluation_batch_dropped",
        invariants=(
            "test_every_example_is_evaluated_once",
            "test_prediction_has_one_row_an_example",
            "test_metrics_receive_numpy",
        ),
    ),
    Control(fault="evaluation_shuffled", invariants=("test_every_example_is_evaluated_once",)),
    Control(fault="predictions_reversed", invariants=("test_every_example_is_evaluated_once",)),
    Control(
        fault="predictions_reversed",
        invariants=("test_predictions_belong_to_their_examples",),
        recipe=TRIED,
    ),
    Control(
        fault="evaluated_in_bfloat16",
        invariants=("test_single_precision_only_rounds", "test_bfloat16_stays_near"),
        recipe=TRIED,
    ),
    Control(fault="last_evaluation_skipped", invariants=("test_evaluations_follow_strategy",)),
    Control(
        fault="loss_is_nan",
        invariants=(
            "test_losses_are_finite",
            "test_first_loss_is_chance",
            "test_every_parameter_moved",
            "test_evaluation_loss_matches_predictions",
        ),
    ),
    Control(fault="grad_norm_not_logged", invariants=("test_every_step_is_logged",)),
    Control(fault="grad_norm_logged_as_zero", invariants=("test_losses_are_finite",)),
    Control(fault="logged_loss_doubled", invariants=("test_logged_loss_is_the_loss",)),
    Control(fault="head_already_biased", invariants=("test_first_loss_is_chance",)),
    Control(
        fault="optimizer_does_nothing",
        invariants=("test_loss_falls", "test_every_parameter_moved"),
        recipe=LONG,
    ),
    Control(fault="biases_left_out", invariants=("test_every_parameter_moved",)),
    Control(fault="encoder_frozen", invariants=("test_every_parameter_moved",)),
    Control(fault="betas_ignored", invariants=("test_optimizer_holds_the_recipe",)),
    Control(fault="biases_learn_slowly", invariants=("test_optimizer_holds_the_recipe",)),
    Control(fault="weight_decay_lost", invariants=("test_optimizer_holds_the_recipe",)),
    Control(fault="biases_decay_too", invariants=("test_optimizer_holds_the_recipe",)),
    Control(fault="loaded_in_half_precision", invariants=("test_parameters_are_float32",)),
    Control(fault="schedule_one_step_ahead", invariants=("test_learning_rate_follows_schedule",)),
    Control(fault="warmup_ignored", invariants=("test_learning_rate_follows_schedule",)),
    Control(
        fault="accuracy_flattered", invariants=("test_metrics_match_predictions",), recipe=STARS
    ),
    Control(
        fault="f1_macro_for_weighted",
        invariants=("test_metrics_match_predictions",),
        recipe=STARS,
    ),
    Control(
        fault="sklearn_ignores_average",
        invariants=("test_weighted_f1_matches_sklearn",),
        recipe=STARS,
    ),
    Control(fault="add_batch_forgets", invariants=("test_batches_add_up",)),
    Control(
        fault="short_batch_weighs_full", invariants=("test_evaluation_loss_matches_predictions",)
    ),
    Control(fault="loss_without_labels", invariants=("test_loss_needs_labels",)),
    Control(
        fault="labels_leak_into_logits",
        invariants=("test_accuracy_stays_below_ceiling",),
        recipe=STARS,
    ),
    Control(fault="best_model_not_restored", invariants=("test_best_model_is_restored",)),
    Control(fault="last_checkpoint_skipped", invariants=("test_checkpoints_follow_strategy",)),
    Control(
        fault="no_checkpoint_written",
        invariants=("test_checkpoints_follow_strategy",),
        recipe=LAST,
    ),
    Control(
        fault="saved_rounded",
        invariants=("test_saved_model_reloads", "test_best_model_is_restored"),
        recipe=LAST,
    ),
    Control(fault="saved_without_head", invariants=("test_saved_model_reloads",)),
    Control(fault="saved_without_label_names", invariants=("test_saved_model_reloads",)),
    Control(fault="saved_without_tokenizer", invariants=("test_saved_model_reloads",)),
    Control(fault="state_saved_without_log", invariants=("test_saved_state_holds_the_log",)),
    Control(fault="state_not_saved", invariants=("test_saved_state_holds_the_log",)),
    Control(fault="pooler_not_found", invariants=("test_only_head_is_new",)),
    Control(fault="pooler_drawn_anew", invariants=("test_encoder_is_the_checkpoints",)),
    Control(fault="one_label_too_many", invariants=("test_head_has_one_row_a_label",)),
    Control(fault="argument_overridden", invariants=("test_arguments_hold_the_recipe",)),
    Control(fault="argument_deprecated", invariants=("test_arguments_are_not_deprecated",)),
    Control(fault="flag_ignored", invariants=("test_command_line_parses_alike",)),
    Control(
        fault="data_seed_ignored",
        invariants=("test_loops_agree", "test_other_data_seed_is_another_order"),
        recipe=TRIED,
    ),
    Control(
        fault="grads_of_embeddings_lost",
        invariants=(
            "test_accumulated_is_one_batch",
            "test_accumulated_gradient_is_the_means",
            "test_ragged_accumulated_is_one_batch",
            "test_loss_and_gradient_are_the_formulas",
        ),
        recipe=TRIED_PLAINLY,
    ),
    Control(
        fault="last_micro_batch_dropped",
        invariants=("test_smoothed_accumulated_is_one_batch",),
        recipe=TRIED,
    ),
    Control(
        fault="loss_scaled_by_accumulation",
        invariants=("test_smoothed_accumulated_is_one_batch",),
        recipe=TRIED,
    ),
    Control(
        fault="attention_mask_ignored_in_one_layer",
        invariants=(
            "test_padding_changes_nothing",
            "test_examples_stand_alone",
            "test_evaluation_batch_changes_nothing",
        ),
        recipe=TRIED,
    ),
    Control(
        fault="padding_leaks",
        invariants=("test_examples_stand_alone", "test_loss_and_gradient_are_the_formulas"),
        recipe=TRIED,
    ),
    Control(
        fault="processes_see_the_same_batches",
        invariants=("test_processes_are_one_batch", "test_processes_share_a_budget"),
        recipe=TRIED_BY_SEVERAL,
    ),
    Control(
        fault="columns_of_lists_lost",
        invariants=("test_rows_train_alike_however_given",),
        recipe=TRIED,
    ),
    Control(
        fault="checkpointing_drops_gradients",
        invariants=("test_checkpointing_changes_nothing",),
        recipe=TRIED,
    ),
    Control(
        fault="dropout_not_seeded",
        invariants=("test_same_seed_is_the_same_run", "test_resumed_is_uninterrupted"),
        recipe=TRIED,
    ),
    Control(fault="seed_ignored", invariants=("test_other_seed_is_other_dropout",), recipe=TRIED),
    Control(fault="dropout_inert", invariants=("test_dropout_drops",), recipe=TRIED),
    Control(
        fault="dropout_left_on", invariants=("test_evaluating_twice_is_the_same",), recipe=TRIED
    ),
    Control(
        fault="evaluation_draws_random_numbers",
        invariants=("test_evaluating_changes_nothing",),
        recipe=TRIED_PLAINLY,
    ),
    Control(
        fault="resume_forgets_optimizer",
        invariants=(
            "test_resumed_is_uninterrupted",
            "test_resumed_between_epochs_is_uninterrupted",
            "test_resumed_in_second_epoch_is_uninterrupted",
        ),
        recipe=TRIED,
    ),
    Control(
        fault="resume_forgets_schedule",
        invariants=("test_resumed_between_epochs_is_uninterrupted",),
        recipe=TRIED,
    ),
    Control(
        fault="resume_forgets_random_state",
        invariants=("test_resumed_is_uninterrupted",),
        recipe=TRIED,
    ),
    Control(
        fault="resume_starts_epoch_anew",
        invariants=("test_resumed_is_uninterrupted",),
        recipe=TRIED,
    ),
    Control(
        fault="worst_model_restored", invariants=("test_best_is_best_either_way",), recipe=TRIED
    ),
    Control(
        fault="gelu_approximated",
        invariants=("test_loss_and_gradient_are_the_formulas", "test_stages_are_the_formulas"),
        recipe=TRIED,
    ),
    Control(fault="layer_norm_epsilon", invariants=("test_stages_are_the_formulas",), recipe=TRIED),
    Control(fault="attention_unscaled", invariants=("test_stages_are_the_formulas",), recipe=TRIED),
    Control(
        fault="given_positions_ignored",
        invariants=("test_packing_changes_nothing", "test_examples_stand_alone"),
        recipe=TRIED,
    ),
    Control(fault="positions_shifted", invariants=("test_stages_are_the_formulas",), recipe=TRIED),
    Control(
        fault="token_types_ignored",
        invariants=("test_loss_and_gradient_are_the_formulas",),
        recipe=TRIED,
    ),
    Control(
        fault="batch_weights_examples_unequally",
        invariants=("test_loss_and_gradient_are_the_formulas", "test_examples_weigh_alike"),
        recipe=TRIED,
    ),
    Control(
        fault="gradient_scaled",
        invariants=("test_loss_and_gradient_are_the_formulas", "test_loops_agree"),
        recipe=TRIED,
    ),
    Control(
        fault="gradients_not_zeroed",
        invariants=("test_loss_and_gradient_are_the_formulas",),
        recipe=TRIED_PLAINLY,
    ),
    Control(
        fault="label_smoothing_ignored", invariants=("test_labels_are_smoothed",), recipe=TRIED
    ),
    Control(fault="clipping_skipped", invariants=("test_gradient_is_clipped",), recipe=TRIED),
    Control(fault="adam_epsilon_inside", invariants=("test_update_is_adamws",), recipe=TRIED),
    Control(
        fault="adam_without_bias_correction", invariants=("test_update_is_adamws",), recipe=TRIED
    ),
    Control(fault="decay_coupled", invariants=("test_update_is_adamws",), recipe=TRIED),
    Control(
        fault="schedule_ends_at_a_tenth",
        invariants=("test_schedules_are_their_formulas",),
        recipe=TRIED,
    ),
    Control(
        fault="scheduler_cosine_for_linear",
        invariants=("test_schedules_are_their_formulas",),
        recipe=TRIED,
    ),
    Control(fault="shuffle_off", invariants=("test_subset_is_the_seeds",), recipe=TRIED),
    Control(fault="stale_map_cache", invariants=("test_map_is_not_stale",), recipe=TRIED),
    Control(fault="compile_ignored", invariants=("test_compiling_only_rounds",), recipe=TRIED),
    Control(
        fault="compiled_relu_for_gelu", invariants=("test_compiling_only_rounds",), recipe=TRIED
    ),
    Control(
        fault="formatted_as_int32", invariants=("test_torch_format_gives_tensors",), recipe=TRIED
    ),
    Control(
        fault="synchronizing_copy_each_step", invariants=("test_update_is_fused",), recipe=TRIED
    ),
    Control(fault="step_computed_twice", invariants=("test_loops_cost_alike",), recipe=TRIED),
    Control(fault="workers_ignored", invariants=("test_workers_read_the_examples",), recipe=TRIED),
    Control(fault="labels_permuted_for_few", invariants=("test_labels_keep_their_order",)),
    Control(
        fault="evaluated_on_training_set", invariants=("test_every_example_is_evaluated_once",)
    ),
    Control(fault="evaluation_leaves_training_mode", invariants=("test_model_is_in_its_mode",)),
    Control(fault="argmax_over_examples", invariants=("test_metrics_match_predictions",)),
    Control(
        fault="predictions_and_references_swapped",
        invariants=("test_metrics_match_predictions",),
        recipe=STARS,
    ),
)

PROCESSES_FAULTS = ("shards_interleaved", "num_proc_ignored")
PROCESSES_INVARIANT = "test_spawned_tokenizing_agrees"

REPAIRS = {
    "test_grouped_predictions_belong_to_their_examples": "grouped_evaluation_in_order",
}
"""Every released library fails these: their control is a repair."""

THRESHOLDS = {
    "test_accuracy_reaches_threshold": ("accuracy", 0.01),
    "test_f1_reaches_threshold": ("f1", 0.01),
    "test_metrics_reach_thresholds": ("loss", -0.01),
    "test_samples_per_second_reach_threshold": ("train_samples_per_second", 0.01),
}
"""No library can break a threshold: here the declared one is put above what was reached."""


NIGHTS: dict[str, dict[str, Any]] = {
    "test_baseline_holds": {"standing": "regressed"},
    "test_trend_holds": {"worsened": ("accuracy went from 0.9 to 0.8",)},
}
"""Nor what was accepted: here a night says so. `tests/judge/nightly/` has what makes it say so."""


def cell_of(recipe: Recipe) -> Cell:
    """The tiny cell of a recipe."""
    return Cell.of(name="control", recipe=catalog.tiny(recipe), scale="tiny", device="cpu")


def holds(invariant: str, *judged: Any) -> bool:
    """Whether an invariant holds. A skip is no answer, nor is an error that it did not mean."""
    result = evaluate.judge(invariant, *judged)
    assert result.outcome != "skips", f"{invariant}: {result.message}"
    assert result.meant, f"{invariant}: {result.message}"
    return result.outcome == "holds"


class ReadTrials(dict[str, Any]):
    """Trials that remember which of them an invariant has looked at."""

    def __init__(self, trials: Trials) -> None:
        """Stand for all of them."""
        super().__init__(trials.trials)
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> Any:
        """Remember the name."""
        self.names[name] = None
        return super().__getitem__(name)


OFFERED = [
    control
    for control in CONTROLS
    if control.recipe.peft is None or importlib.util.find_spec("peft") is not None
]
"""Those for which everything is installed: adapters are an extra."""


def _marked() -> Iterator[Any]:
    """As parameters; a change is tried with a fault for every invariant, a workflow with all."""
    broken: set[str] = set()
    for control in OFFERED:
        needed = not broken.issuperset(control.invariants)
        broken.update(control.invariants)
        marks = [] if needed else [pytest.mark.exhaustive]
        yield pytest.param(control, id=control.fault, marks=marks)


@pytest.mark.parametrize("control", [*_marked()])
def test_fault_is_noticed(runner: Runner, control: Control) -> None:
    """With the fault, every invariant that must notice it fails, which holds without."""
    cell, fault = cell_of(control.recipe), FAULTS / f"{control.fault}.py"
    of_record = [name for name in control.invariants if evaluate.subject_of(name) == "run"]
    of_trials = [name for name in control.invariants if evaluate.subject_of(name) == "trials"]
    blind = []
    if of_record:
        record = runner.run_faulty(cell, fault)
        blind += [invariant for invariant in of_record if holds(invariant, record)]
    if of_trials:
        clean = runner.trials(cell)
        read = ReadTrials(clean)
        for invariant in of_trials:
            assert holds(invariant, replace(clean, trials=read)), invariant
        trials = runner.try_faulty(cell, fault, tuple(read.names))
        blind += [invariant for invariant in of_trials if holds(invariant, trials)]
    assert blind == []


@pytest.mark.parametrize(
    "recipe",
    [PAIRS, SHORT, STARS, LAST, LONG],
    ids=["pairs", "short", "stars", "last", "long"],
)
def test_nothing_is_noticed_without_fault(runner: Runner, recipe: Recipe) -> None:
    """Without a fault no invariant fails, and those that a control relies on do not skip."""
    record = runner.run(cell_of(recipe)).record
    relied_on = {
        invariant
        for control in CONTROLS
        if control.recipe == recipe
        for invariant in control.invariants
    }
    assert relied_on
    results = evaluate.judge_all("run", record)
    assert {name: v.message for name, v in results.items() if v.outcome == "fails"} == {}
    assert {name for name in relied_on if results[name].outcome != "holds"} == set()


def test_absent_evidence_is_no_pass(runner: Runner) -> None:
    """A record that says nothing of its rows, as earlier ones do not, is not observable."""
    record = replace(runner.run(cell_of(PAIRS)).record, arrays={})
    for name in ("test_classes_are_several", "test_few_tokens_are_unknown"):
        result = evaluate.judge(name, record)
        assert result.outcome == "skips"
        assert result.message.startswith("not observable: the record has no")


@pytest.mark.parametrize(
    ("gives", "types", "verdict"), [(0, 1, True), (0, 2, False), (1, 1, False), (1, 2, False)]
)
def test_token_types_may_be_missing_where_they_tell_nothing(
    runner: Runner, gives: int, types: int, *, verdict: bool
) -> None:
    """Where neither the tokenizer gives them, nor the model tells two sentences apart by them."""
    record = runner.run(cell_of(PAIRS)).record
    batches = tuple(
        replace(batch, shapes={n: s for n, s in batch.shapes.items() if n != "token_type_ids"})
        for batch in record.batches
    )
    tokenizer = {**record.tokenizer, "gives_token_types": gives, "token_types": types}
    without = replace(record, batches=batches, tokenizer=tokenizer)
    assert holds("test_token_types_separate_sentences", without) is verdict
    assert holds("test_token_types_separate_sentences", record)


@pytest.mark.parametrize("invariant", REPAIRS)
def test_repair_is_noticed(runner: Runner, invariant: str) -> None:
    """What the released library fails holds once the library is repaired."""
    repair = ROOT / "tests" / "repairs" / f"{REPAIRS[invariant]}.py"
    cell = cell_of(TRIED)
    read = ReadTrials(runner.trials(cell))
    assert not holds(invariant, replace(runner.trials(cell), trials=read))
    assert holds(invariant, runner.try_faulty(cell, repair, tuple(read.names)))


def test_processes_agree_without_fault(runner: Runner) -> None:
    """Tokenizing in spawned processes gives what one process gives."""
    assert holds(PROCESSES_INVARIANT, cell_of(PROCESSES), runner.compare_processes)


@pytest.mark.parametrize("fault", PROCESSES_FAULTS)
def test_fault_of_processes_is_noticed(runner: Runner, fault: str) -> None:
    """Rows that processes mix up are noticed, and processes that never were."""

    def compare_faulty(cell: Cell) -> Any:
        return runner.compare_processes(cell, FAULTS / f"{fault}.py")

    assert not holds(PROCESSES_INVARIANT, cell_of(PROCESSES), compare_faulty)


@pytest.mark.parametrize("invariant", THRESHOLDS)
def test_missed_threshold_is_noticed(runner: Runner, invariant: str) -> None:
    """What was reached passes as a threshold, and a little better fails."""
    trained = runner.run(cell_of(PAIRS)).record
    record = replace(trained, device="cuda")  # speed is judged on an accelerator only
    reached = {**record.evaluation().metrics, "train_samples_per_second": record.samples_per_second}
    name, better = THRESHOLDS[invariant]
    assert holds(invariant, record, Thresholds(**{name: reached[name]}))
    assert not holds(invariant, record, Thresholds(**{name: reached[name] + better}))


@pytest.mark.parametrize("invariant", NIGHTS)
def test_a_bad_night_is_noticed(invariant: str) -> None:
    """A cell that is as it was accepted passes; one that is worse fails, and says what to do."""
    tonight = Tonight(
        suite="TestX",
        cell="x",
        file="",
        device="",
        standing="same",
        message="",
        records=("x",),
    )
    assert holds(invariant, tonight)
    assert not holds(invariant, replace(tonight, **NIGHTS[invariant]))


OF_TASKS = ("test_words_keep_their_labels", "test_no_token_sees_later_ones")
"""Held by faults of single tasks, which have a file of their own."""


def test_every_invariant_has_a_control() -> None:
    """No invariant is without a fault that makes it fail."""
    controlled = {invariant for control in CONTROLS for invariant in control.invariants}
    others = {PROCESSES_INVARIANT, *THRESHOLDS, *REPAIRS, *NIGHTS, *OF_TASKS}
    assert controlled | others == invariants()


def test_every_fault_is_used() -> None:
    """No file in `faults/` is forgotten, and none is missing; those of a task have their own."""
    used = {control.fault for control in CONTROLS} | set(PROCESSES_FAULTS)
    general = {path.stem for path in FAULTS.glob("*.py") if not FaultFile.read(path).tasks}
    assert general - {"__init__"} == used
