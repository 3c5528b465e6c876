"""ALBERT's tokenizer gives no token types, though its model tells two of them apart.

Without the harness: `python tests/plain/albert_token_types.py`. transformers 4.57 prints
`['attention_mask', 'input_ids', 'token_type_ids'] 2` where 5.0 and newer leave the last one out.
"""

import sys

from transformers import AlbertConfig, AlbertTokenizer

if __name__ == "__main__":
    texts = ["one sentence", "another one"]
    tokenizer = AlbertTokenizer().train_new_from_iterator(texts, vocab_size=100)
    sys.stdout.write(f"{sorted(tokenizer(*texts))} {AlbertConfig().type_vocab_size}\n")
