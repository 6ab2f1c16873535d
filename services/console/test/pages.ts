import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import type { ConsoleStage } from './stage.ts';

/** How a page is looked at. */
export interface Look {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

export const WIDE: Look = { width: 1920, colorScheme: 'light' };
export const NARROW: Look = { width: 360, colorScheme: 'dark' };

/** A browser window on the console. Disposing closes it. */
export class Window implements AsyncDisposable {
  readonly page: Page;
  /** Errors of the pages: refused by the security policy, thrown, or logged. */
  readonly errors: string[] = [];
  readonly #here: ConsoleStage;

  private constructor(page: Page, here: ConsoleStage) {
    this.page = page;
    this.#here = here;
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') this.errors.push(line.text());
    });
  }

  static async open(
    browser: Browser,
    here: ConsoleStage,
    { width, colorScheme }: Look = WIDE,
  ): Promise<Window> {
    const viewport = { width, height: width < 500 ? 740 : 1000 };
    const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
    page.setDefaultTimeout(20_000);
    return new Window(page, here);
  }

  /** Goes to a page of the router and waits until it is live. */
  async go(...path: readonly (string | number)[]): Promise<void> {
    const parts = [this.#here.router, ...path].map(String).map(encodeURIComponent);
    await this.page.goto(`${this.#here.console.url}/#/${parts.join('/')}`);
    await this.page.locator('[data-state=live]').waitFor();
  }

  /** What axe-core objects to. */
  async objections(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    return await this.page.evaluate<string[]>(
      `axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
    );
  }

  /** How far the page is wider than the window. */
  async overflow(): Promise<number> {
    return await this.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
  }

  /** A value of the page's own state. */
  async live<Value>(expression: string): Promise<Value> {
    return await this.page.evaluate<Value>(`mgmLive.${expression}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}
