import type { Mutation } from './mutation.ts';

const CREATION = 'packages/store/lua/lib/flow_creation.lua';
const VETO = 'packages/store/lua/operations/flow_veto.lua';
const STORE = 'packages/store/test/flow-creation.test.ts';

/** The safety checks of questions before forwarding entries are created. */
export const OF_QUESTIONS: readonly Mutation[] = [
  {
    check: 'questions: an entry is created only if nothing changed since its question',
    file: CREATION,
    from: 'if step.seen ~= basis_of(',
    to: 'if false and step.seen ~= basis_of(',
    tests: [STORE],
  },
  {
    check: 'questions: a stale session is not asked',
    file: CREATION,
    from: "return client.state == 'live' and not silent[client.session]",
    to: 'return not silent[client.session]',
    tests: [STORE],
  },
  {
    check: 'questions: a creation whose mark has ended goes on no more',
    file: CREATION,
    from: "if mark_of(name) ~= incarnation then return { 'pending' } end",
    to: '',
    tests: [STORE],
  },
  {
    check: 'questions: only the owner that was asked chooses the incoming interface',
    file: CREATION,
    from: 'local is_answered = answer and owner and owner.session == answer.session',
    to: 'local is_answered = answer and owner',
    tests: [STORE],
  },
  {
    check: 'questions: an answer chooses only interfaces of the owner',
    file: CREATION,
    from: 'if other_owner == owner then iif, record = answer.iif, other end',
    to: 'iif, record = answer.iif, other',
    tests: [STORE],
  },
  {
    check: 'questions: a late answer acts on the same incarnation only',
    file: VETO,
    from: 'if not mfe or mfe.incarnation ~= incarnation then',
    to: 'if not mfe then',
    tests: [STORE],
  },
  {
    check: 'questions: a late answer acts only while the hold lasts',
    file: VETO,
    from: 'if overrides.holds(interface, veto) then',
    to: 'if veto then',
    tests: [STORE],
  },
  {
    check: 'questions: without memory nothing is created after a question',
    file: 'packages/store/lua/operations/flow_answered.lua',
    from: 'if router.is_full then',
    to: 'if router.is_full and #names == 0 then',
    tests: [STORE],
  },
  {
    check: 'questions: a creation that ends without memory leaves the mark of its successor',
    file: CREATION,
    from: 'if mark_of(names[i]) == incarnations[i] then set_mark(names[i], 0) end',
    to: 'set_mark(names[i], 0)',
    tests: [STORE],
  },
];
