import type { Browser } from 'playwright-core';

export const screenshots: string;
export function chromiumPath(): string | undefined;
export function launchBrowser(): Promise<Browser>;
export function labCopy(name: string): string;
