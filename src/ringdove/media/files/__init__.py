"""Work on audio files, each by a process of its own: `process` has it done, `wire` is what is answered.

They alone load numpy and the decoders, so that the server stays small and a hostile file harms nothing. Nothing here
knows what a file is for.
"""
