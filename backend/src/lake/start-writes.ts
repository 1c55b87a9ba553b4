type Step = () => Promise<void> | void;

/**
 * What a start writes into the lake and beside it, in order, each step once. A lake on a full disk answers queries without;
 * when a step fails, the next call goes on with it.
 */
export class StartWrites {
  readonly #steps: Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  get done(): boolean {
    return this.#steps.length === 0;
  }

  /** One call at a time, with the lane held. */
  async run(): Promise<void> {
    for (;;) {
      const [step] = this.#steps;
      if (step === undefined) return;
      await step();
      this.#steps.shift();
    }
  }
}
