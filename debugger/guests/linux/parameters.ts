/** Parameters of functions of which only the prototype is known: in their registers, as long as the function has not begun. */
import type { Variable } from '../../symbols/variables.js';
import { isScalar, type Type } from '../../symbols/types.js';

/** System V ABI for AMD64, "Parameter Passing". */
const ARGUMENT_REGISTERS = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

export function parameterVariables(parameters: readonly { readonly name: string; readonly type: Type }[], start: bigint): Variable[] {
  const passed = parameters.findIndex(({ type }) => !isScalar(type));
  return parameters.map(({ name, type }, index) => ({
    name: name || `parameter ${index + 1}`,
    kind: 'parameter',
    type,
    location: {
      in({ address }) {
        const register = passed >= 0 && index >= passed ? undefined : ARGUMENT_REGISTERS[index];
        if (address === start && register !== undefined) return { is: 'register', register };
        return { is: 'unknown', why: 'without debug information a parameter is known only at the first instruction of its function' };
      },
    },
  }));
}
