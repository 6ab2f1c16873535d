"""A worker of the multicast group manager, written from docs/wire-protocol.md. Run it with --help."""
import argparse
import ipaddress
import os
import re
import signal
import sys
import time

from bus import Bus, NoAnswer, read_login, read_tls
from memberships import ALERTS, Memberships

# A monotonic clock, if available one that also runs while the machine is suspended.
CLOCK = getattr(time, 'CLOCK_BOOTTIME', time.CLOCK_MONOTONIC)
ANSWER_WITHIN = 2.0
REGISTER_WITHIN = 60.0
PAUSE = 0.2
ASK_AGAIN = ('unavailable', 'overloaded', 'indeterminate', 'store-full')
OVER = ('bad-handle', 'session-expired')


def clock():
    return time.clock_gettime(CLOCK)


def say(text):
    print(text, flush=True)


class SessionLost(Exception):
    """The session is over, or may be over: the worker must not act for it any more."""


class Worker:
    def __init__(self, bus, options):
        self.bus, self.options = bus, options
        self.wanted = set(options.interface)
        self.held = {}  # (ifIndex, nextHop) to epoch
        self.handle = None
        self.deadline = clock() + REGISTER_WITHIN
        self.seq, self.ack = 0, 1
        self.seen, self.head = 0, 0  # callbacks: last handled, last known
        self.stopping = False
        self.memberships = Memberships(self, options.join, say)

    def run(self):
        self.register()
        while not self.stopping:
            if clock() >= self.keepalive_at:
                self.keepalive()
                self.take_wanted()
                self.memberships.add_missing()
            self.handle_callbacks()
            self.wait(min(PAUSE, self.keepalive_at - clock()))
            self.check_deadline()
        self.leave()

    # Section 3, register; section 7.

    def register(self):
        options = self.options
        reply = self.ask('register', {
            'protocolId': options.protocol, 'componentId': options.component, 'instance': os.urandom(12).hex(),
            'name': options.name, 'ttlMs': options.ttl_ms, 'alerts': ALERTS})
        if reply['status'] != 0:
            raise SessionLost(reply['message'])
        self.renewed(reply)
        self.handle, self.keepalive_at = reply['handle'], clock()
        self.bus.subscribe(f"{self.options.prefix}.{self.options.router}.callback.{reply['session']}")
        self.session = reply['session']
        say(f'registered: session {self.session}')
        # A manager of an earlier version knows no memberships, and its reply has no `alerts`.
        if reply.get('alerts'):
            self.memberships.list()

    def keepalive(self):
        reply = self.ask('keepalive', {'handle': self.handle, 'ack': self.ack, 'mailboxAck': self.seen})
        if reply['status'] == 0:
            self.renewed(reply)
            self.head = max(self.head, reply['mailbox'])

    def renewed(self, reply):
        """Counts from before the request was sent, so the worker stops before the lease ends in the store."""
        ttl = reply['ttlMs'] / 1000
        self.deadline = self.sent + ttl - max(0.05 * ttl, 0.05)
        self.keepalive_at = self.sent + ttl / 3

    def check_deadline(self):
        if clock() >= self.deadline:
            raise SessionLost('nothing was answered in time')

    def leave(self):
        for (if_index, next_hop), epoch in list(self.held.items()):
            reply = self.change('release', {'ifIndex': if_index, 'nextHop': next_hop, 'epoch': str(epoch)})
            self.drop((if_index, next_hop), reply.get('message', 'released'))
        say(f"deregistered: {self.change('deregister', {}).get('message', 'nothing left behind')}")

    # Section 2, replies; section 3, sequencing.

    def change(self, operation, fields):
        """A sequenced request. There is one at a time, so `ack` is `seq` until it is answered."""
        self.seq += 1
        reply = self.ask(operation, {'handle': self.handle, 'seq': self.seq, 'ack': self.seq, **fields})
        self.ack = self.seq + 1
        return reply

    def ask(self, operation, fields):
        """Repeats a request until there is a decision, and keeps the session alive in the meantime."""
        while True:
            self.check_deadline()
            reply = self.ask_once(operation, fields)
            self.check_deadline()
            if reply.get('reason') in OVER:
                raise SessionLost(reply['message'])
            if reply.get('reason') not in ASK_AGAIN or reply.get('retryable') is False:
                return reply
            say(f"{operation}: {reply['message']}")
            self.wait(reply.get('retryAfterMs', PAUSE * 1000) / 1000)
            if self.handle and operation != 'keepalive' and clock() >= self.keepalive_at:
                self.keepalive()

    def ask_once(self, operation, fields):
        subject = f'{self.options.prefix}.{self.options.router}.{operation}'
        self.sent = clock()
        try:
            return self.bus.request(subject, fields, min(ANSWER_WITHIN, self.deadline - self.sent))
        except NoAnswer as trouble:
            return {'reason': 'indeterminate', 'message': trouble}
        except OSError as trouble:
            self.reconnect(trouble)
            return {'reason': 'indeterminate', 'message': 'asked again over a new connection'}

    def wait(self, seconds):
        try:
            self.bus.poll(seconds)
        except OSError as trouble:
            self.reconnect(trouble)

    def reconnect(self, trouble):
        say(f'connection lost: {trouble}')
        time.sleep(PAUSE)
        try:
            self.bus.connect()
        except OSError as again:
            say(f'no connection: {again}')

    # Section 8.

    def take_wanted(self):
        for if_index, next_hop in self.wanted - self.held.keys():
            reply = self.change('take', {'ifIndex': if_index, 'nextHop': next_hop})
            if reply['status'] == 0:
                # From here on the protocol may act on the interface, and passes the epoch along with its orders.
                self.held[if_index, next_hop] = int(reply['epoch'])
                say(f"interface {if_index}/{next_hop}: mine under epoch {reply['epoch']}")
            else:
                say(f"interface {if_index}/{next_hop}: {reply['reason']}, {reply['message']}")

    def drop(self, interface, reason):
        del self.held[interface]
        self.memberships.forget(interface)
        say(f'interface {interface[0]}/{interface[1]}: {reason}')

    # Section 4.

    def handle_callbacks(self):
        while self.bus.arrived:
            message = self.bus.arrived.popleft()
            self.head = max(self.head, message['seq'])
            if message['seq'] == self.seen + 1:
                self.handle_callback(message)
        while self.seen < self.head:
            reply = self.ask('mailbox', {'handle': self.handle, 'from': self.seen})
            for message in reply.get('messages', []):
                self.handle_callback(message)
            if not reply.get('messages'):
                self.head = self.seen

    def handle_callback(self, message):
        self.seen = message['seq']
        interface = (message.get('ifIndex'), message.get('nextHop'))
        if message['type'] in ALERTS or message['type'] == 'RESYNC':
            self.memberships.handle_alert(message)
        elif message['type'] != 'OWNERSHIP_LOST':
            if message['type'] == 'ENABLE_IGMP':
                # The window withdrew our memberships there.
                self.memberships.forget(interface)
                self.keepalive_at = clock()
            say(f"callback {self.seen}: {message['type']} {interface}")
        elif interface in self.held and self.held[interface] <= int(message['epoch']):
            self.wanted.discard(interface)
            self.drop(interface, f"lost, {message['cause']}, {message.get('why', '')}")


