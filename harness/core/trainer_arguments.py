"""Trainer arguments: fields of `TrainingArguments` beside those that a recipe declares.

A recipe takes them by their own names, in the Trainer's loop. The judging tower must know them
without transformers, so that they are written down here: those of every supported version, what a
value is, and what a set one changes. An invariant that rests on what is changed is not observable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from harness.core.errors import SpecError

Effect = Literal[
    "parameters",
    "tokenization",
    "tokens",
    "objective",
    "loss",
    "updates",
    "rates",
    "noise",
    "batches",
    "order",
    "duration",
    "predictions",
    "received",
    "evaluations",
    "checkpoints",
    "log",
    "cost",
]
"""What may change: which parameters a model has, what becomes of a text, which tokens the model
reads, what the loss is a mean of, its size, what a step computes, its learning rate, what is drawn
at random beside dropout, how many batches of which size there are, which rows they hold, when
training ends, what an evaluation predicts and leaves behind, what `compute_metrics` receives, when
there is an evaluation, what is saved while training, what is logged; or time and memory alone."""

_UNKNOWN: tuple[Effect, ...] = get_args(Effect)
"""Of what nobody has looked at: anything may be."""

EFFECTS: frozenset[Effect] = frozenset(_UNKNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """A field of `TrainingArguments`.

    Attributes:
        type: of its values.
        default: of the library.
        effects: of another value; all there are where nobody has looked.
    """

    type: Any
    default: Any
    effects: frozenset[Effect]


_TABLE = Mapping[str, Any]


_KNOWN: Mapping[str, tuple[Any, Any, tuple[Effect, ...]]] = {
    "accelerator_config": (_TABLE | None, None, _UNKNOWN),
    "activation_checkpointing_kwargs": (_TABLE | None, None, ("cost",)),
    "auto_find_batch_size": (bool, False, ("batches",)),
    "average_tokens_across_devices": (bool, True, ("updates",)),
    "batch_eval_metrics": (bool, False, ("received",)),
    "bf16_full_eval": (bool, False, ("predictions",)),
    "dataloader_in_order": (bool, True, ("order",)),
    "dataloader_multiprocessing_context": (str | None, None, ("cost",)),
    "dataloader_persistent_workers": (bool, False, ("cost",)),
    "dataloader_prefetch_factor": (int | None, None, ("cost",)),
    "ddp_backend": (str | None, None, ("cost",)),
    "ddp_broadcast_buffers": (bool | None, None, ("cost",)),
    "ddp_bucket_cap_mb": (int | None, None, ("cost",)),
    "ddp_find_unused_parameters": (bool | None, None, ("cost",)),
    "ddp_static_graph": (bool | None, None, ("cost",)),
    "ddp_timeout": (int, 1800, ("cost",)),
    "debug": (str, "", _UNKNOWN),
    "enable_jit_checkpoint": (bool, False, ("checkpoints",)),
    "eval_accumulation_steps": (int | None, None, ("cost",)),
    "eval_delay": (float, 0.0, ("evaluations",)),
    "eval_on_start": (bool, False, ("evaluations",)),
    "eval_use_gather_object": (bool, False, ("cost",)),
    "fp16_backend": (str, "auto", ("updates",)),
    "fp16_full_eval": (bool, False, ("predictions",)),
    "fp16_opt_level": (str, "O1", ("updates",)),
    "full_determinism": (bool, False, ("cost",)),
    "half_precision_backend": (str, "auto", ("updates",)),
    "ignore_data_skip": (bool, False, ("order",)),
    "include_for_metrics": (tuple[str, ...], (), ("received",)),
    "include_inputs_for_metrics": (bool, False, ("received",)),
    "include_num_input_tokens_seen": (bool | str, "no", ("log",)),
    "include_tokens_per_second": (bool, False, ("log",)),
    "label_names": (tuple[str, ...] | None, None, ("received",)),
    "length_column_name": (str, "length", ("order",)),
    "liger_kernel_config": (_TABLE | None, None, _UNKNOWN),
    "lr_scheduler_kwargs": (_TABLE | None, None, ("rates",)),
    "neftune_noise_alpha": (float | None, None, ("noise",)),
    "optim_args": (str | None, None, ("updates",)),
    "optim_target_modules": (tuple[str, ...] | str | None, None, ("updates",)),
    "past_index": (int, -1, _UNKNOWN),
    "ray_scope": (str | None, "last", ("cost",)),
    "restore_callback_states_from_checkpoint": (bool, False, ("cost",)),
    "save_on_each_node": (bool, False, ("checkpoints",)),
    "save_only_model": (bool, False, ("checkpoints",)),
    "save_total_limit": (int | None, None, ("checkpoints",)),
    "skip_memory_metrics": (bool, True, ("log",)),
    "tf32": (bool | None, None, ("updates",)),
    "torch_compile_mode": (str | None, None, ("cost",)),
    "torch_empty_cache_steps": (int | None, None, ("cost",)),
    "train_sampling_strategy": (str, "random", ("order",)),
    "use_cache": (bool, False, ("predictions",)),
    "use_legacy_prediction_loop": (bool, False, _UNKNOWN),
    "use_liger_kernel": (bool, False, _UNKNOWN),
}
"""What a value is, what the library's own is, and what another changes."""

