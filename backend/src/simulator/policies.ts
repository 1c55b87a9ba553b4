import type { Act } from './acts.js';

/** A KubeArmor policy as far as its alerts show it. */
export interface Policy {
  readonly name: string;
  /** undefined: every namespace. */
  readonly namespace?: string;
  /** A host policy; all others are about containers. */
  readonly ofHosts?: true;
  readonly severity: number;
  readonly tags: readonly string[];
  readonly message: string;
  readonly action: 'Block' | 'Audit' | 'Audit (Block)';
  readonly enforcer: 'BPFLSM' | 'AppArmor' | 'eBPF Monitor';
  /** Whether the act is what the policy is about. */
  matches(act: Act): boolean;
}

const WEB_SERVERS = new Set(['/usr/sbin/apache2', '/usr/local/bin/node', '/usr/lib/jvm/java-21/bin/java']);
const SHELLS = new Set(['/bin/sh', '/bin/bash', '/bin/busybox', '/usr/bin/dash']);

/** The policies of the simulated cluster; an act raises an alert for the first that matches. */
const POLICIES: readonly Policy[] = [
  {
    name: 'ksp-block-cryptominer',
    severity: 10,
    tags: ['MITRE', 'MITRE_T1496_resource_hijacking', 'MITRE_execution', 'NIST_800-53_SI-3'],
    message: 'Cryptominer binary blocked',
    action: 'Block',
    enforcer: 'BPFLSM',
    matches: (act) => act.operation === 'Process' && /\/xmrig\b/.test(act.resource),
  },
  {
    name: 'ksp-audit-exec-from-writable',
    severity: 8,
    tags: ['MITRE', 'MITRE_T1059_command_and_scripting_interpreter', 'MITRE_T1036_masquerading'],
    message: 'A program was started from a writable folder',
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) => act.operation === 'Process' && /^\/(tmp|dev\/shm|var\/tmp)\//.test(act.resource),
  },
  {
    name: 'ksp-web-server-spawns-shell',
    severity: 7,
    tags: ['MITRE', 'MITRE_T1505.003_web_shell', 'MITRE_T1190_exploit_public-facing_application', 'CIS_5.2'],
    message: 'A web server started a shell',
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) => act.operation === 'Process' && WEB_SERVERS.has(act.parentPath) && SHELLS.has(act.process.path),
  },
  {
    name: 'ksp-block-service-account-token',
    namespace: 'shop',
    severity: 9,
    tags: ['MITRE', 'MITRE_T1552_unsecured_credentials', 'MITRE_credential_access', 'CIS_5.1.6'],
    message: 'Access to the service account token denied',
    action: 'Block',
    enforcer: 'BPFLSM',
    matches: (act) =>
      act.operation === 'File' &&
      act.process.path === '/usr/bin/python3.12' &&
      act.resource.startsWith('/run/secrets/kubernetes.io/'),
  },
  {
    name: 'ksp-audit-service-account-token',
    severity: 6,
    tags: ['MITRE', 'MITRE_T1552_unsecured_credentials', 'MITRE_credential_access'],
    message: 'The service account token was read',
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) => act.operation === 'File' && act.resource.startsWith('/run/secrets/kubernetes.io/'),
  },
  {
    name: 'ksp-block-shadow',
    severity: 8,
    tags: ['MITRE', 'MITRE_T1003.008_etc_passwd_and_etc_shadow', 'NIST_800-53_AC-6'],
    message: 'Read of the password file denied',
    action: 'Block',
    enforcer: 'BPFLSM',
    matches: (act) => act.operation === 'File' && act.resource === '/etc/shadow',
  },
  {
    name: 'harden-pkg-mngr-exec',
    severity: 5,
    tags: ['NIST', 'NIST_800-53_CM-7(4)', 'SI-4', 'process', 'NIST_800-53_SI-4'],
    message: 'Alert! Execution of package management process inside container is denied',
    action: 'Block',
    enforcer: 'AppArmor',
    matches: (act) => act.operation === 'Process' && /^\/(usr\/bin\/apt|sbin\/apk)\b/.test(act.resource),
  },
  {
    name: 'ksp-audit-log-deletion',
    severity: 6,
    tags: ['MITRE', 'MITRE_T1070_indicator_removal', 'NIST_800-53_AU-9'],
    message: 'A log file was deleted',
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) => act.operation === 'File' && act.data.includes('UNLINK') && act.resource.startsWith('/var/log/'),
  },
  {
    name: 'ksp-block-stratum',
    severity: 9,
    tags: ['MITRE', 'MITRE_T1496_resource_hijacking', 'MITRE_T1071_application_layer_protocol'],
    message: 'Connection to a mining pool denied',
    action: 'Block',
    enforcer: 'BPFLSM',
    matches: (act) => act.operation === 'Network' && act.resource.includes('port=3333'),
  },
  {
    name: 'ksp-audit-lateral-database',
    severity: 5,
    tags: ['MITRE', 'MITRE_T1021_remote_services', 'MITRE_lateral_movement'],
    message: 'A tool other than the application talks to the database',
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) =>
      act.operation === 'Network' && act.process.path === '/usr/bin/ncat' && /port=(3306|6379)\b/.test(act.resource),
  },
  {
    name: 'ksp-block-scanner',
    namespace: 'shop',
    severity: 7,
    tags: ['MITRE', 'MITRE_T1046_network_service_discovery', 'MITRE_lateral_movement'],
    message: 'A scanner was kept from another pod',
    action: 'Block',
    enforcer: 'BPFLSM',
    matches: (act) => act.operation === 'Network' && act.process.path === '/usr/bin/ncat',
  },
  {
    name: 'ksp-audit-tool-download',
    severity: 5,
    tags: ['MITRE', 'MITRE_T1105_ingress_tool_transfer', 'MITRE_command_and_control'],
    message: 'A download tool connected to the outside',
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) =>
      act.operation === 'Network' && act.process.path === '/usr/bin/curl' && !/remoteip=10\./.test(act.resource),
  },
  {
    name: 'ksp-block-net-raw',
    severity: 4,
    tags: ['NIST', 'CIS_5.2.8', 'capabilities'],
    message: 'Raw sockets denied',
    action: 'Block',
    enforcer: 'AppArmor',
    matches: (act) => act.operation === 'Capabilities' && act.resource === 'net_raw',
  },
  {
    name: 'hsp-audit-sshd-config',
    ofHosts: true,
    severity: 3,
    tags: ['NIST', 'NIST_800-53_CM-5', 'MITRE_T1021.004_ssh'],
    message: "The SSH server's configuration was read",
    action: 'Audit',
    enforcer: 'eBPF Monitor',
    matches: (act) => act.operation === 'File' && act.resource === '/etc/ssh/sshd_config',
  },
  {
    name: 'DefaultPosture',
    namespace: 'ci',
    severity: 1,
    tags: [],
    message: '',
    action: 'Audit (Block)',
    enforcer: 'BPFLSM',
    matches: (act) => act.operation === 'File' && act.resource.startsWith('/tmp/build/'),
  },
];

/** The policy that an act raises an alert for. */
export function policyOf(act: Act): Policy | undefined {
  return POLICIES.find((each) => applies(each, act));
}

function applies(policy: Policy, act: Act): boolean {
  const namespace = act.place.workload?.namespace;
  if (policy.ofHosts === true) return namespace === undefined && policy.matches(act);
  return namespace !== undefined && (policy.namespace ?? namespace) === namespace && policy.matches(act);
}
