"""RTMP, sans-I/O: bytes in, messages and bytes out. Pure: no socket, clock, chance or setting.

Sections are those of Adobe's "Real-Time Messaging Protocol (RTMP) specification", version 1.0, and
of its "Action Message Format -- AMF 0". All bytes come from strangers. So nothing recurses on them,
every length, depth and count has a limit, and nothing but RtmpError is raised because of them.
"""
