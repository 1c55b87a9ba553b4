import { grafanaPlugin } from '@armorlake/proto';
import { equals } from '@bufbuild/protobuf';
import { PluginError } from './errors.js';
import type { Report } from './fault-log.js';
import type { NodeObserver } from './node/client.js';
import { NodeClient } from './node/client.js';
import { Sharing } from './query/sharing.js';
import type { Settings } from './settings.js';
import { parseSettings } from './settings.js';

/** One data source as it is set now: its settings, the way to its nodes, and what its questions share. */
export interface Instance {
  readonly settings: Settings;
  readonly client: NodeClient;
  readonly sharing: Sharing;
  readonly report: Report;
}

interface Kept {
  readonly saved: grafanaPlugin.DataSourceInstanceSettings;
  readonly instance: Instance;
  usedMs: number;
}

/** An instance nobody asked for so long goes: its data source was deleted, or nobody looks. */
const IDLE_MS = 3_600_000;

/** The data sources that are asked, each parsed once for every state of its settings. */
export class Instances {
  readonly #kept = new Map<string, Kept>();
  readonly #observer: NodeObserver;
  readonly #report: Report;
  readonly #now: () => number;

  /** @param now a clock that only goes forward, ms */
  constructor(observer: NodeObserver, report: Report, now: () => number) {
    this.#observer = observer;
    this.#report = report;
    this.#now = now;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @throws PluginError BAD_SETTINGS */
  of(context: grafanaPlugin.PluginContext | undefined): Instance {
    const message = context?.dataSourceInstanceSettings;
    if (context === undefined || message === undefined) {
      throw new PluginError('BAD_SETTINGS', 'Grafana names no data source.', { hint: 'Save the data source again.' });
    }
    const key = `${context.orgId}/${message.uid}`;
    const kept = this.#kept.get(key);
    // All of it: Grafana counts the time of a change in seconds, and two may be saved in one.
    if (kept !== undefined && equals(grafanaPlugin.DataSourceInstanceSettingsSchema, kept.saved, message)) {
      kept.usedMs = this.#now();
      return kept.instance;
    }
    const settings = parseSettings(message);
    const client = new NodeClient({ settings, observer: this.#observer, now: this.#now });
    const instance: Instance = { settings, client, sharing: new Sharing(), report: this.#report };
    if (kept !== undefined) dispose(kept.instance);
    this.#forgetIdle();
    this.#kept.set(key, { saved: message, instance, usedMs: this.#now() });
    return instance;
  }

  close(): void {
    for (const { instance } of this.#kept.values()) dispose(instance);
    this.#kept.clear();
  }

  #forgetIdle(): void {
    for (const [key, { instance, usedMs }] of this.#kept) {
      if (this.#now() - usedMs < IDLE_MS) continue;
      dispose(instance);
      this.#kept.delete(key);
    }
  }
}

function dispose({ client, sharing }: Instance): void {
  client.close();
  sharing.close();
}
