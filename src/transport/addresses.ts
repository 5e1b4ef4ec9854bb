import ipaddr from 'ipaddr.js';

/**
 * `forbidden`: never a mail server, whoever asks: link-local, cloud metadata, multicast, unspecified, broadcast and
 * reserved addresses, and everything that is not an IP address.
 */
export type AddressKind = 'public' | 'private' | 'loopback' | 'forbidden';

/** What an IP address is. Forms that carry an IPv4 address (mapped, NAT64) are judged by the address they carry. */
export function addressKind(ip: string): AddressKind {
  if (!ipaddr.isValid(ip)) return 'forbidden';
  const address = ipaddr.parse(ip);
  const carried = address.kind() === 'ipv6' ? carriedIpv4(address as ipaddr.IPv6) : undefined;
  if (carried) return addressKind(carried.toString());
  if (METADATA.has(address.toString())) return 'forbidden';
  return KIND_OF_RANGE[address.range()] ?? 'forbidden';
}

/** Whether a password may cross the way to this address in plain text: nobody but its owner is on it. */
export function mayCarryPlainPassword(ip: string): boolean {
  const kind = addressKind(ip);
  return kind === 'private' || kind === 'loopback';
}

/** Where clouds answer with the machine's own credentials. Link-local ones are forbidden anyway. */
const METADATA = new Set(['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16']);

const KIND_OF_RANGE: Record<string, AddressKind | undefined> = {
  unicast: 'public',
  private: 'private', // RFC 1918
  uniqueLocal: 'private', // RFC 4193
  carrierGradeNat: 'private', // RFC 6598: also the range of overlay networks
  loopback: 'loopback',
};

function carriedIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  const bytes = address.toByteArray();
  const isCarrier = CARRIERS.some((prefix) => prefix.every((byte, at) => bytes[at] === byte));
  return isCarrier && bytes.some((byte) => byte > 1) ? new ipaddr.IPv4(bytes.slice(12)) : undefined;
}

/** 64:ff9b::/96 (RFC 6052 §2.1), and the abandoned ::/96 (RFC 4291 §2.5.5.1), which still names an IPv4 address. */
const CARRIERS = [
  [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];
