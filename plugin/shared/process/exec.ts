/** SQL: whether a row is the exec of a program. KubeArmor calls ptrace a Process event, too: its resource is the one traced. */
export function isExec(row = ''): string {
  return `${row}operation = 'Process' AND ${row}syscall IS DISTINCT FROM 'SYS_PTRACE'`;
}
