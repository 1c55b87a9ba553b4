/** Runs tasks one after the other: DuckDB's only writer is whoever has the lane. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Tasks running or waiting. */
  get length(): number {
    return this.#waiting;
  }

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#waiting++;
    const result = this.#last.then(task);
    this.#last = result.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    return result;
  }
}
