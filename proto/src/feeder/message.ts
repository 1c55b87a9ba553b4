import type { FeederCaches } from './caches.js';
import type { FeederMessage } from './events.js';
import type { WireReader } from './wire-reader.js';
import { knownFields } from './wire-reader.js';

const KNOWN = knownFields(8, [1]);

/** Reads the `feeder.Message` the reader was opened with. @throws WireError */
export function readMessage(reader: WireReader, caches: FeederCaches): FeederMessage {
  const { end } = reader;
  let timestamp = 0;
  let updatedTime = '';
  let clusterName = '';
  let hostName = '';
  let hostIp = '';
  let type = '';
  let level = '';
  let message = '';
  for (let field = reader.next(KNOWN, end); field !== 0; field = reader.next(KNOWN, end)) {
    switch (field) {
      case 1:
        timestamp = reader.int64();
        break;
      case 2:
        updatedTime = reader.text('updatedTime', undefined);
        break;
      case 3:
        clusterName = reader.text('clusterName', caches.clusterName);
        break;
      case 4:
        hostName = reader.text('hostName', caches.hostName);
        break;
      case 5:
        hostIp = reader.text('hostIp', caches.hostIp);
        break;
      case 6:
        type = reader.text('type', caches.type);
        break;
      case 7:
        level = reader.text('level', caches.level);
        break;
      case 8:
        message = reader.text('message', caches.message);
        break;
    }
  }
  return { timestamp, updatedTime, clusterName, hostName, hostIp, type, level, message, invalidUtf8: reader.invalid };
}
