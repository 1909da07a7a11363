export interface ServedWorkbench {
  readonly port: number;
  readonly address: string;
  log(): string;
  stop(): Promise<void>;
}

export function serveWorkbench(options?: { port?: number; extension?: string; settings?: object; automation?: boolean; env?: NodeJS.ProcessEnv }): Promise<ServedWorkbench>;
