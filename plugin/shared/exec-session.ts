/**
 * What names a session in its container. KubeArmor marks what enters by an ExecID, of which a child inherits the low half only
 * (its BPF/system_monitor.c copies it through 32 bits); the high half of a child's is its own PID.
 */
export const execSession = 'coalesce((TRY_CAST(exec_session AS UBIGINT) & 4294967295)::VARCHAR, exec_session)';
