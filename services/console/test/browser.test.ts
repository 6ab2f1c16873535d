import { readFile, writeFile } from 'node:fs/promises';
import type { Session } from '@mgm/client';
import { eventually } from '@mgm/test-support';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findBrowser, startBrowser } from './browser.ts';
import { NARROW, WIDE, Window, type Look } from './pages.ts';
import { buildPages, consoleStage, IGMP, PIM, USER, type ConsoleStage } from './stage.ts';

const stage = consoleStage();
const { path, reason } = findBrowser();
const WITHIN_MS = 20_000;
const README = new URL('../README.md', import.meta.url);

let browser: Browser;
beforeAll(async () => {
  if (path === undefined) return;
  await buildPages();
  browser = await startBrowser(path);
});
afterAll(async () => await browser?.close());
beforeEach((context) => context.skip(path === undefined, reason));

/** A routing protocol and IGMP with some interfaces and memberships. */
async function occupy({ mgm }: ConsoleStage): Promise<{ pim: Session; igmp: Session }> {
  const pim = await mgm.registerProtocol({ protocolId: PIM, componentId: 1, name: 'pim-1' });
  const igmp = await mgm.registerProtocol({ protocolId: IGMP, componentId: 1, name: 'igmp-1' });
  await pim.takeInterfaces(Array.from({ length: 40 }, (_, at) => ({ ifIndex: at + 1 })));
  await pim.takeInterfaces([{ ifIndex: 50, nextHop: '10.0.0.1' }]);
  await igmp.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }, { ifIndex: 90 }]);
  await igmp.addGroupMembershipEntries([
    { group: '239.1.1.1', ifIndex: 1 },
    { group: '239.2.2.2', source: '10.0.0.9', ifIndex: 90 },
  ]);
  await pim.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 2, neighbour: '10.0.0.254' }]);
  await pim.reportFlows([{ group: '239.1.1.1', source: '10.1.2.3', ifIndex: 2 }]);
  return { pim, igmp };
}

describe('the pages', () => {
  it('have no barriers that axe-core finds, fit the window, and report no error, wide in light and narrow in dark', async () => {
    await using here = await stage.open();
    const { pim, igmp } = await occupy(here);
    await here.mgm.adminRelease({ ifIndex: 40, actor: 'noc', why: 'moved to the standby' });
    const places = [
      ['overview'],
      ['interfaces'],
      ['interface', 1],
      ['interface', 50, '10.0.0.1'],
      ['sessions'],
      ['session', pim.id],
      ['groups'],
      ['groups', '239.2.2.2', '10.0.0.9'],
      ['forwarding'],
      ['forwarding', '239.1.1.1', '10.1.2.3'],
      ['routes'],
      ['replicas'],
      ['events'],
      ['audit'],
    ] as const;
    for (const look of [WIDE, NARROW] satisfies Look[]) {
      await using window = await Window.open(browser, here, look);
      for (const place of places) {
        await window.go(...place);
        const wait = place[0] === 'overview' ? '.figures' : 'tbody .row';
        await window.page.locator(wait).first().waitFor();
        const at = `${place.join('/')} at ${look.width}`;
        expect([at, await window.objections()]).toEqual([at, []]);
        expect([at, await window.overflow()]).toEqual([at, 0]);
      }
      expect(window.errors).toEqual([]);
    }
    expect(igmp.id).toBeGreaterThan(0);
  });

  it('show owner, IGMP, memberships and history of an interface, and search groups on the server', async () => {
    await using here = await stage.open();
    const { igmp } = await occupy(here);
    await using window = await Window.open(browser, here);
    const { page } = window;
    await window.go('interface', 1);
    await page.getByText('PIM/1 pim-1').first().waitFor();
    await page.locator('dd', { hasText: `IGMP/1, session ${igmp.id}` }).waitFor();
    const history = page.getByRole('region', { name: 'History' }).locator('.row');
    await eventually(async () => expect(await history.count()).toBe(2), { withinMs: WITHIN_MS });
    await page
      .getByRole('region', { name: 'Memberships', exact: true })
      .getByText('239.1.1.1')
      .waitFor();
    await window.go('groups');
    await page.getByLabel('Group or source contains').fill('239.2');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('1 found in 2').waitFor();
    await page.getByRole('link', { name: '239.2.2.2' }).click();
    await page.getByRole('heading', { name: '(10.0.0.9, 239.2.2.2)' }).waitFor();
    await page.getByRole('link', { name: '90', exact: true }).waitFor();
  });

  it('search forwarding entries on the server, and show one with its interfaces', async () => {
    await using here = await stage.open();
    const { pim } = await occupy(here);
    await using window = await Window.open(browser, here);
    const { page } = window;
    await window.go('forwarding');
    await page.getByLabel('Group or source contains').fill('239.2');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('0 found in 1').waitFor();
    await page.getByLabel('Group or source contains').fill('10.1.2');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: '239.1.1.1' }).click();
    await page.getByRole('heading', { name: '(10.1.2.3, 239.1.1.1)' }).waitFor();
    await page.locator('dd', { hasText: `PIM, session ${pim.id}` }).waitFor();
    await page.locator('dd', { hasText: '10.0.0.0/8 of PIM' }).waitFor();
    const outgoing = page.getByRole('region', { name: 'Out' }).getByRole('link');
    await outgoing.first().waitFor();
    expect(await outgoing.allTextContents()).toEqual(['1']);
  });
});

