/** Memory as devices reach it that are bus masters: physical addresses, without the processor. */
export interface DirectMemory {
  /** A copy; where there is no memory, bytes read as ones. */
  read(address: number, bytes: number): Uint8Array;
  /** Bytes for which there is no memory are lost. */
  write(address: number, bytes: Uint8Array): void;
}
