"""The relay `restream`: RTMP in, RTMP out, in a process of its own."""
