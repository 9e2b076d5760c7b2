"""What the worker does for each kind of request: fetch from the cache, else compute and keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .. import cache
from ..errors import AudioError, ModelError, SpecError
from ..specs import (
    AnalyzeSong,
    Answer,
    Clip,
    DescribeModel,
    Heard,
    Keyframe,
    Measured,
    MeasureFilm,
    Model,
    ModelFacts,
    Painted,
    Picture,
    Request,
    Walked,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..diffusion.pipeline import Painter


class Report(Protocol):
    """Tells how far a job is; raises to stop a cancelled one."""

    def __call__(self, stage: str, done: float, total: float) -> None: ...


class Handlers:
    """The jobs, and the one model kept warm between them.

    The heavy libraries are imported by the first job that needs them: hearing a song should not wait
    for torch.
    """

    def __init__(self) -> None:
        self._painter: Painter | None = None
        self._painter_of: Model | None = None
        self._hashes: dict[tuple[tuple[str, int, int], ...], str] = {}

    def do(self, request: Request, results: Path, report: Report) -> Answer:
        """Do one job. Raises a `CoreError` for whatever the asker can mend."""
        match request:
            case AnalyzeSong():
                return self._analyze(request, results, report)
            case DescribeModel():
                return self._describe(request)
            case Keyframe():
                return self._keyframe(request, results, report)
            case Clip():
                return self._clip(request, results, report)
            case MeasureFilm():
                return self._measure(request, report)

    def free(self) -> None:
        """Drop the warm model."""
        if self._painter is not None:
            self._painter.free()
        self._painter = self._painter_of = None

    def _analyze(self, request: AnalyzeSong, results: Path, report: Report) -> Heard:
        path = Path(request.path)
        if not path.is_file():
            raise AudioError(f"There is no song at {path}. Choose the file again.")
        folder = cache.song_folder(results, cache.sha256_file(path), request.fps, request.segment_s)
        try:
            cache.load_analysis(folder)
            return Heard(str(folder), cached=True)
        except (OSError, ValueError, EOFError, SpecError):
            pass  # not heard yet, or damaged since: hear it now
        from ..song import listen

        analysis = listen(
            path, request.fps, request.segment_s, lambda stage, share: report(stage, share, 1.0)
        )
        cache.save_analysis(folder, analysis)
        return Heard(str(folder), cached=False)

    def _describe(self, request: DescribeModel) -> ModelFacts:
        folder = Path(request.folder)
        sha256 = self._hash(folder)
        painter = self._load(Model(str(folder), sha256))
        return ModelFacts(
            sha256, str(painter.device), str(painter.dtype).removeprefix("torch."), painter.name
        )

    def _keyframe(self, recipe: Keyframe, results: Path, report: Report) -> Painted:
        picture = cache.find_keyframe(results, recipe)
        if picture is not None:
            return Painted(picture, cached=True, denoiser_evaluations=0)
        from ..diffusion.keyframe import paint
        from ..diffusion.pictures import png

        painter = self._load(recipe.model)
        before = painter.evaluations
        pixels = paint(painter, recipe, lambda share: report("keyframe", share, 1.0))
        picture = cache.save_keyframe(results, recipe, png(pixels))
        return Painted(picture, False, painter.evaluations - before)

    def _clip(self, recipe: Clip, results: Path, report: Report) -> Walked:
        folder = cache.clip_folder(results, recipe)
        ledger = cache.FrameLedger(folder, recipe)
        count = len(recipe.positions)
        missing = ledger.missing()
        evaluations = self._walk(recipe, ledger, missing, report) if missing else 0
        return Walked(str(folder), count, len(missing), count - len(missing), evaluations)

    def _walk(
        self, recipe: Clip, ledger: cache.FrameLedger, missing: list[int], report: Report
    ) -> int:
        from ..diffusion.pictures import png
        from ..diffusion.walk import walk

        painter = self._load(recipe.model)
        before = painter.evaluations
        frames_at: dict[int, list[int]] = {}
        for k in missing:
            frames_at.setdefault(recipe.positions[k], []).append(k)
        start = _read(recipe.start, recipe.width, recipe.height)
        end = _read(recipe.end, recipe.width, recipe.height)
        done = len(recipe.positions) - len(missing)
        steps = walk(
            painter,
            recipe,
            start,
            end,
            sorted(frames_at),
            lambda _: report("clip", done, len(recipe.positions)),
        )
        for position, pixels in steps:
            file = png(pixels)
            for k in frames_at[position]:
                ledger.add(k, file)
                done += 1
            report("clip", done, len(recipe.positions))
        return painter.evaluations - before

    def _measure(self, request: MeasureFilm, report: Report) -> Measured:
        from ..measures.report import measure

        return Measured(
            measure(request, lambda stage, share: report(f"measuring {stage}", share, 1.0))
        )

    def _load(self, model: Model) -> Painter:
        if self._painter is not None and self._painter_of == model:
            return self._painter
        if self._hash(Path(model.folder)) != model.sha256:
            raise ModelError(
                f"The model in {model.folder} is not the one this recipe was made with. "
                "Generate again to use it as it is now."
            )
        self.free()
        from ..diffusion.pipeline import Painter

        self._painter, self._painter_of = Painter.load(model), model
        return self._painter

    def _hash(self, folder: Path) -> str:
        """Hash a model folder once for as long as no file in it changes its size or time."""
        if not folder.is_dir():
            raise ModelError(f"There is no model folder at {folder}. Choose it in the preferences.")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        key = tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files)
        if key not in self._hashes:
            self._hashes[key] = cache.sha256_model(folder)
        return self._hashes[key]


def _read(picture: Picture, width: int, height: int) -> NDArray[np.uint8]:
    from ..diffusion.pictures import fit, read

    path = Path(picture.path)
    try:
        sha256 = cache.sha256_file(path)
    except OSError as error:
        raise SpecError(f"The keyframe {path} cannot be read: {error.strerror}.") from error
    if sha256 != picture.sha256:
        raise SpecError(
            f"The keyframe {path} changed since the clip was asked for. Generate again."
        )
    return fit(read(path), width, height)
