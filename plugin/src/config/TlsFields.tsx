import { Field, FieldSet, Input, SecretTextArea, Switch } from '@grafana/ui';
import React from 'react';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { SecretName, Settings } from './settings.js';
import { withJson, withSecret, withoutSecret } from './settings.js';

interface Props {
  readonly options: Settings;
  readonly disabled: boolean;
  readonly onOptionsChange: (options: Settings) => void;
}

/** What an `https` URL needs beyond the certificates the system trusts. */
export function TlsFields({ options, disabled, onOptionsChange }: Props): React.JSX.Element {
  const { jsonData } = options;
  const pem = (name: Exclude<SecretName, 'token'>): React.JSX.Element => (
    <Field label={text.config.tls[name].label} description={text.config.tls[name].description}>
      <SecretTextArea
        id={testIds.config.pem(name)}
        data-testid={testIds.config.pem(name)}
        cols={60}
        rows={5}
        spellCheck={false}
        disabled={disabled}
        isConfigured={options.secureJsonFields[name] === true}
        value={options.secureJsonData?.[name] ?? ''}
        placeholder={text.config.tls[name].placeholder}
        onChange={(event) => {
          onOptionsChange(withSecret(options, name, event.currentTarget.value));
        }}
        onReset={() => {
          onOptionsChange(withoutSecret(options, name));
        }}
      />
    </Field>
  );
  const choice = (name: 'tlsCaCert' | 'tlsClientCert' | 'tlsSkipVerify'): React.JSX.Element => (
    <Field label={text.config.tls[name].label} description={text.config.tls[name].description}>
      <Switch
        id={testIds.config.tlsSwitch(name)}
        data-testid={testIds.config.tlsSwitch(name)}
        disabled={disabled}
        value={jsonData[name] ?? false}
        onChange={(event) => {
          onOptionsChange(withJson(options, { [name]: event.currentTarget.checked }));
        }}
      />
    </Field>
  );
  return (
    <FieldSet label={text.config.tls.label}>
      {choice('tlsCaCert')}
      {jsonData.tlsCaCert === true && pem('caCert')}
      {choice('tlsClientCert')}
      {jsonData.tlsClientCert === true && pem('clientCert')}
      {jsonData.tlsClientCert === true && pem('clientKey')}
      <Field label={text.config.tls.serverName.label} description={text.config.tls.serverName.description}>
        <Input
          id={testIds.config.serverName}
          data-testid={testIds.config.serverName}
          width={40}
          disabled={disabled}
          value={jsonData.serverName ?? ''}
          placeholder={text.config.tls.serverName.placeholder}
          onChange={(event) => {
            onOptionsChange(withJson(options, { serverName: event.currentTarget.value.trim() || undefined }));
          }}
        />
      </Field>
      {choice('tlsSkipVerify')}
    </FieldSet>
  );
}
