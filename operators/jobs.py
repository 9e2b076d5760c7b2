"""One body, two drivers.

A body is a generator: it yields requests to the worker and is sent their answers, and it yields None
where Blender may take a breath. Run from a script it blocks until the body is through; pressed in the
window it is queued, and one app timer carries it on a few milliseconds at a time. There is no modal
operator: Blender skips autosave while one runs.

A body must not keep a reference to Blender's data across a yield: an undo in between makes it
invalid. It fetches the scene anew from its `SceneRef`.
"""

from __future__ import annotations

import atexit
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import bpy

from ..core.client import FromWorker, JobCancelledError, Worker
from ..core.errors import CoreError, SpecError, error_from_name
from ..core.protocol import Cancelled, Failed, Finished, Progress
from ..core.specs import Answer, Request
from . import names, preferences
from .blend import timeline

Result = TypeVar("Result")
Body = Generator[Request | None, Answer, Result]
TICK_S = 0.02
BUDGET_S = 0.004
"""A tick stops taking up new work after this long; a single step may overrun it a little."""


@dataclass(frozen=True)
class SceneRef:
    """A scene that outlives undo and renaming."""

    session_uid: int

    def __call__(self) -> bpy.types.Scene:
        """Fetch the scene. Raises `SpecError` once it is deleted."""
        for scene in bpy.data.scenes:
            if scene.session_uid == self.session_uid:
                return scene
        raise SpecError("The scene this was made for is gone. Run the step again in another scene.")

    @property
    def results(self) -> Path:
        """The project's results folder, beside the .blend file."""
        scene = self()
        if not bpy.data.filepath:
            raise SpecError("Save the .blend file first: Strophe keeps its results beside it.")
        if not scene.strophe.results:
            scene.strophe.results = f"//{Path(bpy.data.filepath).stem}.strophe"
        return Path(bpy.path.abspath(scene.strophe.results))


def scene_ref(context: bpy.types.Context) -> SceneRef:
    """Point at the scene whose sequencer is meant."""
    return SceneRef(timeline.sequencer_scene(context).session_uid)


@dataclass(eq=False)
class _Task:
    title: str
    body: Body[None]
    scene: SceneRef
    quiet: bool = False
    # not the editor's own doing: neither shown as an error nor a step of undo
    cancelled: bool = False
    job: int | None = None
    # the request that it waits for


_tasks: deque[_Task] = deque()
_worker: Worker | None = None
_shown: tuple[object, ...] = ()


def worker() -> Worker:
    """Return the running worker, started if need be."""
    global _worker
    if _worker is not None and not _worker.alive:
        dead, _worker = _worker, None
        for message in dead.poll():  # what it still owed
            _deliver(message)
        dead.close()
    if _worker is None:
        cwd = Path(bpy.utils.extension_path_user(preferences.ADDON, create=True))
        _worker = Worker(
            preferences.runtime_python(), cwd / "worker.log", cwd, online=bpy.app.online_access
        )
    return _worker


def stop_worker() -> None:
    """End the worker, if one runs."""
    global _worker
    if _worker is not None:
        _worker.close()
        _worker = None


class JobOperator(bpy.types.Operator):
    """Base of operators that ask the worker for something. `bl_label` names it, `body` says what."""

    def body(self, scene: SceneRef) -> Body[None]:
        """Return the body. It takes its settings along: the operator itself is gone by then."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Scripts and Blender without a window: block until it is done, raise what went wrong."""
        scene = scene_ref(context)
        try:
            _run(self.body(scene), scene)
        except CoreError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except JobCancelledError:
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """The window: queue it and return at once."""
        scene = scene_ref(context)
        start(self.bl_label, self.body(scene), scene)
        return {"FINISHED"}


def start(title: str, body: Body[None], scene: SceneRef, *, quiet: bool = False) -> None:
    """Queue a body; the timer carries it on. A quiet one is no step of undo and tells of no error."""
    _tasks.append(_Task(title, body, scene, quiet))
    if not quiet:
        job = bpy.context.window_manager.strophe_job
        job.error, job.stage, job.share = "", "", 0.0
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, persistent=True)


def busy() -> bool:
    """Whether anything is queued or going on."""
    return bool(_tasks)


def cancel_all() -> None:
    """Stop what is going on and forget what is queued. Whole shots and whole frames stay."""
    while len(_tasks) > 1:
        _tasks.pop().body.close()
    for task in _tasks:
        task.cancelled = True
        if task.job is not None and _worker is not None:
            _worker.cancel(task.job)


