"""Children that die, hang, lie and talk rubbish."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import cache
from core.client import Worker
from core.errors import WorkerError
from core.specs import DescribeModel, to_json

ROOT = Path(__file__).parent.parent.parent


def impostor(folder: Path, script: str) -> Path:
    """An executable that takes the place of the runtime's Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_missing_runtime_is_named(tmp_path):
    with pytest.raises(WorkerError, match=r"no runtime at .*nowhere.* preferences"):
        Worker(tmp_path / "nowhere", tmp_path / "log", tmp_path / "cwd")


def test_a_file_that_is_no_program_is_named(tmp_path):
    (tmp_path / "python").write_text("words")
    with pytest.raises(WorkerError, match="cannot be started"):
        Worker(tmp_path / "python", tmp_path / "log", tmp_path / "cwd")


def test_a_worker_that_dies_fails_its_job_with_its_last_words(start, results, tmp_path):
    worker = start(impostor(tmp_path, "read line; echo 'no such library' >&2; exit 3"))
    job = worker.submit(DescribeModel("/m"), results)
    with pytest.raises(WorkerError, match=r"(?s)exit code 3.*no such library"):
        worker.wait(job)


def test_rubbish_and_answers_nobody_asked_for_are_passed_over(start, results, tmp_path):
    answer = (
        '{"type":"Finished","job":1,"answer":{"kind":"ModelFacts",'
        '"sha256":"x","device":"cpu","dtype":"float32","pipeline":"p"}}'
    )
    script = f"""read line
printf 'rubbish\\n\\377\\376\\n{{}}\\n'
echo '{{"type":"Finished","job":77,"answer":{{"kind":"Heard","folder":"","cached":true}}}}'
echo '{answer}'
echo '{answer}'
cat"""
    worker = start(impostor(tmp_path, script))
    facts = worker.wait(worker.submit(DescribeModel("/m"), results))
    assert facts.sha256 == "x"
    assert list(worker.poll()) == []


def test_a_library_that_prints_does_not_break_a_message(start, results, model, tmp_path):
    """Anything the worker's libraries print goes to the log, not between the messages."""
    site = tmp_path / "noisy"
    site.mkdir()
    (site / "run.py").write_text(
        "import os, sys, runpy\n"
        "import core.worker.handlers as h\n"
        "real = h.Handlers.do\n"
        "def do(self, *a):\n"
        "    print('from python'); os.write(1, b'from C'); return real(self, *a)\n"
        "h.Handlers.do = do\n"
        "runpy.run_module('core.worker', run_name='__main__')\n"
    )
    worker = start(impostor(tmp_path, f'exec "{sys.executable}" "{site / "run.py"}"'))
    facts = worker.wait(worker.submit(DescribeModel(model.folder), results))
    assert facts.sha256 == model.sha256
    assert "from C" in (tmp_path / "worker.log").read_text()


def test_the_worker_leaves_within_two_seconds_of_its_parents_death(tmp_path, clip, results):
    """The parent is killed outright while a clip is being made."""
    recipe = tmp_path / "recipe.json"
    recipe.write_text(to_json(clip))
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import sys, time
from pathlib import Path
from core.client import Worker
from core.specs import Clip, from_json
w = Worker(Path(sys.executable), Path({str(tmp_path / "log")!r}), Path({str(tmp_path)!r}))
w.submit(from_json(Clip, Path({str(recipe)!r}).read_text()), Path({str(results)!r}))
print(w.pid, flush=True)
time.sleep(60)
""",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 2
    while _runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """Whether a process is there and not a zombie that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("moment", [1, 20])
def test_a_killed_clip_goes_on_and_is_the_same_film(worker, start, results, clip, moment):
    undisturbed = worker.wait(worker.submit(clip, results.parent / "undisturbed"))
    killed = start()
    killed.submit(clip, results)
    folder = cache.clip_folder(results, clip)
    while len(list(folder.glob("*.png"))) < moment:
        assert killed.alive
        time.sleep(0.001)
    os.kill(killed.pid, signal.SIGKILL)
    while killed.alive:
        time.sleep(0.001)
    kept = len((folder / "frames.jsonl").read_bytes().splitlines())
    walked = worker.wait(worker.submit(clip, results))
    assert walked.frames_cached >= kept - 1
    for k in range(len(clip.positions)):
        name = cache.frame_name(k)
        assert (folder / name).read_bytes() == (Path(undisturbed.folder) / name).read_bytes()
    assert not list(folder.glob("*.part")) or walked.frames_computed


def test_the_worker_never_sees_blenders_python_settings(start, results, monkeypatch, model):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    worker = start()
    assert worker.wait(worker.submit(DescribeModel(model.folder), results)).sha256 == model.sha256


def test_nothing_in_the_working_directory_is_imported(start, results, model, tmp_path):
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "torch.py").write_text("raise SystemExit('imported from the cwd')")
    worker = start()
    assert worker.wait(worker.submit(DescribeModel(model.folder), results)).sha256 == model.sha256