describe('the README', () => {
  it.each([
    { name: 'overview', look: { width: 1000, colorScheme: 'light' } },
    { name: 'interfaces', look: { width: 1000, colorScheme: 'dark' } },
    { name: 'sessions', look: NARROW },
  ] as const)('shows the present page: $name', async ({ name, look }) => {
    await using here = await stage.open();
    await occupy(here);
    await using window = await Window.open(browser, here, look);
    await window.page.setViewportSize({ width: look.width, height: 520 });
    await window.go(name);
    await window.page
      .getByText(name === 'overview' ? '42' : 'pim-1', { exact: name === 'overview' })
      .first()
      .waitFor();
    const picture = await window.page.screenshot({ animations: 'disabled' });
    const file = new URL(`../docs/${name}.png`, import.meta.url);
    // UPDATE_SCREENSHOTS=1 npm test -- services/console replaces the pictures of the README.
    if (process.env['UPDATE_SCREENSHOTS'] === '1') await writeFile(file, picture);
    const kept = await readFile(file);
    expect(widthOf(kept)).toBe(widthOf(picture));
    expect(await readFile(README, 'utf8')).toContain(`docs/${name}.png`);
  });
});

/** The width in the header of a PNG. */
function widthOf(png: Buffer): number {
  return png.readUInt32BE(16);
}

