import { Button, Field, IconButton, Input, Stack } from '@grafana/ui';
import React from 'react';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import { urlProblem } from './settings.js';

interface Props {
  readonly urls: readonly string[];
  readonly disabled: boolean;
  readonly onChange: (urls: readonly string[]) => void;
}

/** The query nodes, by preference. */
export function UrlList({ urls, disabled, onChange }: Props): React.JSX.Element {
  const shown = urls.length === 0 ? [''] : urls;
  return (
    <Field label={text.config.urls.label} description={text.config.urls.description} required>
      <Stack direction="column" gap={1} alignItems="flex-start">
        {shown.map((url, index) => (
          // A URL has no identity of its own: its place is its name.
          <UrlRow
            key={index}
            index={index}
            url={url}
            disabled={disabled}
            removable={shown.length > 1}
            onChange={(changed) => {
              onChange(shown.map((old, at) => (at === index ? changed : old)));
            }}
            onRemove={() => {
              onChange(shown.filter((_, at) => at !== index));
            }}
          />
        ))}
        <Button
          type="button"
          variant="secondary"
          size="sm"
          icon="plus"
          disabled={disabled}
          data-testid={testIds.config.addUrl}
          onClick={() => {
            onChange([...shown, '']);
          }}
        >
          {text.config.urls.add}
        </Button>
      </Stack>
    </Field>
  );
}

interface RowProps {
  readonly index: number;
  readonly url: string;
  readonly disabled: boolean;
  readonly removable: boolean;
  readonly onChange: (url: string) => void;
  readonly onRemove: () => void;
}

function UrlRow({ index, url, disabled, removable, onChange, onRemove }: RowProps): React.JSX.Element {
  const problem = urlProblem(url);
  const wrong = problem !== null && problem !== 'empty';
  return (
    <Stack direction="row" gap={1} alignItems="flex-start">
      <Field {...(wrong ? { invalid: true, error: text.config.urls.problems[problem] } : {})} noMargin>
        <Input
          id={`armorlake-url-${String(index)}`}
          aria-label={text.config.urls.name(index + 1)}
          data-testid={testIds.config.url(index)}
          width={60}
          value={url}
          disabled={disabled}
          placeholder={text.config.urls.placeholder}
          onChange={(event) => {
            onChange(event.currentTarget.value);
          }}
          onBlur={() => {
            if (url !== url.trim()) onChange(url.trim());
          }}
        />
      </Field>
      {removable && (
        <IconButton
          name="trash-alt"
          tooltip={text.config.urls.remove(index + 1)}
          disabled={disabled}
          onClick={onRemove}
        />
      )}
    </Stack>
  );
}
