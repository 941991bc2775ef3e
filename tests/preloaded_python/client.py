"""The program that replaces Python: it requests a process from the server, and ends like it.

`started.py` writes it with the server's address and the real interpreter.
"""

import array
import json
import os
import signal
import socket
import sys

SERVER = "@SERVER@"
PYTHON = "@PYTHON@"

command = sys.argv[1:]
if not (command and (command[0] in ("-m", "-c") or not command[0].startswith("-"))):
    os.execv(PYTHON, [PYTHON, *command])  # options of the interpreter need a real one

server = socket.socket(socket.AF_UNIX)
server.connect(SERVER)
# `Path` would take longer to import than all else here.
request = json.dumps([command, dict(os.environ), os.getcwd()]).encode()  # noqa: PTH109
streams = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
server.sendmsg([len(request).to_bytes(8, "big")], [streams])
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda received, _: server.sendall(bytes([received])))
server.sendall(request)
code = int.from_bytes(server.recv(4), "big", signed=True)
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
