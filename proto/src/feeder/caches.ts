import { TextCache } from './text-cache.js';

/** One cache a field, so that the texts of one don't push out another's. */
export class FeederCaches {
  readonly clusterName = new TextCache();
  readonly hostName = new TextCache();
  readonly namespaceName = new TextCache();
  readonly podName = new TextCache();
  readonly containerId = new TextCache();
  readonly containerName = new TextCache();
  readonly policyName = new TextCache();
  readonly severity = new TextCache();
  readonly tags = new TextCache();
  readonly message = new TextCache();
  readonly type = new TextCache();
  readonly source = new TextCache();
  readonly operation = new TextCache();
  readonly resource = new TextCache();
  readonly data = new TextCache();
  readonly action = new TextCache();
  readonly result = new TextCache();
  readonly containerImage = new TextCache();
  readonly parentProcessName = new TextCache();
  readonly processName = new TextCache();
  readonly enforcer = new TextCache();
  readonly labels = new TextCache();
  readonly aTags = new TextCache();
  readonly cwd = new TextCache();
  readonly tty = new TextCache();
  readonly kubeArmorVersion = new TextCache();
  readonly nodeId = new TextCache();
  readonly processHash = new TextCache();
  readonly parentHash = new TextCache();
  readonly resourceHash = new TextCache();
  readonly hashAlgo = new TextCache();
  readonly userName = new TextCache();
  readonly hostIp = new TextCache();
  readonly level = new TextCache();
  readonly ownerRef = new TextCache();
  readonly ownerName = new TextCache();
  readonly ownerNamespace = new TextCache();
  readonly execId = new TextCache();
  readonly executableName = new TextCache();
  readonly eventDataKey = new TextCache();
  readonly eventDataValue = new TextCache();
}
