/** Runs location expressions: a stack machine that ends at a place. DWARF Version 5, "DWARF Expressions". */
import type { ByteReader } from './byte-reader.js';
import { OP, OPTIMIZED_OUT, operationName } from './dwarf-operations.js';
import { registerName } from './dwarf-registers.js';

/** Where a value is. */
export type Place =
  | { readonly is: 'memory'; readonly address: bigint }
  | { readonly is: 'register'; readonly register: string }
  /** Nowhere, but its bytes are known. */
  | { readonly is: 'value'; readonly bytes: Uint8Array }
  | { readonly is: 'pieces'; readonly pieces: readonly Piece[] }
  | { readonly is: 'optimized out' }
  /** It cannot be found now; `why` is a sentence. */
  | { readonly is: 'unknown'; readonly why: string };

export interface Piece {
  readonly place: Place;
  readonly bits: number;
  /** The first bit of the piece inside its place. */
  readonly bitOffset: number;
}

/** What the machine around a stopped frame gives. Values of registers are unsigned. */
export interface FrameContext {
  readonly address: bigint;
  register(name: string): bigint | undefined;
  read(address: bigint, bytes: number): Uint8Array | undefined;
  /** The canonical frame address, when the caller has computed it already. */
  readonly cfa?: bigint;
}

export interface ExpressionEnvironment {
  readonly addressSize: number;
  register(name: string): bigint | undefined;
  read(address: bigint, bytes: number): Uint8Array | undefined;
  frameBase(): bigint | undefined;
  cfa(): bigint | undefined;
  indexedAddress(index: number): bigint | undefined;
}

const MOST_STEPS = 10_000;
const LARGEST_PIECE = 2 ** 20;

/** Ends the run early with an outcome instead of a value. */
class Stopped extends Error {
  readonly place: Place;
  constructor(place: Place) {
    super('stopped');
    this.place = place;
  }
}

export function evaluateLocation(reader: ByteReader, environment: ExpressionEnvironment): Place {
  if (reader.atEnd) return { is: 'optimized out' };
  try {
    return new LocationMachine(reader, environment, []).place();
  } catch (error) {
    if (error instanceof Stopped) return error.place;
    throw error;
  }
}

/** The number that an expression leaves, as frame addresses and member offsets are given; `initial` lies on the stack first. */
export function evaluateNumber(reader: ByteReader, environment: ExpressionEnvironment, initial: readonly bigint[] = []): bigint | undefined {
  try {
    const place = new LocationMachine(reader, environment, initial).place();
    if (place.is === 'memory') return place.address;
    if (place.is === 'register') return environment.register(place.register);
    return undefined;
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  }
}

class LocationMachine {
  private readonly reader: ByteReader;
  private readonly environment: ExpressionEnvironment;
  private readonly bits: number;
  private readonly stack: bigint[];
  private readonly pieces: Piece[] = [];
  private steps = 0;

  constructor(reader: ByteReader, environment: ExpressionEnvironment, initial: readonly bigint[]) {
    this.reader = reader;
    this.environment = environment;
    this.bits = 8 * environment.addressSize;
    this.stack = [...initial];
  }

  place(): Place {
    const { reader } = this;
    let pending: Place | undefined;
    while (!reader.atEnd) {
      if (++this.steps > MOST_STEPS) reader.fail(`the expression does not end within ${MOST_STEPS} steps`);
      const code = reader.u8();
      if (code === OP.piece || code === OP.bitPiece) {
        const bits = code === OP.piece ? 8 * reader.uleb() : reader.uleb();
        const bitOffset = code === OP.piece ? 0 : reader.uleb();
        if (bits > LARGEST_PIECE || bitOffset > LARGEST_PIECE) reader.fail(`the expression names a piece of ${bits} bits at bit ${bitOffset}`);
        const place = pending ?? (this.stack.length > 0 ? this.memory() : ({ is: 'optimized out' } as const));
        this.pieces.push({ place, bits, bitOffset });
        pending = undefined;
        this.stack.length = 0;
      } else {
        const described = this.describe(code);
        if (described) pending = described;
        else this.operate(code);
      }
    }
    if (this.pieces.length > 0) return { is: 'pieces', pieces: this.pieces };
    return pending ?? this.memory();
  }

  private memory(): Place {
    return { is: 'memory', address: this.pop() };
  }

