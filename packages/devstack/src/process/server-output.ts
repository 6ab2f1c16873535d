/** The most output kept: enough for the last start and later errors. */
const KEPT_CHARS = 512 * 1024;

/** Collects a server's output and reports matching lines. Keeps at least the last 256 KiB, at most 512 KiB. */
export class ServerOutput {
  #text = '';
  #watchers = new Set<(text: string) => void>();

  add(chunk: string): void {
    this.#text += chunk;
    if (this.#text.length > KEPT_CHARS) this.#text = this.#text.slice(-KEPT_CHARS / 2);
    for (const watcher of this.#watchers) watcher(chunk);
  }

  /** Calls back once, when output from now on matches. Returns a function that cancels it. */
  onceMatching(pattern: RegExp, callback: () => void): () => void {
    let seen = '';
    const watcher = (chunk: string): void => {
      seen = (seen + chunk).slice(-KEPT_CHARS);
      if (!pattern.test(seen)) return;
      this.#watchers.delete(watcher);
      callback();
    };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The output kept. */
  get text(): string {
    return this.#text;
  }

  /** The last part, short enough for an error message. */
  tail(chars = 2000): string {
    return this.#text.slice(-chars).trim();
  }
}
