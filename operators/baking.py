"""The buttons that write curves anew, once the song has been followed to where it lies now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import curves, names
from .jobs import Body, JobOperator, SceneRef
from .song import follow


def _after_following(ref: SceneRef, write: Callable[[SceneRef], Iterator[None]]) -> Body[None]:
    yield from follow(ref)
    yield from write(ref)


class STROPHE_OT_rebake(JobOperator):
    """Write the heard curves anew with these settings. The drive curve is left alone"""

    bl_idname = names.REBAKE
    bl_label = "Rebake"

    def body(self, ref: SceneRef) -> Body[None]:
        return _after_following(ref, curves.rebake)


class STROPHE_OT_reset_drive(JobOperator):
    """Derive the drive curve from the heard curves again. Your edits to it are lost; undo helps"""

    bl_idname = names.RESET_DRIVE
    bl_label = "Reset Drive"

    def body(self, ref: SceneRef) -> Body[None]:
        return _after_following(ref, curves.reset_drive)


CLASSES = (STROPHE_OT_rebake, STROPHE_OT_reset_drive)
