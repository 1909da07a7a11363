/** The ten time and date bytes of an MC146818 and what they mean. Motorola MC146818 data sheet, "Time, Calendar, and Alarm Locations". */

export const SECONDS = 0, MINUTES = 2, HOURS = 4, DAY_OF_WEEK = 6, DAY_OF_MONTH = 7, MONTH = 8, YEAR = 9;

/** Where a PC keeps the century. */
export const CENTURY = 0x32;

export const TIME_REGISTERS: readonly number[] = [SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY];

export interface Format {
  readonly binary: boolean;
  readonly hours24: boolean;
}

/** Seconds since 1970 and, apart from the date as it is in the chip, the day of the week. */
export interface Calendar {
  readonly seconds: number;
  /** 0–6, added to the true day of the week. */
  readonly weekdayShift: number;
}

const PM = 0x80;

export const encode = (value: number, { binary }: Format) => (binary ? value : (Math.floor(value / 10) << 4) | value % 10);

const decode = (byte: number, { binary }: Format) => (binary ? byte : (byte >> 4) * 10 + (byte & 15));

function encodeHours(hours: number, format: Format): number {
  if (format.hours24) return encode(hours, format);
  return encode(hours % 12 || 12, format) | (hours >= 12 ? PM : 0);
}

function decodeHours(byte: number, format: Format): number {
  if (format.hours24) return decode(byte, format);
  return (decode(byte & ~PM, format) % 12) + ((byte & PM) !== 0 ? 12 : 0);
}

/** The bytes in the order of TIME_REGISTERS. */
export function toRegisters({ seconds, weekdayShift }: Calendar, format: Format): number[] {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  const weekday = ((date.getUTCDay() + weekdayShift) % 7) + 1;
  return [
    encode(date.getUTCSeconds(), format),
    encode(date.getUTCMinutes(), format),
    encodeHours(date.getUTCHours(), format),
    encode(weekday, format),
    encode(date.getUTCDate(), format),
    encode(date.getUTCMonth() + 1, format),
    encode(year % 100, format),
    encode(Math.floor(year / 100) % 100, { ...format, binary: false }),
  ];
}

/** UNDEFINED: values out of range; here they carry into the next larger unit. */
export function fromRegisters(registers: readonly number[], format: Format): Calendar {
  const [second, minute, hour, weekday, day, month, year, century] = registers as [number, number, number, number, number, number, number, number];
  const fullYear = decode(century, { ...format, binary: false }) * 100 + decode(year, format);
  const milliseconds = Date.UTC(
    Math.max(100, fullYear),
    decode(month, format) - 1,
    decode(day, format),
    decodeHours(hour, format),
    decode(minute, format),
    decode(second, format),
  );
  const trueWeekday = new Date(milliseconds).getUTCDay();
  return { seconds: milliseconds / 1000, weekdayShift: (((decode(weekday, format) - 1 - trueWeekday) % 7) + 7) % 7 };
}
