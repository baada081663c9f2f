"""Runs a command once and says what it cost: processor time, peak memory, output."""

import ctypes
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36

# A process starts with the peak memory of the one that forked it, and Python is larger than most
# of what is measured. So a shell, which is small, forks the command and goes away; the command
# waits until then, and as its reaper we still get to collect its resource usage.
LAUNCHER = 'exec 3<&0; (read _ <&3; exec "$@" 3<&- </dev/null >"$0.out" 2>"$0.err") & echo $!'


@dataclass
class Sample:
    """What one run cost and gave."""

    # User CPU time, and that with the system's.
    seconds: float
    processor_seconds: float
    kilobytes: int
    status: int
    output: bytes
    errors: bytes

    @property
    def failed(self) -> bool:
        return self.status != 0


def become_reaper() -> None:
    """Makes this process the parent of its orphaned descendants (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


become_reaper()


def run(command: list[str]) -> Sample:
    """Runs `command` to its end."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "run"
        launcher = subprocess.Popen(
            ["/bin/sh", "-c", LAUNCHER, str(prefix), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with launcher.stdin, launcher.stdout:
            pid = int(launcher.stdout.readline())
            launcher.wait()
            launcher.stdin.write(b"\n")
            launcher.stdin.flush()
            try:
                _, status, usage = os.wait4(pid, 0)
            except KeyboardInterrupt:
                os.kill(pid, 9)
                raise
        return Sample(
            seconds=usage.ru_utime,
            processor_seconds=usage.ru_utime + usage.ru_stime,
            kilobytes=usage.ru_maxrss,
            status=os.waitstatus_to_exitcode(status),
            output=prefix.with_suffix(".out").read_bytes(),
            errors=prefix.with_suffix(".err").read_bytes(),
        )
