"""What the worker answers, and what it never does twice."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from core import cache
from core.client import JobCancelledError
from core.errors import AudioError, ModelError, SpecError
from core.protocol import Cancelled, Progress
from core.specs import AnalyzeSong, DescribeModel, MeasureFilm


def test_a_song_is_heard_once(worker, results, song):
    ask = AnalyzeSong(str(song), 24, 1)
    first = worker.wait(worker.submit(ask, results))
    assert not first.cached
    heard = cache.load_analysis(Path(first.folder))
    assert heard.duration_s == pytest.approx(4.0, abs=1e-3)
    again = worker.wait(worker.submit(ask, results))
    assert again.cached
    assert again.folder == first.folder


def test_a_damaged_analysis_is_heard_again(worker, results, song):
    ask = AnalyzeSong(str(song), 24, 1)
    folder = Path(worker.wait(worker.submit(ask, results)).folder)
    (folder / "curves.npy").write_bytes(b"not an array")
    assert not worker.wait(worker.submit(ask, results)).cached
    cache.load_analysis(folder)


@pytest.mark.parametrize("name", ["missing.wav", "noise.mp3"])
def test_what_is_no_song_is_refused_by_name(worker, results, tmp_path, name):
    (tmp_path / "noise.mp3").write_bytes(b"these are words, not music" * 40)
    with pytest.raises(AudioError, match=name):
        worker.wait(worker.submit(AnalyzeSong(str(tmp_path / name), 24, 1), results))


def test_a_model_is_described_and_missed_by_name(worker, results, model, tmp_path):
    facts = worker.wait(worker.submit(DescribeModel(model.folder), results))
    assert facts.sha256 == model.sha256
    with pytest.raises(ModelError, match="nowhere"):
        worker.wait(worker.submit(DescribeModel(str(tmp_path / "nowhere")), results))


def test_another_model_than_the_recipes_is_refused(worker, results, keyframe):
    other = replace(keyframe, model=replace(keyframe.model, sha256="00" * 32))
    with pytest.raises(ModelError, match="not the one this recipe was made with"):
        worker.wait(worker.submit(other, results))


def test_a_film_is_measured_and_a_missing_one_is_named(worker, results, song, tmp_path):
    from tests import films

    film = films.still()
    ask = MeasureFilm(str(films.write(film, tmp_path / "film.mp4")), str(song), 0.0, film.shots)
    seen: list[Progress] = []
    answer = worker.wait(worker.submit(ask, results), seen.append)
    measures = {m.name: m for m in answer.measures}
    assert measures["still_share"].value == 1
    assert measures["beat_f_measure"].p == 1
    assert {p.stage for p in seen} >= {"measuring film", "measuring linear walk", "measuring song"}
    with pytest.raises(SpecError, match=r"gone\.mp4"):
        worker.wait(worker.submit(replace(ask, film=str(tmp_path / "gone.mp4")), results))


def test_a_keyframe_is_painted_once_and_the_same_in_another_process(
    worker, start, results, keyframe
):
    one, two = worker, start()
    first = one.wait(one.submit(keyframe, results))
    assert first.denoiser_evaluations > 0
    again = one.wait(one.submit(keyframe, results))
    assert again.cached
    assert again.denoiser_evaluations == 0
    elsewhere = two.wait(two.submit(keyframe, results.parent / "other"))
    assert not elsewhere.cached
    assert elsewhere.picture.sha256 == first.picture.sha256


def bytes_of(folder: str) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(Path(folder).glob("*.png"))]


def test_a_clip_of_f_frames_is_f_files_and_is_made_once(worker, results, clip):
    walked = worker.wait(worker.submit(clip, results))
    assert walked.frame_count == walked.frames_computed == len(clip.positions)
    assert len(bytes_of(walked.folder)) == len(clip.positions)
    distinct = set(clip.positions) - {0, 1024}
    assert 0 < walked.denoiser_evaluations <= clip.steps * len(distinct)
    again = worker.wait(worker.submit(clip, results))
    assert (again.frames_computed, again.frames_cached) == (0, len(clip.positions))
    assert again.denoiser_evaluations == 0


def test_equal_positions_are_denoised_once(worker, results, clip):
    still = replace(clip, positions=(0, 500, 500, 500, 500, 900))
    walked = worker.wait(worker.submit(still, results))
    assert walked.denoiser_evaluations <= clip.steps * 2
    assert len(set(bytes_of(walked.folder)[1:5])) == 1


def test_the_first_frame_is_the_keyframe_itself(worker, results, clip):
    from PIL import Image

    walked = worker.wait(worker.submit(clip, results))
    with Image.open(clip.start.path) as a, Image.open(Path(walked.folder) / "000000.png") as b:
        assert a.tobytes() == b.tobytes()


def test_a_damaged_frame_is_made_again_and_is_the_same(worker, results, clip):
    walked = worker.wait(worker.submit(clip, results))
    before = bytes_of(walked.folder)
    (Path(walked.folder) / "000007.png").write_bytes(b"\x89PNG cut short")
    (Path(walked.folder) / "000020.png").unlink()
    again = worker.wait(worker.submit(clip, results))
    assert again.frames_computed == 2
    assert bytes_of(walked.folder) == before


def test_a_keyframe_that_changed_meanwhile_is_refused(worker, results, clip):
    Path(clip.start.path).write_bytes(b"another picture")
    with pytest.raises(SpecError, match=r"a\.png changed"):
        worker.wait(worker.submit(clip, results))


def test_a_cancelled_clip_keeps_its_frames_and_goes_on_from_there(worker, results, clip):
    long = replace(clip, steps=30)
    job = worker.submit(long, results)

    def stop_after_some(progress: Progress) -> None:
        if progress.done >= 6:
            worker.cancel(job)

    with pytest.raises(JobCancelledError):
        worker.wait(job, stop_after_some)
    kept = len(list((cache.clip_folder(results, long)).glob("*.png")))
    assert 6 <= kept < len(long.positions)
    rest = worker.wait(worker.submit(long, results))
    assert rest.frames_cached == kept


def test_a_job_cancelled_in_the_queue_never_starts(worker, results, clip):
    first = worker.submit(replace(clip, steps=30), results)
    second = worker.submit(replace(clip, seed=9), results)
    worker.cancel(second)
    worker.cancel(first)
    with pytest.raises(JobCancelledError):
        worker.wait(first)
    ended = []
    while not ended:
        ended = [m for m in worker.poll() if isinstance(m, Cancelled)]
    assert ended == [Cancelled(second)]
    assert not cache.clip_folder(results, replace(clip, seed=9)).exists()
