import { isIP } from 'node:net';

/** True for names and addresses that only this machine can reach; brackets around an IPv6 address are taken. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
