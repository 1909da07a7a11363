/** Scalar floating-point operations of WebAssembly on values that are kept as integers of the same width. */
import type { FunctionBody } from '../wasm/module.js';

export const isFloat = (name: string): boolean => /^f(32|64)\./.test(name) || /_f(32|64)/.test(name) && /^i(32|64)\./.test(name);

type Type = 'i32' | 'i64' | 'f32' | 'f64';
function signature(name: string): { of: Type; gives: Type } {
  const own = name.slice(0, 3) as Type;
  const from = /_(i32|i64|f32|f64)(?:_[su])?$/.exec(name)?.[1] as Type | undefined;
  if (from) return { of: from, gives: own };
  return { of: own, gives: /\.(eq|ne|lt|gt|le|ge)$/.test(name) ? 'i32' : own };
}

export function emitFloat(f: FunctionBody, name: string, operands: readonly (() => void)[]): void {
  const { of, gives } = signature(name);
  for (const push of operands) {
    push();
    if (of === 'f32') f.op('f32.reinterpret_i32');
    if (of === 'f64') f.op('f64.reinterpret_i64');
  }
  f.op(name);
  if (gives === 'f32') f.op('i32.reinterpret_f32');
  if (gives === 'f64') f.op('i64.reinterpret_f64');
}
