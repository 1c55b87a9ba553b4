import { grafanaPlugin } from '@armorlake/proto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { encodeQueryAnswers } from './query-answers.js';

const { QueryDataResponseSchema: schema } = grafanaPlugin;

test('answers to queries read as protobuf-es writes them', () => {
  const answers = {
    responses: {
      A: { frames: [Buffer.alloc(300, 7), Buffer.from('ARROW1')], status: 200 },
      ünïcode: { error: 'No such table: "kubearmor.lögs".', status: 400, errorSource: 'downstream' },
      '': { frames: [Buffer.alloc(0)], jsonMeta: Buffer.from('{}') },
    },
  };
  const written = fromBinary(schema, Uint8Array.from(encodeQueryAnswers(answers)));
  expect(written).toEqual(fromBinary(schema, toBinary(schema, create(schema, answers))));
  expect(Object.keys(written.responses)).toEqual(['A', 'ünïcode', '']);
});

test('no queries, no bytes', () => {
  expect(encodeQueryAnswers({})).toHaveLength(0);
});
