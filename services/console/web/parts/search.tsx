import { useState } from 'preact/hooks';
import type { Found } from '../../src/api.ts';
import { usePolled, type Polled } from '../model/requests.ts';

/** A search that the server carries out: its form, and what it found. */
export function useSearch<Item>(
  path: string,
  label: string,
): { readonly form: preact.JSX.Element; readonly found: Polled<Found<Item>> } {
  const [text, setText] = useState('');
  const [search, setSearch] = useState('');
  const query = new URLSearchParams({ search }).toString();
  const found = usePolled<Found<Item>>(`${path}?${query}`, Infinity);
  const form = (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        setSearch(text);
      }}
    >
      <label>
        {label}{' '}
        <input
          type="search"
          value={text}
          maxLength={64}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Search</button>
      <output>{found.value && foundText(found.value)}</output>
    </form>
  );
  return { form, found };
}

function foundText({ items, searched, hasMore }: Found<unknown>): string {
  const text = `${items.length} found in ${searched.toLocaleString('en')}`;
  return hasMore ? `${text}; there may be more` : text;
}
