/** Judges a launch configuration against the schema in package.json, in sentences that name the attribute and the remedy. */

export interface Schema {
  type?: 'string' | 'integer' | 'boolean' | 'array' | 'object';
  description?: string;
  enum?: readonly string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  required?: readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean;
  items?: Schema;
}

const EXPECTED: Record<NonNullable<Schema['type']>, string> = {
  string: 'text in quotes',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list in square brackets',
  object: 'an object in braces',
};

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

const show = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

export function faultsOf(value: unknown, schema: Schema, where: string): string[] {
  if (schema.type !== undefined && typeOf(value) !== schema.type) return [`"${where}" must be ${EXPECTED[schema.type]}, and is ${show(value)}.`];
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) return [`"${where}" must be one of ${schema.enum.map((each) => `"${each}"`).join(', ')}, and is ${show(value)}.`];
  switch (typeOf(value)) {
    case 'string':
      return schema.pattern !== undefined && !new RegExp(schema.pattern).test(value as string) ? [`"${where}" is ${show(value)}. ${schema.description ?? ''}`.trimEnd()] : [];
    case 'integer':
      return rangeFaults(value as number, schema, where);
    case 'array':
      return schema.items === undefined ? [] : (value as unknown[]).flatMap((item, index) => faultsOf(item, schema.items!, `${where}[${index}]`));
    case 'object':
      return memberFaults(value as Record<string, unknown>, schema, (name) => `${where}.${name}`);
    default:
      return [];
  }
}

function rangeFaults(value: number, { minimum = -Infinity, maximum = Infinity }: Schema, where: string): string[] {
  if (value >= minimum && value <= maximum) return [];
  return [`"${where}" is ${value}, but must be ${maximum === Infinity ? `at least ${minimum}` : `between ${minimum} and ${maximum}`}.`];
}

export function memberFaults(value: Record<string, unknown>, schema: Schema, path: (name: string) => string = (name) => name): string[] {
  const properties = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((name) => value[name] === undefined).map((name) => `"${path(name)}" is missing. ${properties[name]?.description ?? ''}`.trimEnd());
  const unknown = schema.additionalProperties === false ? Object.keys(value).filter((name) => properties[name] === undefined) : [];
  return [
    ...missing,
    ...unknown.map((name) => `"${path(name)}" is not known here; known are ${Object.keys(properties).map((each) => `"${each}"`).join(', ')}.`),
    ...Object.entries(properties).flatMap(([name, property]) => (value[name] === undefined ? [] : faultsOf(value[name], property, path(name)))),
  ];
}
