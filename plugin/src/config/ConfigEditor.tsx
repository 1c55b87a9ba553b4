import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Field, FieldSet, Input, RadioButtonGroup, SecretInput } from '@grafana/ui';
import React from 'react';
import { LIMITS, linkDashboards, settingDefaults } from '../../shared/index.js';
import type { ArmorlakeSecureJsonData, LinkKind } from '../../shared/index.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { ArmorlakeOptions } from '../types.js';
import { HealthReport } from './HealthReport.js';
import { NumberField } from './NumberField.js';
import { withJson, withSecret, withoutSecret } from './settings.js';
import { TlsFields } from './TlsFields.js';
import { UrlList } from './UrlList.js';

type Props = DataSourcePluginOptionsEditorProps<ArmorlakeOptions, ArmorlakeSecureJsonData>;
type PartialPolicy = NonNullable<ArmorlakeOptions['partial']>;

const partials: readonly PartialPolicy[] = ['warn', 'fail', 'ignore'];
const links: readonly LinkKind[] = ['process', 'workload', 'sightings'];

/** The settings of the data source; nothing is changed but by its user's hand. */
export function ConfigEditor({ options, onOptionsChange }: Props): React.JSX.Element {
  const { jsonData, secureJsonFields, secureJsonData } = options;
  const disabled = options.readOnly === true;
  const change = (changed: Partial<ArmorlakeOptions>): void => {
    onOptionsChange(withJson(options, changed));
  };
  return (
    <div data-testid={testIds.config.root}>
      <FieldSet label={text.config.connection}>
        <UrlList
          urls={jsonData.urls ?? []}
          disabled={disabled}
          onChange={(urls) => {
            change({ urls });
          }}
        />
        <Field label={text.config.token.label} description={text.config.token.description}>
          <SecretInput
            id={testIds.config.token}
            data-testid={testIds.config.token}
            width={60}
            autoComplete="new-password"
            disabled={disabled}
            isConfigured={secureJsonFields['token'] === true}
            value={secureJsonData?.token ?? ''}
            placeholder={text.config.token.placeholder}
            onChange={(event) => {
              onOptionsChange(withSecret(options, 'token', event.currentTarget.value));
            }}
            onReset={() => {
              onOptionsChange(withoutSecret(options, 'token'));
            }}
          />
        </Field>
      </FieldSet>
      <TlsFields options={options} disabled={disabled} onOptionsChange={onOptionsChange} />
      <FieldSet label={text.config.timeouts}>
        <NumberField
          id={testIds.config.timeout}
          {...text.config.timeout}
          placeholder={String(settingDefaults.timeoutMs)}
          least={100}
          disabled={disabled}
          value={jsonData.timeoutMs}
          onChange={(timeoutMs) => {
            change({ timeoutMs });
          }}
        />
        <NumberField
          id={testIds.config.connectTimeout}
          {...text.config.connectTimeout}
          placeholder={String(settingDefaults.connectTimeoutMs)}
          least={100}
          disabled={disabled}
          value={jsonData.connectTimeoutMs}
          onChange={(connectTimeoutMs) => {
            change({ connectTimeoutMs });
          }}
        />
      </FieldSet>
      <FieldSet label={text.config.queries}>
        <Field label={text.config.partial.label} description={text.config.partial.description}>
          <RadioButtonGroup<PartialPolicy>
            id={testIds.config.partial}
            aria-label={text.config.partial.label}
            disabled={disabled}
            value={jsonData.partial ?? settingDefaults.partial}
            options={partials.map((value) => ({ value, ...text.config.partial.choices[value] }))}
            onChange={(partial) => {
              change({ partial });
            }}
          />
        </Field>
        <Field label={text.config.defaultTable.label} description={text.config.defaultTable.description}>
          <Input
            id={testIds.config.defaultTable}
            data-testid={testIds.config.defaultTable}
            width={40}
            disabled={disabled}
            value={jsonData.defaultTable ?? ''}
            placeholder={settingDefaults.defaultTable}
            onChange={(event) => {
              change({ defaultTable: event.currentTarget.value.trim() || undefined });
            }}
          />
        </Field>
        <NumberField
          id={testIds.config.rowLimit}
          {...text.config.rowLimit}
          placeholder={String(LIMITS.table.normal)}
          least={1}
          disabled={disabled}
          value={jsonData.rowLimit}
          onChange={(rowLimit) => {
            change({ rowLimit });
          }}
        />
      </FieldSet>
      <FieldSet label={text.config.links.label}>
        {links.map((kind) => (
          <Field key={kind} label={text.config.links[kind].label} description={text.config.links[kind].description}>
            <Input
              id={testIds.config.link(kind)}
              data-testid={testIds.config.link(kind)}
              width={40}
              disabled={disabled}
              value={jsonData.links?.[kind] ?? linkDashboards[kind]}
              placeholder={text.config.links.none}
              onChange={(event) => {
                change({ links: { ...jsonData.links, [kind]: event.currentTarget.value.trim() } });
              }}
            />
          </Field>
        ))}
      </FieldSet>
      <HealthReport uid={options.uid} />
    </div>
  );
}
