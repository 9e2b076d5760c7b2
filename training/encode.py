"""Turn the packed dataset into latents and text states, and freeze the text encoder's vocabulary.

python -m training.encode
"""

import torch
from transformers import BertModel, BertTokenizer

from .data import read_captions, read_pictures, to_tensor
from .export import newest_vae
from .paths import BUILD
from .stage import BY_NAME, STAGED
from .text import cut_encoder, pruned_vocabulary, text_states, write_tokenizer
from .words import LIGHT_WORDS, PLACE_NAMES, PLACE_WORDS, SONG_LINES, STYLES, WEATHER_WORDS, sung

LATENTS = BUILD / "latents.pt"
STATES = BUILD / "states.pt"


def all_words() -> list[str]:
    """Everything that a caption can be made of."""
    tables = (PLACE_WORDS, PLACE_NAMES, LIGHT_WORDS, WEATHER_WORDS)
    phrases = [phrase for table in tables for row in table.values() for phrase in row]
    lines = [line for row in SONG_LINES.values() for line in row]
    return [*phrases, *lines, *STYLES, *(w for s in BY_NAME.values() for w in (s.name, *s.words))]


def write_text_encoder() -> None:
    """Cut the encoder and its tokenizer."""
    pieces = pruned_vocabulary(all_words())
    write_tokenizer(pieces, BUILD / "tokenizer")
    cut_encoder(pieces).save_pretrained(str(BUILD / "text_encoder"))


@torch.no_grad()
def write_latents() -> None:
    """Encode every picture; latents are scaled to unit variance and kept in half precision."""
    vae = newest_vae().to(memory_format=torch.channels_last)
    pictures = read_pictures()
    parts = []
    for start in range(0, len(pictures), 16):
        latents = vae.encode(to_tensor(pictures[start : start + 16])).latents
        parts.append((latents * vae.config.scaling_factor).half().contiguous())
        if start % 1600 == 0:
            print(f"{start} of {len(pictures)}", flush=True)
    torch.save(torch.cat(parts), LATENTS)


def write_states() -> None:
    """Encode every distinct caption once; the empty prompt comes first."""
    table = read_captions()
    rows = [
        [*captions, sung(subject, captions[0], turn // len(STAGED))]
        for turn, (subject, *captions) in enumerate(table)
    ]
    distinct = ["", *sorted({caption for row in rows for caption in row})]
    place = {caption: index for index, caption in enumerate(distinct)}
    tokenizer = BertTokenizer.from_pretrained(str(BUILD / "tokenizer"))
    encoder = BertModel.from_pretrained(str(BUILD / "text_encoder")).eval()
    index = torch.tensor([[place[caption] for caption in row] for row in rows])
    states = text_states(distinct, tokenizer, encoder)
    subjects = [subject for subject, *_ in table]
    torch.save({"states": states, "index": index, "subjects": subjects}, STATES)
    print(f"{len(distinct)} captions", flush=True)


def main() -> None:
    torch.set_num_threads(2)
    write_text_encoder()
    write_states()
    write_latents()


if __name__ == "__main__":
    main()
