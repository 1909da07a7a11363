/** Sums up the outcomes of all suites against the list of known failures. */

/** A listed test that fails is as expected; one that passes fails the run, so that the list stays true. */
export function tally(results, known) {
  const reasons = new Map(known.map(({ test, reason }) => [test, reason]));
  const passed = [];
  const failed = [];
  const expected = [];
  for (const result of results) {
    const listed = reasons.has(result.title);
    if (result.outcome === 'failed' && listed) expected.push({ ...result, reason: reasons.get(result.title) });
    else if (result.outcome === 'failed') failed.push(result);
    else if (result.outcome === 'passed' && listed) failed.push({ ...result, error: 'is listed in test/known-failures.json, but passes: remove it from the list' });
    else if (result.outcome === 'passed') passed.push(result);
  }
  const seen = new Set(results.map(({ title }) => title));
  for (const { test } of known) if (!seen.has(test)) failed.push({ title: test, outcome: 'failed', error: 'is listed in test/known-failures.json, but there is no such test: correct or remove it' });
  const leftOut = results.filter(({ outcome }) => outcome === 'left out');
  return { passed: passed.length + expected.length, failed, expected, leftOut };
}
