"""The part of NATS that a worker needs: docs/wire-protocol.md, appendix A."""
import json
import os
import socket
import time
from collections import deque
from urllib.parse import urlsplit

from messagepack import decode, encode

CONNECT_WITHIN = 2.0
# The most pushed messages kept. A dropped one is read back like any other missing callback.
WAITING_MAX = 1024


class NoAnswer(Exception):
    """No manager serves the subject, or no reply arrived in time. The request may have been executed."""


class Bus:
    """A connection to one NATS server. Any call may raise OSError; then `connect` again."""

    def __init__(self, url):
        self.url = urlsplit(url)
        self.inbox = f'_INBOX.{os.urandom(9).hex()}'
        self.subjects = [f'{self.inbox}.*']
        self.requests = 0
        self.arrived = deque(maxlen=WAITING_MAX)
        self.socket = None

    def connect(self):
        """Connects, or reconnects with the same subscriptions."""
        if self.socket:
            self.socket.close()
        self.received = b''
        self.socket = socket.create_connection((self.url.hostname, self.url.port or 4222), CONNECT_WITHIN)
        while b'\r\n' not in self.received:
            self._receive(CONNECT_WITHIN)
        if json.loads(self.received.partition(b'\r\n')[0].removeprefix(b'INFO ')).get('tls_required'):
            raise ConnectionError('this NATS server wants TLS, which the example does not speak')
        options = {'verbose': False, 'pedantic': False, 'headers': True, 'no_responders': True}
        if self.url.username:
            options |= {'user': self.url.username, 'pass': self.url.password or ''}
        self._send(f'CONNECT {json.dumps(options)}\r\n'.encode())
        for sid, subject in enumerate(self.subjects):
            self._send(f'SUB {subject} {sid}\r\n'.encode())

    def subscribe(self, subject):
        """Decoded messages on this subject are appended to `arrived` while `poll` or `request` runs."""
        self.subjects.append(subject)
        self._send(f'SUB {subject} {len(self.subjects) - 1}\r\n'.encode())

    def request(self, subject, fields, within):
        """The reply to a request. Raises NoAnswer if it did not arrive within the given seconds."""
        self.requests += 1
        reply, payload = f'{self.inbox}.{self.requests}', encode(fields)
        self._send(f'PUB {subject} {reply} {len(payload)}\r\n'.encode() + payload + b'\r\n')
        for where, headers, data in self._messages(within):
            if where == reply and headers.startswith(b'NATS/1.0 503'):
                raise NoAnswer('no manager is there')
            if where == reply:
                return decode(data)
        raise NoAnswer(f'no answer within {within:.1f} s')

    def poll(self, seconds):
        """Waits until a message arrives, at most the given time."""
        next(self._messages(seconds), None)

    def _messages(self, seconds):
        """Messages until the time is over, as subject, headers and payload."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            while (message := self._next_message()) is not None:
                if not message[0].startswith(self.inbox):
                    self.arrived.append(decode(message[2]))
                yield message
            try:
                self._receive(left)
            except TimeoutError:
                return

    def _next_message(self):
        """The next complete message received, or None. Answers pings."""
        while b'\r\n' in self.received:
            line, _, rest = self.received.partition(b'\r\n')
            verb, *words = line.split()
            if verb in (b'MSG', b'HMSG'):
                size, head = int(words[-1]), int(words[-2]) if verb == b'HMSG' else 0
                if len(rest) < size + 2:
                    return None
                self.received = rest[size + 2:]
                return words[0].decode(), rest[:head], rest[head:size]
            self.received = rest
            if verb == b'PING':
                self._send(b'PONG\r\n')
            if verb == b'-ERR':
                raise ConnectionError(line.decode())
        return None

    def _receive(self, within):
        self.socket.settimeout(within)
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError('NATS hung up')
        self.received += data

    def _send(self, data):
        self.socket.settimeout(CONNECT_WITHIN)
        self.socket.sendall(data)