def interface(text):
    """The interface of an argument, as managers name it in callbacks."""
    if_index, _, next_hop = text.partition('/')
    if not re.fullmatch('[1-9][0-9]{0,9}', if_index) or int(if_index) > 0xFFFFFFFF:
        raise argparse.ArgumentTypeError(f'{text}: the index must be 1 to 4294967295')
    try:
        return int(if_index), canonical(next_hop)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text}: the next hop must be an IPv4 or IPv6 address') from None


def membership(text):
    """The group and source of an argument: GROUP or SOURCE,GROUP; `*` for any."""
    source, _, group = text.rpartition(',')
    try:
        return ['' if part in ('', '*') else canonical(part) for part in (group, source)]
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text}: must be GROUP or SOURCE,GROUP') from None


def canonical(next_hop):
    """The text of a next hop by RFC 5952; '' for none. Two texts of one address must not look like two interfaces."""
    if next_hop == '':
        return ''
    if '%' in next_hop:
        raise ValueError(next_hop)
    address = ipaddress.ip_address(next_hop)
    if int(address) == 0:
        return ''
    mapped = getattr(address, 'ipv4_mapped', None)
    return f'::ffff:{mapped}' if mapped else str(address)


def main():
    parser = argparse.ArgumentParser(description='Takes interfaces of a router and holds them until a signal ends it.')
    parser.add_argument('interface', type=interface, nargs='+', help='index, or index/next-hop, as 7 or 7/10.0.0.1')
    parser.add_argument('--join', type=membership, action='append', default=[], metavar='[SOURCE,]GROUP',
                        help='a membership on every interface; may be repeated')
    parser.add_argument('--nats', default='nats://127.0.0.1:4222', help='may contain user:password@ or token@')
    parser.add_argument('--creds', help='a .creds file')
    parser.add_argument('--nkey-file', help='a file with the seed of a user')
    parser.add_argument('--user', default=os.environ.get('NATS_USER'), help='default: NATS_USER')
    parser.add_argument('--ca', help='certificate authorities, in PEM')
    parser.add_argument('--cert', help='client certificate, in PEM')
    parser.add_argument('--key', help='private key of --cert')
    parser.add_argument('--inbox-prefix', default='_INBOX')
    parser.add_argument('--prefix', default='mgm.v1')
    parser.add_argument('--router', default='r1')
    parser.add_argument('--protocol', type=int, default=103, help='protocol id; 10 is IGMP')
    parser.add_argument('--component', type=int, default=1)
    parser.add_argument('--name', default='python-worker')
    parser.add_argument('--ttl-ms', type=int, default=10_000)
    options = parser.parse_args()
    try:
        # Secrets come from files or the environment: a command line is visible to all users of a machine.
        login = read_login(options.creds, options.nkey_file, options.user, os.environ.get('NATS_PASSWORD'),
                           os.environ.get('NATS_TOKEN'))
        tls = read_tls(options.ca, options.cert, options.key)
    except (OSError, ValueError) as problem:
        sys.exit(f'credentials: {problem}')
    worker = Worker(Bus(options.nats, login, tls, options.inbox_prefix), options)

    def stop(*_):
        worker.stopping = True
        if worker.handle is None:
            sys.exit('stopped before it was registered')

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        worker.bus.connect()
        worker.run()
    except (SessionLost, OSError) as end:
        sys.exit(f'no longer acting on anything: {end}')


if __name__ == '__main__':
    main()
