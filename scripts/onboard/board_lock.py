"""One measurement at a time on a board, whoever asks: an exclusive lock with its owner's name.

Standard library only, Python 3.5 and later: this file is copied to boards.

The lock is the kernel's (flock) on a file that everyone on the board shares.  The kernel gives
it back when the process that holds it ends, however it ends, and at a reboot, so it cannot go
stale: its lease is the life of its holder.
"""

import fcntl
import json
import os
import time


class BoardLock:
    """The board's lock; `acquire` and forget: it is held until the process ends."""

    def __init__(self, path):
        self.path = path
        self._descriptor = None

    def acquire(self, owner, patience_s=0.0):
        """Try to take the lock; True if it is ours now.

        `owner` is a dict that others are shown; `patience_s` is how long to go on trying.
        """
        descriptor = self._open()
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(0.05)
        self._descriptor = descriptor
        self.update_owner(owner)
        return True

    @property
    def descriptor(self):
        """Of the lock's file while it is ours: a process that inherits it holds the lock, too."""
        return self._descriptor

    def update_owner(self, owner):
        """Write who holds the lock, if the file lets us: it may be another user's."""
        # Without O_CREAT: the kernel may refuse that on another user's file in a sticky folder.
        try:
            with open(os.open(self.path, os.O_WRONLY | os.O_TRUNC), "w") as stream:
                json.dump(owner, stream)
        except OSError:
            pass

    def owner(self):
        """Who holds the lock, as they wrote it; an empty dict if nobody does or it is unknown."""
        descriptor = self._open()
        try:
            # Shared: others who only ask at the same moment are not taken for an owner.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return {}
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
        try:
            with open(self.path) as stream:
                owner = json.load(stream)
        except (OSError, ValueError):
            return {"user": "unknown"}
        return owner if isinstance(owner, dict) else {"user": "unknown"}

    def _open(self):
        # A file of another user's in a sticky folder may be locked, though not be written.
        try:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            # Whatever the umask: the next owner, maybe another user, writes a name here.
            os.fchmod(descriptor, 0o666)
            return descriptor
