import type { FeederCaches } from './caches.js';
import type { FeederExecEvent, FeederAlert, FeederOwner } from './events.js';
import { Pairs, readExecEvent, readOwner, readPair } from './nested.js';
import type { WireReader } from './wire-reader.js';
import { knownFields } from './wire-reader.js';

const KNOWN = knownFields(44, [1, 9, 10, 11, 12, 27, 34, 35]);

/** Reads the `feeder.Alert` the reader was opened with; its field numbers aren't the log's. @throws WireError */
export function readAlert(reader: WireReader, caches: FeederCaches): FeederAlert {
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
  let policyName = '';
  let severity = '';
  let tags = '';
  let message = '';
  let type = '';
  let source = '';
  let operation = '';
  let resource = '';
  let data = '';
  let action = '';
  let result = '';
  let containerImage = '';
  let parentProcessName = '';
  let processName = '';
  let hostPpid = 0;
  let enforcer = '';
  let labels = '';
  const aTags: string[] = [];
  let owner: FeederOwner | undefined;
  let cwd = '';
  let tty = '';
  let maxAlertsPerSec = 0;
  let droppingAlertsInterval = 0;
  let execEvent: FeederExecEvent | undefined;
  let kubeArmorVersion = '';
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
        policyName = reader.text('policyName', caches.policyName);
        break;
      case 14:
        severity = reader.text('severity', caches.severity);
        break;
      case 15:
        tags = reader.text('tags', caches.tags);
        break;
      case 16:
        message = reader.text('message', caches.message);
        break;
      case 17:
        type = reader.text('type', caches.type);
        break;
      case 18:
        source = reader.text('source', caches.source);
        break;
      case 19:
        operation = reader.text('operation', caches.operation);
        break;
      case 20:
        resource = reader.text('resource', caches.resource);
        break;
      case 21:
        data = reader.text('data', caches.data);
        break;
      case 22:
        action = reader.text('action', caches.action);
        break;
      case 23:
        result = reader.text('result', caches.result);
        break;
      case 24:
        containerImage = reader.text('containerImage', caches.containerImage);
        break;
      case 25:
        parentProcessName = reader.text('parentProcessName', caches.parentProcessName);
        break;
      case 26:
        processName = reader.text('processName', caches.processName);
        break;
      case 27:
        hostPpid = reader.int32();
        break;
      case 28:
        enforcer = reader.text('enforcer', caches.enforcer);
        break;
      case 29:
        labels = reader.text('labels', caches.labels);
        break;
      case 30:
        aTags.push(reader.text('aTags', caches.aTags));
        break;
      case 31:
        owner = readOwner(reader, caches, owner);
        break;
      case 32:
        cwd = reader.text('cwd', caches.cwd);
        break;
      case 33:
        tty = reader.text('tty', caches.tty);
        break;
      case 34:
        maxAlertsPerSec = reader.int32();
        break;
      case 35:
        droppingAlertsInterval = reader.int32();
        break;
      case 36:
        execEvent = readExecEvent(reader, caches, execEvent);
        break;
      case 37:
        kubeArmorVersion = reader.text('kubeArmorVersion', caches.kubeArmorVersion);
        break;
      case 38:
        nodeId = reader.text('nodeId', caches.nodeId);
        break;
      case 39:
        processHash = reader.text('processHash', caches.processHash);
        break;
      case 40:
        parentHash = reader.text('parentHash', caches.parentHash);
        break;
      case 41:
        resourceHash = reader.text('resourceHash', caches.resourceHash);
        break;
      case 42:
        hashAlgo = reader.text('hashAlgo', caches.hashAlgo);
        break;
      case 43:
        readPair(reader, caches, eventData);
        break;
      case 44:
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
    policyName,
    severity,
    tags,
    message,
    type,
    source,
    operation,
    resource,
    data,
    action,
    result,
    containerImage,
    parentProcessName,
    processName,
    hostPpid,
    enforcer,
    labels,
    aTags,
    owner,
    cwd,
    tty,
    maxAlertsPerSec,
    droppingAlertsInterval,
    execEvent,
    kubeArmorVersion,
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
