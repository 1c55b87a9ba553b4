import { FeederEncoder } from '@armorlake/proto';
import type { Draft, SimulatedEvent } from './event.js';

/** Drafts to events: encoded, and numbered in the order they are finished. */
export class EventFinisher {
  readonly #encoder = new FeederEncoder();
  #last = 0;

  finish(draft: Draft, dueMicros: number): SimulatedEvent {
    this.#last += 1;
    return { ...draft, number: this.#last, dueMicros, bytes: this.encode(draft) };
  }

  encode(draft: Draft): Buffer {
    switch (draft.stream) {
      case 'logs':
        return this.#encoder.encodeLog(draft.event);
      case 'alerts':
        return this.#encoder.encodeAlert(draft.event);
      case 'messages':
        return this.#encoder.encodeMessage(draft.event);
    }
  }
}
