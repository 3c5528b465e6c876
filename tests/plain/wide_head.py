"""T5's head for labels of tokens is drawn with a deviation of 1, whatever the width of the model.

Without the harness: `python tests/plain/wide_head.py` prints the deviation of a fresh head's logits
for features of unit variance, of T5 and of BERT: 22.6 and 0.5 at 512 features, so that
T5's first loss is many times chance.
"""

import sys

from transformers import BertConfig, BertForTokenClassification, T5Config, T5ForTokenClassification

WIDTH = 512


def main() -> None:
    """Print a line a model."""
    t5 = T5Config(d_model=WIDTH, d_ff=8, num_layers=1, num_heads=1, d_kv=8, num_labels=50)
    bert = BertConfig(
        hidden_size=WIDTH,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_labels=50,
    )
    for model in (T5ForTokenClassification(t5), BertForTokenClassification(bert)):
        deviation = model.classifier.weight.std().item() * WIDTH**0.5
        sys.stdout.write(f"{model.config.model_type} {deviation:.1f}\n")


if __name__ == "__main__":
    main()
