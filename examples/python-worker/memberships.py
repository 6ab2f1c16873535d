"""Group memberships of a worker, and what its alerts tell it: docs/wire-protocol.md, section 12."""

ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN', 'LOCAL_LEAVE']
BULK_MAX = 256


def name(group, source):
    return f"({source or '*'},{group or '*'})"


class Memberships:
    """The groups that the worker wants on its interfaces, and what others want by the last listing and later alerts."""

    def __init__(self, worker, wanted, say):
        self.worker, self.wanted, self.say = worker, wanted, say
        self.joined = set()  # (ifIndex, nextHop, group, source) that were added
        self.others = set()  # (group, source) that others want
        self.local = set()  # (group, source, ifIndex, nextHop) that IGMP has on our interfaces
        self.listed_at = self.local_listed_at = 0

    def add_missing(self):
        """Adds what is wanted on every interface that the worker is on. Only after their takes were answered."""
        missing = [[if_index, next_hop, group, source] for if_index, next_hop in self.worker.held
                   for group, source in self.wanted if (if_index, next_hop, group, source) not in self.joined]
        for first in range(0, len(missing), BULK_MAX):
            some = missing[first:first + BULK_MAX]
            reply = self.worker.change('member.add', {'entries': some})
            if reply['status'] != 0:
                self.say(f"member.add: {reply['reason']}, {reply['message']}")
                continue
            failed = {failure[0]: failure for failure in reply['failed']}
            for index, entry in enumerate(some):
                self.joined.add(tuple(entry))  # Also a refused one: it would be refused again.
                outcome = f'refused, {failed[index][2]}' if index in failed else 'joined'
                self.say(f'{name(entry[2], entry[3])} on {entry[0]}/{entry[1]}: {outcome}')

    def forget(self, interface):
        """Memberships end with the hold. After ENABLE_IGMP, IGMP adds its own again."""
        self.joined = {one for one in self.joined if one[:2] != interface}
        self.local = {one for one in self.local if one[2:] != interface}

    def list(self):
        """Lists what others want, and what IGMP has on the interfaces of this session."""
        self.others, self.local = set(), set()
        pages = list(self._pages('groups', {'handle': self.worker.handle}))
        for page in pages:
            self.others |= {(group, source) for group, source, _, others, *_ in page['items'] if others}
        # What is between the first page and the page of an entry is applied again, in order: the last of it agrees.
        self.listed_at = pages[0]['mailbox'] if pages else 0
        pages = list(self._pages('members', {'session': self.worker.session}))
        for page in pages:
            self.local |= {(group, source, if_index, next_hop)
                           for group, source, if_index, next_hop, holder, *_ in page['items']
                           if holder != self.worker.session}
        self.local_listed_at = pages[0]['mrev'] if pages else 0
        self.say(f'listed: others want {len(self.others)}, IGMP has {len(self.local)} here')

    def _pages(self, operation, fields):
        while True:
            page = self.worker.ask(operation, fields | {'limit': 1000})
            if page['status'] != 0:
                self.say(f"{operation}: {page['reason']}, {page['message']}")
                return
            yield page
            if 'cursor' not in page:
                return
            fields = fields | {'cursor': page['cursor']}

    def handle_alert(self, message):
        """Applies one alert, whose items are in the order of the changes."""
        kind = message['type']
        if kind == 'RESYNC':
            self.say('RESYNC: some alerts were not kept')
            self.worker.keepalive()  # Acknowledges it: only then are alerts sent again.
            return self.list()
        for item in message['items']:
            # Group and source, and of three types the interface. Later versions may add elements.
            self._apply(kind, message, tuple(item[:2 if kind == 'JOIN_ALERT' else 4]))

    def _apply(self, kind, message, item):
        group, source, *on = item
        where = f" on {on[0]}/{on[1]}" if on else ''
        if kind in ('JOIN_ALERT', 'PRUNE_ALERT'):
            if message['seq'] <= self.listed_at:
                return
            (self.others.add if kind == 'JOIN_ALERT' else self.others.discard)((group, source))
        else:
            if message['mrev'] <= self.local_listed_at:
                return
            (self.local.add if kind == 'LOCAL_JOIN' else self.local.discard)(item)
        window = ', IGMP is about to add it again' if message.get('window') else ''
        self.say(f"{kind} {name(group, source)}{where}, {message['cause']}{window}")
