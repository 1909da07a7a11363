/** The programs that are known by their symbols, each in its world and at its base. Addresses here are linear and unsigned. */
import type { Linux } from './guests/linux/linux.js';
import type { World } from './launch-arguments.js';
import type { FunctionRange, InlineFrame } from './symbols/image.js';
import type { LineAddress, SourceLine } from './symbols/lines.js';
import type { ProgramSymbols } from './symbols/program-symbols.js';

/** The unsigned 64-bit form of a linear address that the processor keeps signed, and back. */
export const unsignedAddress = (linear: number): bigint => BigInt.asUintN(64, BigInt(linear));
export const linearNumber = (address: bigint): number => Number(BigInt.asIntN(64, address));

/** One program: its symbols moved to where it was loaded. */
export class Image {
  constructor(
    readonly symbols: ProgramSymbols,
    readonly world: World,
    /** What was added to the addresses of the file; an operating system that moves itself is found when it runs. */
    public base: bigint,
  ) {}

  get name(): string {
    return this.symbols.name;
  }

  own(address: bigint): bigint {
    return BigInt.asUintN(64, address - this.base);
  }

  holds(address: bigint): boolean {
    return this.symbols.holdsAddress(this.own(address));
  }

  lineAt(address: bigint): SourceLine | undefined {
    const line = this.symbols.lineAt(this.own(address));
    return line && this.moved(line);
  }

  functionAt(address: bigint): FunctionRange | undefined {
    const found = this.symbols.functionAt(this.own(address));
    return found && this.moved(found);
  }

  inlinedAt(address: bigint): InlineFrame[] {
    return this.symbols.inlinedAt(this.own(address)).map((frame) => this.moved(frame));
  }

  addressesOfLine(file: string, line: number): LineAddress[] {
    return this.symbols.addressesOfLine(file, line).map((entry) => ({ ...entry, address: entry.address + this.base }));
  }

  symbol(name: string): bigint | undefined {
    const address = this.symbols.symbol(name);
    return address === undefined ? undefined : address + this.base;
  }

  bodyOf(start: bigint): bigint {
    return this.symbols.functionBody(this.own(start)) + this.base;
  }

  private moved<T extends { start: bigint; end: bigint }>(range: T): T {
    return this.base === 0n ? range : { ...range, start: range.start + this.base, end: range.end + this.base };
  }
}

export class Images {
  /** Those that the launch named, then those that a guest has loaded. */
  all: readonly Image[];

  /** `systems`: the operating systems among them, of which more is known than symbols. */
  constructor(private readonly given: readonly Image[], readonly systems: readonly Linux[] = []) {
    this.all = given;
  }

  /** After a guest has loaded or unloaded programs. */
  update(): void {
    this.all = [...this.given, ...this.systems.flatMap(({ loaded }) => loaded)];
  }

  at(world: World, address: bigint): Image | undefined {
    return this.all.find((image) => image.world === world && image.holds(address));
  }

  of(world: World): Image[] {
    return this.all.filter((image) => image.world === world);
  }

  functionAt(world: World, address: bigint): FunctionRange | undefined {
    return this.at(world, address)?.functionAt(address);
  }

  lineAt(world: World, address: bigint): SourceLine | undefined {
    return this.at(world, address)?.lineAt(address);
  }

  /** `main+0x12`; undefined where nothing is known. */
  describe(world: World, address: bigint): string | undefined {
    const image = this.at(world, address);
    const found = image?.functionAt(address);
    if (found) return offset(found.name, address - found.start);
    const symbol = image?.symbols.symbolAt(image.own(address));
    return symbol && offset(symbol.name, symbol.offset);
  }

  /** Every place of that name; `host!name` and `guest!name` ask for one world. */
  named(name: string): { image: Image; address: bigint }[] {
    const [, world, plain] = /^(?:(host|guest)!)?(.*)$/.exec(name)!;
    return this.all.flatMap((image) => {
      if (world !== undefined && image.world !== world) return [];
      const address = image.symbol(plain!.trim());
      return address === undefined ? [] : [{ image, address }];
    });
  }
}

const offset = (name: string, by: bigint): string => (by === 0n ? name : `${name}+0x${by.toString(16)}`);
