import { Document, isMap, isSeq } from 'yaml';
import { news } from './news.js';
import { nodes } from './nodes.js';
import { contactPoints, policies } from './notifications.js';
import type { RuleGroup } from './rule.js';
import { ruleJson } from './rule.js';
import { threats } from './threats.js';

const made = ' Made from provisioning/src/alerting by `npm run generate`.';

export const groups: readonly RuleGroup[] = [threats, news, nodes];

function yaml(content: object, comment: string): Document {
  const document = new Document(content, { aliasDuplicateObjects: false });
  document.commentBefore = `${made}\n${comment}`;
  return document;
}

const written = { lineWidth: 0, singleQuote: true } as const;

/** A group's file; above each rule stands why it treats missing answers as it does. */
function groupYaml({ name, interval, rules }: RuleGroup): string {
  const group = { orgId: 1, name, folder: 'Armorlake', interval, rules: rules.map(ruleJson) };
  const document = yaml(
    { apiVersion: 1, groups: [group] },
    ' Grafana reads it from <provisioning>/alerting when it starts.',
  );
  const items = document.getIn(['groups', 0, 'rules']);
  if (!isSeq(items)) throw new Error(`The rules of ${name} are no list.`);
  for (const [index, item] of items.items.entries()) {
    const why = rules[index]?.certainty.why;
    if (isMap(item) && why !== undefined) item.commentBefore = ` ${why}`;
  }
  return document.toString(written);
}

const example = ' An example: Grafana does not read this folder. Copy it one up, and write your own address.';

/** All files of provisioning/alerting, by their path in it. */
export const alertingFiles: ReadonlyMap<string, string> = new Map([
  ...groups.map((group) => [`${group.name}.yaml`, groupYaml(group)] as const),
  ['examples/contact-points.yaml', yaml(contactPoints, example).toString(written)],
  [
    'examples/policies.yaml',
    yaml(
      policies,
      `${example}\n It replaces all notification policies of the organisation: merge yours into it.`,
    ).toString(written),
  ],
]);
