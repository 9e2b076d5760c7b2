"""The text encoder: all-MiniLM-L6-v2 cut down to its first layers and the word pieces we need."""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, BertTokenizer

from .paths import MINILM

LAYERS = 2
WORD_PIECES = 8000
TOKENS = 32
POSITIONS = 64
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def pruned_vocabulary(captions: Iterable[str], source: Path = MINILM) -> list[str]:
    """Return about `WORD_PIECES` pieces: all single letters, all caption words, the commonest rest.

    BERT's list runs from frequent to rare, so its head is the common English words. Keeping every
    single ASCII piece (`a`, `##a`) means that an unknown word still splits into pieces.
    """
    full = (source / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    used = {piece for caption in captions for piece in tokenizer.encode(caption).tokens}
    plain = [p for p in full if p.removeprefix("##").isascii() and not p.startswith("[unused")]
    single = {p for p in plain if len(p.removeprefix("##")) == 1}
    kept = set(SPECIAL) | single | (used & set(full))
    words = (p for p in plain if p.removeprefix("##").isalpha() and p not in kept)
    for piece in words:
        if len(kept) >= WORD_PIECES:
            break
        kept.add(piece)
    return SPECIAL + [p for p in full if p in kept and p not in SPECIAL]


def cut_encoder(pieces: list[str], source: Path = MINILM) -> BertModel:
    """Return the first `LAYERS` layers of MiniLM with the embedding rows of `pieces`."""
    full = (source / "vocab.txt").read_text(encoding="utf-8").splitlines()
    row = {piece: index for index, piece in enumerate(full)}
    whole = BertModel.from_pretrained(str(source))
    config = BertConfig.from_pretrained(str(source))
    config.vocab_size = len(pieces)
    config.num_hidden_layers = LAYERS
    config.max_position_embeddings = POSITIONS
    # The pipeline passes the attention mask only when this is set.
    config.use_attention_mask = True
    encoder = BertModel(config, add_pooling_layer=True).eval()
    state = whole.state_dict()
    rows = torch.tensor([row[piece] for piece in pieces])
    words, places = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
    state[words] = state[words][rows]
    state[places] = state[places][:POSITIONS]
    encoder.load_state_dict({key: state[key] for key in encoder.state_dict()})
    return encoder.requires_grad_(False)


def write_tokenizer(pieces: list[str], folder: Path) -> None:
    """Write `folder` so that both old (vocab.txt) and new (tokenizer.json) transformers load it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    ids = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=64))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])
    )
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": TOKENS,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")


@torch.no_grad()
def text_states(
    captions: list[str], tokenizer: BertTokenizer, encoder: BertModel, batch: int = 256
) -> torch.Tensor:
    """Return what the pipeline would feed the denoiser: (captions, TOKENS, 384), half precision."""
    parts = []
    for start in range(0, len(captions), batch):
        tokens = tokenizer(
            captions[start : start + batch],
            padding="max_length",
            max_length=TOKENS,
            truncation=True,
            return_tensors="pt",
        )
        states = encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
        parts.append(states.half())
    return torch.cat(parts)
