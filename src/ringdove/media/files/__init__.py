"""Work on audio files, done by a process of its own for each: `process` starts it, `wire` is what it answers.

It alone loads numpy and the decoders, so that the server stays small and a hostile file harms nothing. Nothing here
knows what a file is for.
"""
