"""Start the worker: listen on stdin, answer on what stdout was."""

from __future__ import annotations

import os
import sys
import traceback

from .loop import Loop


def main() -> None:
    """Serve until stdin closes.

    The protocol gets a duplicate of stdout and file descriptor 1 is pointed at stderr, so that no
    library's print, not even one from C, can break a message.
    """
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        try:
            Loop(sys.stdin.buffer, out).run()
        except BaseException:
            # The listening thread holds stdin; an orderly shutdown would abort on its lock.
            traceback.print_exc()
            os._exit(1)


if __name__ == "__main__":
    main()
