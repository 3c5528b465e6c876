"""A tokenizer without a class of its own, such as ModernBERT's, ignores `add_prefix_space`.

Without the harness: `python tests/plain/words_without_space.py`. transformers 4.57 prints the same
tokens for words as for the text that they make; 5.0 and newer leave out the space before each word,
with which running text, and so the checkpoint's pretraining, has it.
"""

import sys
import tempfile

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

WORDS = ["some", "two", "words"]


def main() -> None:
    """Print the tokens of a text, and those of its words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(WORDS)] * 9, trainer)
    with tempfile.TemporaryDirectory() as folder:
        PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
        loaded = PreTrainedTokenizerFast.from_pretrained(folder, add_prefix_space=True)
    text = loaded.tokenize(f" {' '.join(WORDS)}")
    words = loaded(WORDS, is_split_into_words=True).tokens()
    sys.stdout.write(f"{text}\n{words}\n")


if __name__ == "__main__":
    main()