  /** The operations that describe a place which is not an address on the stack. */
  private describe(code: number): Place | undefined {
    const { reader } = this;
    if (code >= OP.reg0 && code < OP.reg0 + 32) return this.inRegister(code - OP.reg0);
    if (code === OP.regx) return this.inRegister(reader.uleb());
    if (code === OP.implicitValue) return { is: 'value', bytes: reader.block(reader.uleb()) };
    if (code === OP.stackValue) {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, this.pop()), true);
      return { is: 'value', bytes };
    }
    return undefined;
  }

  private operate(code: number): void {
    const { reader, environment } = this;
    if (OPTIMIZED_OUT.has(code)) throw new Stopped({ is: 'optimized out' });
    if (code >= OP.lit0 && code < OP.lit0 + 32) return this.push(BigInt(code - OP.lit0));
    if (code >= OP.breg0 && code < OP.breg0 + 32) return this.push(this.register(code - OP.breg0) + reader.slebWide());
    if (code >= OP.const1u && code <= OP.const8s) {
      const size = 1 << ((code - OP.const1u) >> 1);
      return this.push((code - OP.const1u) & 1 ? reader.signed(size) : reader.unsigned(size));
    }
    switch (code) {
      case OP.addr:
        return this.push(reader.unsigned(environment.addressSize));
      case OP.addrx:
      case OP.constx:
        return this.push(this.known(environment.indexedAddress(reader.uleb()), 'an address of the address table'));
      case OP.constu:
        return this.push(reader.ulebWide());
      case OP.consts:
        return this.push(reader.slebWide());
      case OP.bregx:
        return this.push(this.register(reader.uleb()) + reader.slebWide());
      case OP.fbreg:
        return this.push(this.known(environment.frameBase(), "the frame's base") + reader.slebWide());
      case OP.callFrameCfa:
        return this.push(this.known(environment.cfa(), 'the canonical frame address'));
      case OP.deref:
        return this.push(this.load(environment.addressSize));
      case OP.derefSize:
        return this.push(this.load(reader.u8()));
      case OP.nop:
        return;
      default:
        return this.calculate(code);
    }
  }

  private calculate(code: number): void {
    const { reader, stack } = this;
    switch (code) {
      case OP.dup:
        return this.push(this.peek(0));
      case OP.drop:
        this.pop();
        return;
      case OP.over:
        return this.push(this.peek(1));
      case OP.pick:
        return this.push(this.peek(reader.u8()));
      case OP.swap: {
        const [b, a] = [this.pop(), this.pop()];
        stack.push(b, a);
        return;
      }
      case OP.rot: {
        const [c, b, a] = [this.pop(), this.pop(), this.pop()];
        stack.push(c, a, b);
        return;
      }
      case OP.abs: {
        const value = this.signed(this.pop());
        return this.push(value < 0n ? -value : value);
      }
      case OP.neg:
        return this.push(-this.pop());
      case OP.not:
        return this.push(~this.pop());
      case OP.plusUconst:
        return this.push(this.pop() + reader.ulebWide());
      case OP.skip:
        return this.jump(true);
      case OP.bra:
        return this.jump(this.pop() !== 0n);
      default:
        return this.combine(code);
    }
  }

  private combine(code: number): void {
    const operation = BINARY.get(code);
    if (!operation) throw new Stopped({ is: 'unknown', why: `not implemented: ${operationName(code)}` });
    const b = this.pop();
    const a = this.pop();
    const result = operation(a, b, (value) => this.signed(value), this.bits);
    if (result === undefined) this.reader.fail('the expression divides by zero');
    this.push(result);
  }

  private jump(taken: boolean): void {
    const distance = Number(this.reader.signed(2));
    if (taken) this.reader.seek(this.reader.position + distance);
  }

  private load(size: number): bigint {
    const address = this.pop();
    const bytes = this.environment.read(address, size);
    if (bytes?.length !== size) throw new Stopped({ is: 'unknown', why: `not readable at 0x${address.toString(16)}` });
    return littleEndian(bytes);
  }

  private inRegister(number: number): Place {
    return { is: 'register', register: registerName(number, this.environment.addressSize) };
  }

  private register(number: number): bigint {
    const name = registerName(number, this.environment.addressSize);
    return this.known(this.environment.register(name), `the register ${name}`);
  }

  private known(value: bigint | undefined, what: string): bigint {
    if (value === undefined) throw new Stopped({ is: 'unknown', why: `${what} is not known in this frame` });
    return value;
  }

  private push(value: bigint): void {
    this.stack.push(BigInt.asUintN(this.bits, value));
  }

  private pop(): bigint {
    return this.stack.pop() ?? this.reader.fail(`the expression takes from an empty stack before byte ${this.reader.position}`);
  }

  private peek(depth: number): bigint {
    return this.stack[this.stack.length - 1 - depth] ?? this.reader.fail(`the expression reads below its stack before byte ${this.reader.position}`);
  }

  private signed(value: bigint): bigint {
    return BigInt.asIntN(this.bits, value);
  }
}

type Binary = (a: bigint, b: bigint, signed: (value: bigint) => bigint, bits: number) => bigint | undefined;

const relation =
  (holds: (a: bigint, b: bigint) => boolean): Binary =>
  (a, b, signed) =>
    holds(signed(a), signed(b)) ? 1n : 0n;

const BINARY = new Map<number, Binary>([
  [OP.and, (a, b) => a & b],
  [OP.or, (a, b) => a | b],
  [OP.xor, (a, b) => a ^ b],
  [OP.plus, (a, b) => a + b],
  [OP.minus, (a, b) => a - b],
  [OP.mul, (a, b) => a * b],
  [OP.div, (a, b, signed) => (b === 0n ? undefined : signed(a) / signed(b))],
  [OP.mod, (a, b) => (b === 0n ? undefined : a % b)],
  [OP.shl, (a, b, _signed, bits) => (b >= bits ? 0n : a << b)],
  [OP.shr, (a, b, _signed, bits) => (b >= bits ? 0n : a >> b)],
  [OP.shra, (a, b, signed, bits) => signed(a) >> (b >= bits ? BigInt(bits) : b)],
  [OP.eq, relation((a, b) => a === b)],
  [OP.ne, relation((a, b) => a !== b)],
  [OP.lt, relation((a, b) => a < b)],
  [OP.le, relation((a, b) => a <= b)],
  [OP.gt, relation((a, b) => a > b)],
  [OP.ge, relation((a, b) => a >= b)],
]);

export function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
  return value;
}