describe('an operator at the keyboard', () => {
  it('finds an interface, takes it away with a reason, and sees that in the audit', async () => {
    await using here = await stage.open();
    await occupy(here);
    await using window = await Window.open(browser, here);
    const { page } = window;
    await window.go('overview');
    await tabTo(window, 'Interfaces');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Interfaces' }).waitFor();
    await page.getByText('PIM/1 pim-1').first().waitFor();
    await tabTo(window, 'Search');
    await page.keyboard.type('via 10.0.0.1');
    await page.getByText('1 of 42 interfaces').waitFor();
    await tabTo(window, 'Release interface 50 via 10.0.0.1');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await window.objections()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await tabTo(window, 'Release interface 50 via 10.0.0.1');
    await page.keyboard.press('Enter');
    await tabTo(window, 'Reason, for the logs and the former owner');
    await page.keyboard.type('moved to the standby');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Released interface 50 via 10.0.0.1.').waitFor();
    await page.getByText('No interface matches.').waitFor();
    const { events } = await here.mgm.adminEvents(0);
    expect(events).toMatchObject([{ type: 'released', actor: USER, why: 'moved to the standby' }]);
    await window.go('audit');
    await page.getByRole('cell', { name: 'moved to the standby' }).waitFor();
  });

  it('watches the lease of a session and evicts it with a reason', async () => {
    await using here = await stage.open();
    const { pim } = await occupy(here);
    await using window = await Window.open(browser, here);
    const { page } = window;
    await window.go('sessions');
    const left = page.locator('.row', { hasText: 'pim-1' }).locator('td').nth(3);
    const seen = new Set<string>();
    await eventually(
      async () => {
        seen.add(await left.innerText());
        expect(seen.size).toBeGreaterThan(2);
      },
      { withinMs: WITHIN_MS },
    );
    await tabTo(window, `Evict session ${pim.id}`);
    await page.keyboard.press('Enter');
    await tabTo(window, 'Reason, for the logs and the former owner');
    await page.keyboard.type('hangs');
    await page.keyboard.press('Enter');
    await page.getByText(`Evicted session ${pim.id}: 41 interfaces released.`).waitFor();
    await eventually(async () => expect(await window.live('interfaces.rows.length')).toBe(3), {
      withinMs: WITHIN_MS,
    });
  });

  it('limits an interface, and configures static memberships, with reasons', async () => {
    await using here = await stage.open();
    await occupy(here);
    await using window = await Window.open(browser, here, NARROW);
    const { page } = window;
    await window.go('interface', 1);
    const groups = page.locator('dt', { hasText: 'Groups' }).locator('+ dd');
    await page.locator('dd', { hasText: 'the owner (forward)' }).waitFor();
    expect(await groups.innerText()).toBe('1, no limit');
    await tabTo(window, 'Change limits of interface 1');
    await page.keyboard.press('Enter');
    await page.getByLabel('Groups, 0 for no limit').fill('2');
    await page.getByLabel('Ignore exclude lists').check();
    await page.getByLabel('Reason, for the logs').fill('one flat');
    expect(await window.objections()).toEqual([]);
    expect(await window.overflow()).toBe(0);
    await page.keyboard.press('Enter');
    await page.getByText('Changed the limits of interface 1.').waitFor();
    await page.locator('dd', { hasText: '1 of at most 2' }).waitFor();
    await page.locator('dd', { hasText: 'ignored (lite)' }).waitFor();
    await page.locator('dd', { hasText: 'PIM/1 pim-1' }).waitFor();
    await addStatic(window, '239.3.3.3');
    await page.locator('dd', { hasText: '2 of at most 2' }).waitFor();
    await page.getByRole('button', { name: 'Add static membership on interface 1' }).click();
    await page.getByLabel('Group, * for all').fill('239.4.4.4');
    await page.getByLabel('Reason, for the logs').fill('one too many');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Remove static membership (*, 239.3.3.3)' }).click();
    await page.getByLabel('Reason, for the logs').fill('replaced');
    await page.keyboard.press('Enter');
    await page.getByText('Removed the static membership (*, 239.3.3.3).').waitFor();
    await page.locator('dd', { hasText: '1 of at most 2' }).waitFor();
    const { events } = await here.mgm.adminEvents(0);
    expect(events.map(({ type, actor, why }) => [type, actor, why])).toEqual([
      ['interface-set', USER, 'one flat'],
      ['joined', USER, 'receivers without IGMP'],
      ['refused', USER, 'one too many'],
      ['left', USER, 'replaced'],
    ]);
  });

  it('pauses events, searches them, and goes to a revision', async () => {
    await using here = await stage.open();
    const { pim } = await occupy(here);
    await using window = await Window.open(browser, here);
    const { page } = window;
    await window.go('events');
    const rows = page.locator('tbody .row');
    await page.getByText('46 events').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    const { head } = await here.mgm.events(0, { limit: 1 });
    await pim.releaseInterfaces([{ ifIndex: 1 }]);
    await eventually(async () => expect(await window.live('rev')).toBe(head + 1), {
      withinMs: WITHIN_MS,
    });
    expect(await rows.first().innerText()).toContain(String(head));
    await page.getByRole('button', { name: 'Continue' }).click();
    await rows.getByText(String(head + 1), { exact: true }).waitFor();
    await page.getByLabel('Search').fill('igmp-taken');
    await page.getByText('3 events').waitFor();
    await page.getByLabel('Search').fill('');
    await page.getByLabel('Revision').fill('3');
    await page.getByRole('button', { name: 'Go' }).click();
    await page.getByRole('button', { name: 'Back to live' }).waitFor();
    expect(await rows.first().innerText()).toMatch(/^3\s/);
  });
});