ARGUMENTS: Mapping[str, Argument] = {
    name: Argument(type=kind, default=default, effects=frozenset(effects))
    for name, (kind, default, effects) in _KNOWN.items()
}
"""Those that a recipe takes, by name."""

RENAMED: Mapping[str, str] = {
    "gradient_checkpointing": "activation_checkpointing",
    "gradient_checkpointing_kwargs": "activation_checkpointing_kwargs",
}
"""Names of one meaning: what earlier releases call it, and what a recipe does."""

_FOLDER = "every run has a folder of its own"
_LOGGED = "every step is logged: what is not cannot be judged"
_REPORTED = "a run reports to the harness alone"
_HUB = "no run sends anything anywhere"
_DEVICE = "the harness places a run; say --harness-device"
_PROCESSES = "the harness starts the processes of a run itself"
_COURSE = "every cell is trained, evaluated and predicted, from its beginning"
_PREDICTED = "what is predicted is what a cell is judged by"

_REASONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_FOLDER, ("output_dir", "overwrite_output_dir", "logging_dir")),
    (
        _LOGGED,
        ("logging_strategy", "logging_steps", "logging_first_step", "logging_nan_inf_filter"),
    ),
    (
        _REPORTED,
        (
            *("report_to", "run_name", "project", "disable_tqdm", "log_level"),
            *("log_level_replica", "log_on_each_node", "trackio_space_id", "trackio_bucket_id"),
            "trackio_static_space_id",
        ),
    ),
    (
        _HUB,
        (
            *("push_to_hub", "hub_token", "hub_private_repo", "hub_model_id", "hub_strategy"),
            *("hub_always_push", "hub_revision", "push_to_hub_model_id"),
            *("push_to_hub_organization", "push_to_hub_token"),
        ),
    ),
    (_DEVICE, ("use_cpu", "no_cuda", "use_mps_device", "tpu_metrics_debug", "tpu_num_cores")),
    (
        _PROCESSES,
        (
            *("local_rank", "_n_gpu", "deepspeed", "fsdp", "fsdp_config", "fsdp_min_num_params"),
            *("fsdp_transformer_layer_cls_to_wrap", "mp_parameters", "parallelism_config"),
        ),
    ),
    (_COURSE, ("do_train", "do_eval", "do_predict", "resume_from_checkpoint")),
    (_PREDICTED, ("prediction_loss_only", "eval_do_concat_batches")),
    ("write warmup_steps: below 1, it is the share of all steps", ("warmup_ratio",)),
    ("write per_device_train_batch_size", ("per_gpu_train_batch_size",)),
    ("write per_device_eval_batch_size", ("per_gpu_eval_batch_size",)),
    ("write optim='adafactor'", ("adafactor",)),
    ("write collation='group_by_length'", ("group_by_length",)),
    ("write torch_compile=True and torch_compile_backend", ("torchdynamo",)),
    ("weights are read from safetensors alone", ("save_safetensors",)),
    ("an evaluation runs the model as it was trained", ("jit_mode_eval",)),
)

REFUSED: Mapping[str, str] = {name: reason for reason, names in _REASONS for name in names}
"""Those that it does not take, each with the reason or with what to write instead."""


def check_taken(name: str) -> None:
    """Refuse an argument that the harness sets itself, or that a recipe has another word for.

    Raises:
        SpecError: the message says why.
    """
    if name in REFUSED:
        raise SpecError(f"a recipe takes no {name}", why=REFUSED[name], fix="leave it out")


def effects_of(values: Mapping[str, Any]) -> Mapping[str, frozenset[Effect]]:
    """What each of some set arguments changes; those that have their default are left out."""
    return {
        name: ARGUMENTS[name].effects
        for name, value in values.items()
        if value != ARGUMENTS[name].default
    }
