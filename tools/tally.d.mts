export interface Result {
  title: string;
  outcome: string;
  error?: string;
}

export function tally(results: readonly Result[], known: readonly { test: string; reason: string }[]): { passed: number; failed: Result[]; expected: Result[]; leftOut: Result[] };
