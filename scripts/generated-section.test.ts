import { describe, expect, it } from 'vitest';
import { withSection } from './generated-section.ts';

const page = '# Page\n\n<!-- begin table.ts -->\nold\n<!-- end -->\n\nafter\n';

describe('a generated section of a page', () => {
  it('is replaced, the rest of the page is kept', () => {
    const updated = '# Page\n\n<!-- begin table.ts -->\n\nnew\n\n<!-- end -->\n\nafter\n';
    expect(withSection(page, 'table.ts', 'new\n')).toBe(updated);
    expect(withSection(updated, 'table.ts', 'new\n')).toBe(updated);
  });

  it('must have its markers', () => {
    expect(() => withSection(page, 'other.ts', 'new')).toThrow('no line <!-- begin other.ts -->');
  });
});
