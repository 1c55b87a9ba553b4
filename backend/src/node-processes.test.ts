import { expect, it } from 'vitest';
import { writtenOf } from './node-processes.js';

const io = (written: number, cancelled: number): string =>
  `rchar: 9\nwchar: 900000\nsyscr: 1\nsyscw: 1\nread_bytes: 0\nwrite_bytes: ${written}\ncancelled_write_bytes: ${cancelled}\n`;

it('counts no bytes for the disk that were deleted before they got there', () => {
  // A query node's main process after 20 minutes of dashboards, whose answers lie in files for as long as they are merged.
  expect(writtenOf(io(53_592_064, 51_429_376))).toBe(2_162_688);
  // It deletes what another of its processes wrote.
  expect(writtenOf(io(40_960, 10_944_512)) + writtenOf(io(12_000_000, 0))).toBe(1_096_448);
  expect(writtenOf('')).toBe(0);
});
