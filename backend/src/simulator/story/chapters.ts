import type { Random } from '../random.js';
import type { WorkloadSpec } from '../workloads.js';
import { WORKLOADS } from '../workloads.js';
import type { Place } from '../world.js';
import { carriedOn, miner, stolenSession, webShell } from './chains.js';
import type { Part } from './strand.js';
import { MINUTE } from './strand.js';

/** A part of the attack in one workload. */
export interface Chain {
  readonly workload: string;
  /** When its first act is, in seconds after the history's end: below 0 it is in the history. */
  readonly startsSec: number;
  readonly acts: (place: Place, random: Random) => Part;
}

/** What one simulator tells of the story: a cluster with two of its six workloads. */
export interface Chapter {
  readonly clusterName: string;
  readonly hosts: number;
  readonly workloads: readonly WorkloadSpec[];
  readonly chains: readonly Chain[];
  /** When nobody can reach its KubeArmor, in seconds after the history's end. */
  readonly away?: { readonly afterSec: number; readonly forSec: number };
}

export const CHAPTER_NAMES = ['west', 'east', 'plant'] as const;
export type ChapterName = (typeof CHAPTER_NAMES)[number];

const AWAY = { afterSec: 60, forSec: 90 };

/**
 * Each simulator counts from its own start. That one starts seconds after the other changes nothing: what follows from
 * another chapter's acts comes minutes after them.
 */
export const CHAPTERS: Readonly<Record<ChapterName, Chapter>> = {
  west: {
    clusterName: 'west',
    hosts: 2,
    workloads: named('wordpress', 'mysql'),
    chains: [{ workload: 'wordpress', startsSec: -40 * MINUTE, acts: webShell }],
  },
  east: {
    clusterName: 'east',
    hosts: 2,
    workloads: named('payments-api', 'runner'),
    chains: [
      { workload: 'runner', startsSec: -20 * MINUTE, acts: stolenSession },
      { workload: 'payments-api', startsSec: -13 * MINUTE, acts: miner },
    ],
  },
  plant: {
    clusterName: 'plant',
    hosts: 2,
    workloads: named('mqtt-broker', 'plc-gateway'),
    chains: [{ workload: 'plc-gateway', startsSec: AWAY.afterSec + 20, acts: carriedOn }],
    away: AWAY,
  },
};

function named(...names: readonly string[]): readonly WorkloadSpec[] {
  return WORKLOADS.filter(({ name }) => names.includes(name));
}
