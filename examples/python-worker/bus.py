"""The part of NATS that a worker needs: docs/wire-protocol.md, appendix A."""
import json
import os
import socket
import ssl
import time
from collections import deque
from urllib.parse import unquote, urlsplit

import nkeys
from messagepack import decode, encode

CONNECT_WITHIN = 2.0
# The most pushed messages kept. A dropped one is read back like any other missing callback.
WAITING_MAX = 1024


class NoAnswer(Exception):
    """No manager serves the subject, or no reply arrived in time. The request may have been executed."""


def read_login(creds=None, nkey_file=None, user=None, password=None, token=None):
    """What a bus needs to log in. Raises OSError or ValueError, before any connection, for a file that cannot be used."""
    if creds:
        jwt, seed = nkeys.read_creds(creds)
        nkeys.public_key(seed)
        return {'jwt': jwt, 'seed': seed}
    if nkey_file:
        seed = nkeys.read_seed(nkey_file)
        return {'nkey': nkeys.public_key(seed), 'seed': seed}
    if token:
        return {'auth_token': token}
    return {'user': user, 'pass': password or ''} if user else {}


def read_tls(ca=None, cert=None, key=None):
    """A TLS context with an own authority and a client certificate, or None. Raises OSError for an unusable file."""
    if not (ca or cert):
        return None
    context = ssl.create_default_context(cafile=ca)
    if cert:
        context.load_cert_chain(cert, key)
    return context


class Bus:
    """A connection to one NATS server. Any call may raise OSError; then `connect` again."""

    def __init__(self, url, login=None, tls=None, inbox_prefix='_INBOX'):
        """`login` is from `read_login`, `tls` an ssl.SSLContext, which is also used where the server asks for TLS."""
        self.url, self.login, self.tls = urlsplit(url), login or {}, tls
        self.inbox = f'{inbox_prefix}.{os.urandom(9).hex()}'
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
        line, _, self.received = self.received.partition(b'\r\n')
        info = json.loads(line.removeprefix(b'INFO '))
        if info.get('tls_required') or self.tls or self.url.scheme == 'tls':
            context = self.tls or ssl.create_default_context()
            self.socket = context.wrap_socket(self.socket, server_hostname=self.url.hostname)
        options = {'verbose': False, 'pedantic': False, 'headers': True, 'no_responders': True} | self._login(info)
        self._send(f'CONNECT {json.dumps(options)}\r\n'.encode())
        for sid, subject in enumerate(self.subjects):
            self._send(f'SUB {subject} {sid}\r\n'.encode())

    def _login(self, info):
        """The fields of CONNECT that say who this is. A seed signs the nonce of the server and is never sent."""
        login = {key: value for key, value in self.login.items() if key != 'seed'}
        if 'seed' in self.login:
            login['sig'] = nkeys.sign(self.login['seed'], info.get('nonce', '').encode())
        if self.url.username and self.url.password is not None:
            login |= {'user': unquote(self.url.username), 'pass': unquote(self.url.password)}
        elif self.url.username:
            login |= {'auth_token': unquote(self.url.username)}
        return login

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
