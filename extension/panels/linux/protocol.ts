/** What the panel of a Linux guest asks for. Addresses are linear, as hexadecimal text. */

export const LINUX_PARTS = ['tasks', 'areas', 'modules', 'log'] as const;
export type LinuxPart = (typeof LINUX_PARTS)[number];

export interface LinuxTask {
  pid: number;
  /** Of its process. */
  tgid: number;
  parent: number;
  comm: string;
  state: string;
  isKernelThread: boolean;
  address: string;
  /** Numbers of the processors that run it now. */
  cpus: number[];
}

export interface LinuxArea {
  start: string;
  end: string;
  rights: string;
  file: string;
}

export interface LinuxModule {
  name: string;
  base: string;
  size: number;
}

export interface LinuxLogRecord {
  /** Seconds since boot, with six places. */
  time: string;
  level: number;
  text: string;
}

/** Only the part that was asked for. */
export interface LinuxData {
  /** How far KASLR moved the kernel. */
  slide: string;
  tasks?: LinuxTask[];
  areas?: LinuxArea[];
  modules?: LinuxModule[];
  log?: LinuxLogRecord[];
}

export type LinuxRequests = {
  /** `pid` of the process whose areas are wanted; without it, the one that runs. */
  'ringside/linux': { arguments: { part: LinuxPart; pid?: number }; body: LinuxData };
};
