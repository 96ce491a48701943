"""Decoding of what moves, in a process of its own: `python -m veriscope.ingest.decoder JOB`, the file on standard input.

FFmpeg is a million lines of C that read hostile bytes. Here its worst costs one input: the process has limits on time, memory
and files, is handed one open file instead of a name, and is killed when its reader goes away. Only `wire` is shared with
the other side; PyAV is imported nowhere else.
"""