def tick() -> float | None:
    """Carry the queue on for a few milliseconds. Returns when to be called again."""
    until = time.perf_counter() + BUDGET_S
    _take_messages()
    while _tasks and _tasks[0].job is None and time.perf_counter() < until:
        _advance(_tasks[0], _first_step(_tasks[0]))
    _show()
    return TICK_S if _tasks else None


def _run(body: Body[None], scene: SceneRef) -> None:
    """The blocking driver. What was queued before comes first: both share one worker."""
    while _tasks:
        tick()
        time.sleep(TICK_S)
    step: Callable[[], Request | None] = partial(next, body)
    console = _Console()
    while True:
        try:
            request = step()
        except StopIteration:
            return
        step = partial(next, body)
        if request is None:
            continue
        try:
            answer = worker().wait(worker().submit(request, scene.results), console)
            step = partial(body.send, answer)
        except (CoreError, JobCancelledError) as error:
            step = partial(body.throw, error)


class _Console:
    """Progress in the terminal for the blocking driver, a line whenever the stage changes."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._stage = progress.stage
            print(f"  {progress.stage} …", flush=True)


def _take_messages() -> None:
    for message in _worker.poll() if _worker is not None else ():
        _deliver(message)


def _deliver(message: FromWorker) -> None:
    """Hand a message to the task whose job it is about; what nobody waits for is dropped."""
    job = getattr(message, "job", None)
    task = next((task for task in _tasks if task.job is not None and task.job == job), None)
    if task is None:
        return
    if isinstance(message, Progress):
        _show_progress(message)
        return
    task.job = None
    if isinstance(message, Finished):
        _advance(task, partial(task.body.send, message.answer))
    elif isinstance(message, Failed):
        error = error_from_name(message.error, message.message)
        _advance(task, partial(task.body.throw, error))
    elif isinstance(message, Cancelled):
        _advance(task, partial(task.body.throw, JobCancelledError()))


def _first_step(task: _Task) -> Callable[[], Request | None]:
    if task.cancelled:
        return partial(task.body.throw, JobCancelledError())
    return partial(next, task.body)


def _advance(task: _Task, step: Callable[[], Request | None]) -> None:
    try:
        request = step()
        if request is not None:
            try:
                task.job = worker().submit(request, task.scene.results)
            except CoreError as error:
                return _advance(task, partial(task.body.throw, error))
            if task.cancelled:
                worker().cancel(task.job)
    except StopIteration:
        _finish(task, "")
    except JobCancelledError:
        _finish(task, "")
    except CoreError as error:
        task.body.close()
        _finish(task, str(error))
    except Exception as error:
        # A fault of ours. Blender drops a timer that raises, and with it all that is queued.
        traceback.print_exc()
        task.body.close()
        _finish(task, f"{type(error).__name__}: {error}")


def _finish(task: _Task, error: str) -> None:
    _tasks.remove(task)
    if error:
        print(f"Strophe: {task.title}: {error}")
    if task.quiet:
        return
    if error:
        bpy.context.window_manager.strophe_job.error = f"{task.title}: {error}"
    push_undo(f"Strophe: {task.title}")


def push_undo(message: str) -> None:
    """Make what a body did one step of Blender's undo."""
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)


def _show_progress(progress: Progress) -> None:
    job = bpy.context.window_manager.strophe_job
    rate = f", {progress.rate:.1f}/s" if progress.rate and progress.total > 1 else ""
    of = f" {progress.done:.0f}/{progress.total:.0f}" if progress.total > 1 else ""
    job.stage = f"{progress.stage}{of}{rate}"
    job.share = min(1.0, progress.done / progress.total) if progress.total else 0.0


def _show() -> None:
    """Have the panel drawn anew when there is something new to see."""
    global _shown
    job = bpy.context.window_manager.strophe_job
    task = next((task for task in _tasks if not task.quiet), None)
    now = (task is not None, task.title if task else "", job.stage, round(job.share, 2), job.error)
    if now == _shown:
        return
    _shown = now
    job.running, job.title = now[:2]
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


@bpy.app.handlers.persistent
def _forget_all(*_: object) -> None:
    """Another file is about to be loaded: what is going on belongs to this one."""
    cancel_all()
    while _tasks:
        _tasks.pop().body.close()


class STROPHE_OT_cancel(bpy.types.Operator):
    """Stop what Strophe is doing. Finished shots stay on the timeline, finished frames in the cache"""

    bl_idname = names.CANCEL
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        cancel_all()
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(STROPHE_OT_cancel)
    bpy.app.handlers.load_pre.append(_forget_all)
    atexit.register(stop_worker)


def unregister() -> None:
    _forget_all()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    atexit.unregister(stop_worker)
    stop_worker()
    bpy.app.handlers.load_pre.remove(_forget_all)
    bpy.utils.unregister_class(STROPHE_OT_cancel)
