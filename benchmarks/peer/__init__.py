"""Strophe beside the program it is most alike: stable-diffusion-videos 0.9.2, which walks a prompt at
the pace of a song's percussion too.

`python -m benchmarks.peer` builds that program's own environment in `.venv/peer` and measures both on
the same song, with the same model folder, in turn. The driver needs Python's own library alone; a
child in each environment does the work.
"""
