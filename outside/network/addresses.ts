/** The network that a guest sees, as users of other emulators know it, and its addresses: 32-bit numbers. */

export const ipv4 = (text: string): number => text.split('.').reduce((address, part) => address * 256 + Number(part), 0);
export const ipv4Text = (address: number): string => [24, 16, 8, 0].map((bit) => (address >>> bit) & 0xff).join('.');
export const isIpv4 = (text: string): boolean => /^\d+(\.\d+){3}$/.test(text) && text.split('.').every((part) => Number(part) < 256);

export const SUBNET = ipv4('10.0.2.0'), MASK = ipv4('255.255.255.0');
/** Stands for the host itself. */
export const GATEWAY = ipv4('10.0.2.2');
export const NAME_SERVER = ipv4('10.0.2.3');
/** What a guest gets by DHCP. */
export const GUEST = ipv4('10.0.2.15');
export const LOOPBACK = '127.0.0.1';
export const EVERYBODY = 0xffffffff;

export const isOurs = (address: number): boolean => address === GATEWAY || address === NAME_SERVER;
export const isOnSubnet = (address: number): boolean => ((address & MASK) >>> 0) === SUBNET;

/** Of gateway and name server, on the wire. */
export const OUR_HARDWARE_ADDRESS = Uint8Array.of(0x52, 0x55, 0x0a, 0x00, 0x02, 0x02);
export const BROADCAST_HARDWARE_ADDRESS = new Uint8Array(6).fill(0xff);
