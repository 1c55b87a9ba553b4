import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { network } from '@armorlake/proto';
import { ERROR_STATUS } from '../../core/index.js';
import type { ErrorCode, ErrorShape } from '../../core/index.js';
import { clip } from './text.js';

type WireError = MessageShape<typeof network.ErrorSchema>;

const MOST_TEXT = 2_000;

/** An error as another node told it: its texts cut to 2,000 characters, an unknown code INTERNAL. */
export function readError(error: WireError): ErrorShape {
  return {
    code: isErrorCode(error.code) ? error.code : 'INTERNAL',
    message: clip(error.message, MOST_TEXT),
    ...(error.hint === undefined ? {} : { hint: clip(error.hint, MOST_TEXT) }),
    ...(error.position === undefined ? {} : { position: error.position }),
    ...(error.node === undefined ? {} : { node: clip(error.node, 63) }),
  };
}

export function writeError(error: ErrorShape): MessageInitShape<typeof network.ErrorSchema> {
  return error;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code);
}
