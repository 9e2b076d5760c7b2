"""What a film is like, in figures: in time with its song, steady, and safe to look at.

`report.measure` takes a film and a song; `python -m core.measures film.mp4 song.ogg` prints what it
finds.
"""
