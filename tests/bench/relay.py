"""A peer: a relay on raw sockets, as little Python as it takes to move an object. No checks, no retries, no CRC.

relay.py SOURCE_PORT DESTINATION_PORT SIZE_BYTES PART_BYTES WORKERS
"""

from __future__ import annotations

import socket
import sys
import threading

BUFFER_BYTES = 1 << 20


def request(port: int, text: str) -> bytes:
    """The answer to a request without a body."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(f"{text} HTTP/1.1\r\nHost: relay\r\n\r\n".encode())
        return sock.recv(65536)


def move(source: socket.socket, destination: socket.socket, upload: str, number: int, offset: int, length: int) -> None:
    source.sendall(f"GET /b/k HTTP/1.1\r\nHost: r\r\nRange: bytes={offset}-{offset + length - 1}\r\n\r\n".encode())
    destination.sendall(
        f"PUT /b/copy?partNumber={number}&uploadId={upload} HTTP/1.1\r\nHost: r\r\nContent-Length: {length}\r\n\r\n".encode()
    )
    buffer = memoryview(bytearray(BUFFER_BYTES))
    head = b""
    while b"\r\n\r\n" not in head:
        head += source.recv(4096)
    first = head.partition(b"\r\n\r\n")[2]
    destination.sendall(first)
    left = length - len(first)
    while left:
        count = source.recv_into(buffer, min(left, BUFFER_BYTES))
        if not count:
            raise EOFError
        destination.sendall(buffer[:count])
        left -= count
    if not destination.recv(65536).startswith(b"HTTP/1.1 200"):
        raise OSError("the destination refused a part")


def main(source_port: int, destination_port: int, size_bytes: int, part_bytes: int, workers: int) -> None:
    upload = request(destination_port, "POST /b/copy?uploads").partition(b"<UploadId>")[2].partition(b"<")[0].decode()
    waiting = list(enumerate(range(0, size_bytes, part_bytes), 1))
    lock = threading.Lock()

    def work() -> None:
        with (
            socket.create_connection(("127.0.0.1", source_port)) as source,
            socket.create_connection(("127.0.0.1", destination_port)) as destination,
        ):
            for sock in (source, destination):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    if not waiting:
                        return
                    number, offset = waiting.pop(0)
                move(source, destination, upload, number, offset, min(part_bytes, size_bytes - offset))

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    request(destination_port, f"POST /b/copy?uploadId={upload}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
