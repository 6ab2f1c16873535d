/** What is kept of a server's output: enough to see its last start and what went wrong since. */
const KEPT_CHARS = 512 * 1024;

/** Collects a server's output and tells when a line of it matches. Keeps the last 256 KiB at least, 512 KiB at most. */
export class ServerOutput {
  #text = '';
  #watchers = new Set<(text: string) => void>();

  add(chunk: string): void {
    this.#text += chunk;
    if (this.#text.length > KEPT_CHARS) this.#text = this.#text.slice(-KEPT_CHARS / 2);
    for (const watcher of this.#watchers) watcher(chunk);
  }

  /** Calls back once, when the output from now on matches. Returns how to stop watching. */
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

  /** Everything kept. */
  get text(): string {
    return this.#text;
  }

  /** The last part, as an error message can bear it. */
  tail(chars = 2000): string {
    return this.#text.slice(-chars).trim();
  }
}
