import { MergeDatabase } from './merge-database.js';
import type { MergeSettings } from './merge-database.js';

/** DuckDB keeps some 12 KB for every path it has ever read: 50 MB, until a new database takes the place. */
const FILES = 4_000;

/** One database, and who works with it. */
interface Place {
  readonly database: MergeDatabase;
  files: number;
  users: number;
}

/** The merge database, which another takes the place of after so many files: between two merges, never within one. */
export class MergeDatabases {
  readonly #settings: MergeSettings;
  readonly #most: number;
  readonly #places = new Set<Place>();
  #current: Place;
  #opening: Promise<void> | null = null;
  #closed = false;

  private constructor(settings: MergeSettings, most: number, first: MergeDatabase) {
    this.#settings = settings;
    this.#most = most;
    this.#current = this.#placeOf(first);
  }

  /** @param most files that one of them reads, about. */
  static async open(settings: MergeSettings, most = FILES): Promise<MergeDatabases> {
    return new MergeDatabases(settings, most, await MergeDatabase.open(settings));
  }

  /** Ids of what runs now in any of them. */
  get running(): readonly string[] {
    return [...this.#places].flatMap(({ database }) => database.runs.running);
  }

  /** Works with the database of now, to the end. */
  async use<T>(files: number, work: (database: MergeDatabase) => Promise<T>): Promise<T> {
    const place = this.#current;
    place.users += 1;
    place.files += files;
    try {
      return await work(place.database);
    } finally {
      place.users -= 1;
      if (place === this.#current && place.files >= this.#most) this.#opening ??= this.#exchange(place);
      this.#closeIfLeft(place);
    }
  }

  /** Resolves when no exchange is under way. */
  async settled(): Promise<void> {
    await this.#opening;
  }

  close(): void {
    this.#closed = true;
    for (const place of this.#places) place.database.close();
    this.#places.clear();
  }

  #placeOf(database: MergeDatabase): Place {
    const place = { database, files: 0, users: 0 };
    this.#places.add(place);
    return place;
  }

  async #exchange(before: Place): Promise<void> {
    try {
      const next = await MergeDatabase.open(this.#settings);
      if (this.#closed) {
        next.close();
        return;
      }
      this.#current = this.#placeOf(next);
      this.#closeIfLeft(before);
    } catch {
      // No room for another one now: the next merge tries again.
    } finally {
      this.#opening = null;
    }
  }

  #closeIfLeft(place: Place): void {
    if (place === this.#current || place.users > 0 || !this.#places.delete(place)) return;
    place.database.close();
  }
}
