"""The whole main job on the bundled song, through the operators that a person presses."""
