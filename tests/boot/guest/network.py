# Takes a file on port 7001 and says its sum, then gives one on port 7002, whose sum it has said before.
import hashlib
import os
import socket


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('', port))
    listener.listen(1)
    return listener


def say(what, digest):
    print(what, digest.hexdigest(), flush=True)


upload, download = listen(7001), listen(7002)
print('listening', flush=True)

connection, _ = upload.accept()
received = hashlib.sha256()
while block := connection.recv(65536):
    received.update(block)
connection.close()
say('received', received)

data = os.urandom(8 << 20)
connection, _ = download.accept()
connection.sendall(data)
connection.close()
say('sent', hashlib.sha256(data))
