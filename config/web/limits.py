"""What one client may cost the web process. Both servers are started with these; nothing here does any work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults suit a public site; config.web takes the sizes of sockets from settings."""

    socket_bytes: int = 64 * 1024
    """The largest message a client may send."""
    socket_fragments: int = 256
    """The most frames one message of a client may be cut into."""
    socket_unread_frames: int = 64
    """Messages that wait for the application before a socket is no longer read."""
    socket_behind_frames: int = 256
    """Frames a reader may be behind, counted from when the kernel takes no more for it."""
    socket_behind_bytes: int = 1024 * 1024
    socket_send_buffer_bytes: int = 64 * 1024
    """What the kernel is asked to hold for one reader; Linux doubles it."""
    slow_reader_seconds: float = 2.0
    """How long a reader may take to catch up, and then to take its close frame."""
    handshake_seconds: float = 5.0
    request_seconds: float = 30.0
    """For a request to arrive whole, and again for the application to answer it."""
    body_bytes: int = 10 * 1024 * 1024
    refusal_seconds: float = 2.0
    """How long a refused body is read and thrown away, so that the client sees the refusal."""
    shutdown_seconds: float = 4.0
