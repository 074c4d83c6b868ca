/** Which addresses a user may have the bot visit: those of the public internet, and no others. */
import ipaddr from "ipaddr.js";

/**
 * Whether `address` is a public one. False for private, loopback, link-local,
 * shared, reserved and multicast ones, in IPv4, IPv6 and the forms of one within
 * the other, and for what is no address.
 */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (!ipaddr.isValid(bare)) return false;
  const parsed = ipaddr.parse(bare);
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === "unicast";
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().range() === "unicast";
  // Tunnels and translations lead to an IPv4 address that they hold; none of them is needed.
  return parsed.range() === "unicast";
}
