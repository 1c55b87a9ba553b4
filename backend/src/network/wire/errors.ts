import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { network } from '@armorlake/proto';
import { ERROR_STATUS } from '../../core/index.js';
import type { ErrorCode, ErrorShape } from '../../core/index.js';
import { clip, sentence } from './text.js';

type WireError = MessageShape<typeof network.ErrorSchema>;

/** A sentence; whoever reads the coverage of a thousand nodes reads this a thousand times. */
const MOST_TEXT = 300;

/** An error as another node told it: its texts cut to 300 printable characters, an unknown code INTERNAL. */
export function readError(error: WireError): ErrorShape {
  return {
    code: isErrorCode(error.code) ? error.code : 'INTERNAL',
    message: sentence(error.message, MOST_TEXT),
    ...(error.hint === undefined ? {} : { hint: sentence(error.hint, MOST_TEXT) }),
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