/** Moves the focus with the Tab key until it is on the element of this name. */
async function tabTo({ page }: Window, name: string): Promise<void> {
  const focused =
    "[document.activeElement?.getAttribute('aria-label'), document.activeElement?.textContent, document.activeElement?.labels?.[0]?.textContent].map((text) => text?.trim())";
  for (let presses = 0; presses < 100; presses++) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate<string[]>(focused)).includes(name)) return;
  }
  throw new Error(`no element named ${name} can be reached with the Tab key`);
}

/** Configures a static membership on the interface of the page. */
async function addStatic({ page }: Window, group: string): Promise<void> {
  await page.getByRole('button', { name: 'Add static membership on interface' }).click();
  await page.getByLabel('Group, * for all').fill(group);
  await page.getByLabel('Reason, for the logs').fill('receivers without IGMP');
  await page.keyboard.press('Enter');
  await page.getByText('Added a static membership on interface').waitFor();
}

describe('the stream in the browser', () => {
  it('resumes without a gap and without a new snapshot after the console was restarted', async () => {
    await using here = await stage.open();
    const { pim } = await occupy(here);
    await using window = await Window.open(browser, here);
    await window.go('interfaces');
    await pim.releaseInterfaces([{ ifIndex: 1 }]);
    await here.restart(() => pim.takeInterfaces([{ ifIndex: 101 }, { ifIndex: 102 }]));
    await pim.takeInterfaces([{ ifIndex: 103 }]);
    const { head } = await here.mgm.events(0, { limit: 1 });
    await eventually(async () => expect(await window.live('rev')).toBe(head), {
      withinMs: WITHIN_MS,
    });
    const revs = await window.live<number[]>('events.map(({ rev }) => rev)');
    expect(revs).toEqual([head - 3, head - 2, head - 1, head]);
    expect(await window.live('snapshots')).toBe(1);
    expect(await window.live('opened')).toBeGreaterThan(1);
    await window.page.getByText('45 interfaces').waitFor();
  });

  it('shows and scrolls 100 000 interfaces', async () => {
    await using here = await stage.open();
    const pim = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1, name: 'pim-1' });
    // A session has at most 65536 calls at once.
    for (let from = 1; from <= 100_000; from += 25_000) {
      const some = Array.from({ length: 25_000 }, (_, at) => ({ ifIndex: from + at }));
      const taken = await pim.takeInterfaces(some, { deadlineMs: 60_000 });
      expect(taken.filter(({ kind }) => kind === 'failed')).toEqual([]);
    }
    await using window = await Window.open(browser, here);
    const { page } = window;
    await window.go('interfaces');
    await page.getByText('100,000 interfaces').waitFor();
    const scroller = page.getByRole('region', { name: 'Interfaces' });
    await scroller.focus();
    await page.keyboard.press('End');
    await page.getByRole('link', { name: '100000', exact: true }).waitFor();
    expect(await page.locator('tbody .row').count()).toBeLessThan(80);
    await page.getByLabel('Search').fill('99998');
    await page.getByText('1 of 100,000 interfaces').waitFor();
  });
});
