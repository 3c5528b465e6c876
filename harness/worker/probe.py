"""A few logits of a trained model: as it is, and as it was saved."""

import copy
from typing import Any

import torch

from harness.core.job import Job
from harness.worker import adapters, models, packing
from harness.worker.prepared import Prepared

PROBE = 8
"""Examples of the evaluated split that probe the model after training."""


def _probe_logits(model: Any, prepared: Prepared) -> Any:
    """Logits of the first examples of the evaluated split."""
    batch = _probe_batch(prepared).to(model.device)
    model.eval()
    with torch.no_grad():
        forward = getattr(model, "_original_forward", model)  # accelerate wraps it in autocast
        return forward(**batch).logits.cpu()


def _probe_batch(prepared: Prepared) -> Any:
    """The first examples of the evaluated split as a batch that the model takes."""
    setup = prepared.setup
    split = setup.splits["evaluation"]
    columns = setup.columns(split.column_names)
    rows = split.select(range(min(PROBE, len(split)))).select_columns(columns)
    return setup.collator([dict(row) for row in rows])


def reload(prepared: Prepared) -> dict[str, Any]:
    """What `from_pretrained` of the saved model gives, beside the model in memory.

    `equal`: logits are bit-equal; `max_difference`: otherwise by how much; `newly_initialized`:
    what the saved checkpoint lacked; `label_names`: what its configuration says. Empty if the
    recipe saves no model.
    """
    setup = prepared.setup
    if not setup.recipe.save_model or adapters.is_adapted(setup.model):
        return {}
    loaded, missing = models.load(str(setup.saved), setup.objective)
    loaded.to(setup.model.device)
    packing.isolate(loaded, setup.strategy)
    ours, theirs = _probe_logits(setup.model, prepared), _probe_logits(loaded, prepared)
    return {
        "equal": bool(torch.equal(ours, theirs)),
        "max_difference": float((ours - theirs).abs().max()),
        "newly_initialized": list(missing),
        "label_names": list(models.saved_label_names(setup.saved)),
    }


def adapters_probed(job: Job, prepared: Prepared) -> dict[str, Any]:
    """What saving and merging adapters gives, beside the model in memory; empty without any.

    `saved`: names of the tensors that were written, by which the model itself calls them;
    `reload`: the largest difference of logits after they were put on the checkpoint anew, or why
    they cannot be, None if the recipe saves no model; `merged`: the same with them merged into its
    weights, None where the method cannot do that; `unmerged`: by how much they change logits.
    """
    model, setup = prepared.setup.model, prepared.setup
    if not adapters.is_adapted(model):
        return {}
    ours = _probe_logits(model, prepared)

    def apart(other: Any) -> float:
        packing.isolate(adapters.core(other), setup.strategy)
        return float((ours - _probe_logits(other.to(model.device), prepared)).abs().max())

    def reloaded() -> float | str:
        try:
            return apart(adapters.reloaded(loaded, setup.saved))
        except Exception as error:  # noqa: BLE001 - what is saved may be anything
            return f"{type(error).__name__}: {error}"

    loaded, _ = models.load(job.model, setup.objective)
    own = {name for name, _ in loaded.named_parameters()}
    saved = sorted(name for name, _ in adapters.named(adapters.saved(setup.saved).items()))
    merged = adapters.merged(model)
    return {
        "saved": saved,
        "saved_adapters": sum(name not in own for name in saved),
        "reload": reloaded() if saved else None,
        "merged": None if merged is None else apart(merged),
        "unmerged": None if merged is None else apart(_disabled(model)),
    }


def _disabled(model: Any) -> Any:
    """A copy of a model whose adapters are switched off."""
    bare = copy.deepcopy(model)
    bare.base_model.disable_adapter_layers()
    return bare


def divides_loss(prepared: Prepared) -> bool:
    """Whether the loss is divided by the number that it is handed."""
    setup = prepared.setup
    batch = _probe_batch(prepared).to(setup.model.device)
    forward = getattr(setup.model, "_original_forward", setup.model)
    return models.divides_loss(forward, setup.objective, batch)


def loss_given(prepared: Prepared) -> dict[str, bool]:
    """Whether the model returns a loss, with labels and without."""
    model = prepared.setup.model
    batch = _probe_batch(prepared).to(model.device)
    bare = {name: tensor for name, tensor in batch.items() if name != "labels"}
    model.eval()
    with torch.no_grad():
        return {
            "with_labels": model(**batch).loss is not None,
            "without_labels": model(**bare).loss is not None,
        }
