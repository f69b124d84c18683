"""A morning of a real Moodle, sent to the running server: the main job on real input in one command."""
