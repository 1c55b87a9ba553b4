/** KubeArmor's UpdatedTime: UTC with microseconds, from older nodes without the Z. */
export function formatMicros(micros: number, withZone: boolean): string {
  const milliseconds = Math.floor(micros / 1000);
  const rest = String(micros - milliseconds * 1000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, 23)}${rest}${withZone ? 'Z' : ''}`;
}
