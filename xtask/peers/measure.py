"""Runs a command; prints one JSON line {"seconds", "peak_mib", "exit"} on stdout; the command's output goes to a file.

usage: measure.py LOG CWD COMMAND [ARGUMENT ...]
Peak memory is the largest resident set of the command's own process, as the kernel reports it on exit.
"""
import json
import os
import sys
import time

log, cwd, command = sys.argv[1], sys.argv[2], sys.argv[3:]
began = time.perf_counter()
child = os.fork()
if child == 0:
    os.chdir(cwd)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.execvp(command[0], command)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "peak_mib": usage.ru_maxrss / 1024, "exit": os.waitstatus_to_exitcode(status)}))
