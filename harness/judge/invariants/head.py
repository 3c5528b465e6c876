"""Head: loading a pretrained encoder leaves exactly the classifier to be learnt."""

import pytest

from harness.core.record import Record
from harness.judge.distance import compare, compare_names


class Head:
    """What `from_pretrained` could not find is the head, the whole head and nothing else."""

    def test_only_head_is_new(self, run: Record) -> None:
        """Parameters outside the encoder are new, those inside came from the checkpoint.

        A checkpoint may hold a part of the head too, as one that was fine-tuned before does.
        """
        names = {part.name for part in run.parameters if not part.adapter}
        head = {name for name in names if not name.startswith(f"{run.base_prefix}.")}
        if run.task == "causal_lm":  # its head is the checkpoint's
            head = set()
        head -= {*run.held_head}
        compare_names("newly initialized", run.newly_initialized, head)

    def test_encoder_is_the_checkpoints(self, run: Record) -> None:
        """Whatever the checkpoint holds arrived in the model, bit for bit."""
        compare_names("unlike the checkpoint", run.unlike, ())

    def test_head_has_one_row_a_label(self, run: Record) -> None:
        """`num_labels` shapes the last layer, which is the last matrix outside the encoder."""
        if run.task == "causal_lm":
            pytest.skip("not observable: a language model's last layer is its vocabulary")
        own = [p for p in run.parameters if not p.adapter]
        head = [p for p in own if not p.name.startswith(f"{run.base_prefix}.")]
        matrices = [p.name for p in head if len(p.shape) > 1]
        assert matrices, "the model has no classifier"
        last = matrices[-1].rpartition(".")[0]
        for parameter in head:
            if parameter.name.rpartition(".")[0] == last:
                compare(f"{parameter.name}: rows", parameter.shape[:1], [len(run.label_names)])
