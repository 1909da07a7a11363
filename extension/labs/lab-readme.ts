/** How a lab presents itself in the list: from its README. */
/** The README's first heading is the lab's title and its first paragraph the description. */
export function describeLab(readme: string, fallback: string): { title: string; summary: string } {
  const lines = readme.split(/\r?\n/);
  const heading = lines.findIndex((line) => line.startsWith('# '));
  const paragraph = lines.slice(heading + 1).join('\n').trim().split(/\n\s*\n/)[0] ?? '';
  return { title: heading < 0 ? fallback : lines[heading]!.slice(2).trim(), summary: paragraph.startsWith('#') ? '' : paragraph.replaceAll('\n', ' ') };
}

