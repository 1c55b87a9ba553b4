import type { FeederCaches } from './caches.js';
import type { FeederExecEvent, FeederLog, FeederOwner } from './events.js';
import { Pairs, readExecEvent, readOwner, readPair } from './nested.js';
import type { WireReader } from './wire-reader.js';
import { knownFields } from './wire-reader.js';

const KNOWN = knownFields(34, [1, 9, 10, 11, 12, 22]);

/** Reads the `feeder.Log` the reader was opened with. @throws WireError */
export function readLog(reader: WireReader, caches: FeederCaches): FeederLog {
  const { end } = reader;
  let timestamp = 0;
  let updatedTime = '';
  let clusterName = '';
  let hostName = '';
  let namespaceName = '';
  let podName = '';
  let containerId = '';
  let containerName = '';
  let hostPid = 0;
  let ppid = 0;
  let pid = 0;
  let uid = 0;
  let type = '';
  let source = '';
  let operation = '';
  let resource = '';
  let data = '';
  let result = '';
  let containerImage = '';
  let parentProcessName = '';
  let processName = '';
  let hostPpid = 0;
  let labels = '';
  let owner: FeederOwner | undefined;
  let cwd = '';
  let tty = '';
  let execEvent: FeederExecEvent | undefined;
  let nodeId = '';
  let processHash = '';
  let parentHash = '';
  let resourceHash = '';
  let hashAlgo = '';
  const eventData = new Pairs();
  let userName = '';
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
        namespaceName = reader.text('namespaceName', caches.namespaceName);
        break;
      case 6:
        podName = reader.text('podName', caches.podName);
        break;
      case 7:
        containerId = reader.text('containerId', caches.containerId);
        break;
      case 8:
        containerName = reader.text('containerName', caches.containerName);
        break;
      case 9:
        hostPid = reader.int32();
        break;
      case 10:
        ppid = reader.int32();
        break;
      case 11:
        pid = reader.int32();
        break;
      case 12:
        uid = reader.int32();
        break;
      case 13:
        type = reader.text('type', caches.type);
        break;
      case 14:
        source = reader.text('source', caches.source);
        break;
      case 15:
        operation = reader.text('operation', caches.operation);
        break;
      case 16:
        resource = reader.text('resource', caches.resource);
        break;
      case 17:
        data = reader.text('data', caches.data);
        break;
      case 18:
        result = reader.text('result', caches.result);
        break;
      case 19:
        containerImage = reader.text('containerImage', caches.containerImage);
        break;
      case 20:
        parentProcessName = reader.text('parentProcessName', caches.parentProcessName);
        break;
      case 21:
        processName = reader.text('processName', caches.processName);
        break;
      case 22:
        hostPpid = reader.int32();
        break;
      case 23:
        labels = reader.text('labels', caches.labels);
        break;
      case 24:
        owner = readOwner(reader, caches, owner);
        break;
      case 25:
        cwd = reader.text('cwd', caches.cwd);
        break;
      case 26:
        tty = reader.text('tty', caches.tty);
        break;
      case 27:
        execEvent = readExecEvent(reader, caches, execEvent);
        break;
      case 28:
        nodeId = reader.text('nodeId', caches.nodeId);
        break;
      case 29:
        processHash = reader.text('processHash', caches.processHash);
        break;
      case 30:
        parentHash = reader.text('parentHash', caches.parentHash);
        break;
      case 31:
        resourceHash = reader.text('resourceHash', caches.resourceHash);
        break;
      case 32:
        hashAlgo = reader.text('hashAlgo', caches.hashAlgo);
        break;
      case 33:
        readPair(reader, caches, eventData);
        break;
      case 34:
        userName = reader.text('userName', caches.userName);
        break;
    }
  }
  return {
    timestamp,
    updatedTime,
    clusterName,
    hostName,
    namespaceName,
    podName,
    containerId,
    containerName,
    hostPid,
    ppid,
    pid,
    uid,
    type,
    source,
    operation,
    resource,
    data,
    result,
    containerImage,
    parentProcessName,
    processName,
    hostPpid,
    labels,
    owner,
    cwd,
    tty,
    execEvent,
    nodeId,
    processHash,
    parentHash,
    resourceHash,
    hashAlgo,
    eventData: eventData.list,
    userName,
    invalidUtf8: reader.invalid,
  };
}
