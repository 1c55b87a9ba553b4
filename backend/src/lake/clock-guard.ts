/** A wall clock that runs ahead of the monotonic one by more than this has jumped. */
const JUMP_MS = 600_000;

/** Tells when the wall clock may decide over deletions: not at the first reading, and not right after a jump forward. */
export class ClockGuard {
  #last: { readonly wallMs: number; readonly monotonicMs: number } | null = null;

  /** The wall time when this reading confirms the one before it, else null: ask again later. */
  confirm(wallMs: number, monotonicMs: number): number | null {
    const last = this.#last;
    this.#last = { wallMs, monotonicMs };
    if (last === null) return null;
    const expected = last.wallMs + (monotonicMs - last.monotonicMs);
    return wallMs - expected > JUMP_MS ? null : wallMs;
  }
}
