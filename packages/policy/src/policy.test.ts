import { parseNextHop, routerName, type InterfaceKey } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { PolicyError } from './document.ts';
import { Policy, type PolicyQuestion } from './policy.ts';

const POLICY = `
version: 1
groups:
  operators: [noc, oncall]
rules:
  - name: pim on r1
    identities: [pim1]
    routers: [r1, lab-*]
    operations: [worker]
    protocols: [{ protocolId: 103, componentId: 1 }, { protocolId: 10 }]
    interfaces:
      - { from: 1, to: 100, nextHops: [none, 10.0.0.0/8, '2001:db8::/32'] }
      - { from: 200, to: 200 }
  - name: supervisor
    identities: [sup]
    routers: ['*']
    operations: [worker]
    takeover: true
  - name: operators
    identities: [operators]
    routers: ['*']
    operations: [read, admin]
quotas:
  - { identities: [pim1], sessions: 2, interfaces: 9, keptBytes: 4000, requestsPerSecond: 500 }
`;

const policy = Policy.parse(POLICY);

function ask(question: Partial<Omit<PolicyQuestion, 'router'>> & { router?: string }) {
  const { router = 'r1', ...rest } = question;
  return policy.decide({
    identity: 'pim1',
    operation: 'take',
    ...rest,
    router: routerName(router),
  });
}

function key(ifIndex: number, nextHop = ''): InterfaceKey {
  const parsed = parseNextHop(nextHop);
  if (parsed === undefined) throw new Error(`not a next hop: ${nextHop}`);
  return { ifIndex, nextHop: parsed };
}

describe('a policy', () => {
  it('permits what a rule of the identity permits', () => {
    expect(ask({})).toEqual({
      kind: 'permitted',
      rule: 'pim on r1',
      takeover: false,
      refusedInterfaces: [],
    });
    expect(ask({ router: 'lab-7' })).toMatchObject({ kind: 'permitted' });
    expect(ask({ identity: 'oncall', operation: 'admin.evict', router: 'any' })).toMatchObject({
      kind: 'permitted',
      rule: 'operators',
    });
  });

  it.for([
    [{ identity: 'stranger' }, 'no rule names the identity stranger'],
    [{ router: 'r2' }, 'no rule of pim1 (rule "pim on r1") is for router r2'],
    [{ operation: 'admin.release' }, 'no rule of pim1 (rule "pim on r1") permits admin.release'],
    [{ identity: 'noc', operation: 'take' }, 'no rule of noc (rule "operators") permits take'],
    [
      { operation: 'register', client: { protocolId: 103, componentId: 2 } },
      'no rule of pim1 (rule "pim on r1") permits the client (protocol 103, component 2)',
    ],
  ] as const)('refuses %o and names the rule', ([question, message]) => {
    expect(ask(question)).toEqual({ kind: 'refused', message });
  });

  it('permits any component of a protocol that is named without one', () => {
    const client = { protocolId: 10, componentId: 77 };
    expect(ask({ operation: 'register', client })).toMatchObject({ kind: 'permitted' });
  });

  it('refuses single interfaces of a request: those outside of every range', () => {
    const interfaces = [
      key(1),
      key(101),
      key(7, '10.1.2.3'),
      key(7, '11.0.0.1'),
      key(7, '2001:db8::1'),
      key(7, '2001:db9::1'),
      key(200, '11.0.0.1'),
    ];
    expect(ask({ interfaces })).toMatchObject({ kind: 'permitted', refusedInterfaces: [1, 3, 5] });
  });

  it('lets only the rules with takeover take over sessions of others', () => {
    expect(ask({ identity: 'sup', operation: 'register' })).toMatchObject({ takeover: true });
    expect(ask({ operation: 'register' })).toMatchObject({ takeover: false });
  });

  it('has the quota of the first entry that names the identity, else none', () => {
    expect(policy.quotaOf('pim1')).toEqual({
      sessions: 2,
      interfaces: 9,
      keptBytes: 4000,
      requestsPerSecond: 500,
    });
    expect(policy.quotaOf('sup')).toEqual({});
  });
});

describe('a policy file', () => {
  function problemsOf(text: string): readonly string[] {
    try {
      Policy.parse(text);
      return [];
    } catch (error) {
      if (error instanceof PolicyError) return error.problems;
      throw error;
    }
  }

  it('is refused with all problems at once, each with its line and field', () => {
    const text = `
version: 2
rules:
  - name: a
    identities: [p m]
    routers: [r*1]
    operations: [takes]
    interfaces: [{ from: 9, to: 3, nextHops: [10.0.0.0/33] }]
    color: red
`;
    expect(problemsOf(text)).toEqual([
      'line 2: version: must be 1',
      'line 5: rules[0].identities[0]: must be 1 to 64 of A-Z a-z 0-9 _ -',
      'line 6: rules[0].routers[0]: must be a router name, or the beginning of one followed by *',
      'line 7: rules[0].operations[0]: must be worker, read, admin or the name of an operation',
      'line 8: rules[0].interfaces[0].nextHops[0]: must be an address, a network such as 10.0.0.0/8, or none',
      'line 8: rules[0].interfaces[0].to: must be at least `from`',
      'line 9: rules[0].color: is not a field of a policy',
    ]);
  });

  it('is refused where it is no YAML, is empty, or names a rule twice', () => {
    expect(problemsOf('rules: [')[0]).toMatch(/^line 1: /);
    expect(problemsOf('')).toHaveLength(1);
    const rule = '{ name: a, identities: [x], routers: [r], operations: [read] }';
    expect(problemsOf(`version: 1\nrules: [${rule}, ${rule}]`)).toEqual([
      'line 2: rules[1].name: is the name of rules[0], too',
    ]);
  });

  it('is refused, not expanded, where aliases multiply without end', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefg'.split('').map((name, at) => {
        const before = 'abcdef'[at];
        return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(',')}]`;
      }),
    ].join('\n');
    expect(problemsOf(bomb)).toHaveLength(1);
  });
});

it('decides as fast among 1000 rules of others as among few', () => {
  const others = Array.from(
    { length: 1000 },
    (_, at) =>
      `  - { name: n${at}, identities: [i${at}], routers: [r${at}], operations: [worker] }`,
  );
  const large = Policy.parse(`${POLICY.replace('quotas:', `${others.join('\n')}\nquotas:`)}`);
  const question = { identity: 'pim1', router: routerName('r1'), operation: 'take' } as const;
  expect(large.decide({ ...question, interfaces: [key(7)] })).toEqual(
    policy.decide({ ...question, interfaces: [key(7)] }),
  );
});
