// @vitest-environment jsdom
import '../../testing/browser.mjs';
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultQuery } from '../../../shared/index.js';
import type { ProcessQuery } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { ProcessEditor } from './ProcessEditor.js';

const fresh = defaultQuery('tree').process;
const source = {
  nodes: { value: undefined, latest: undefined, error: undefined, loading: false, hurry: () => undefined },
  variables: ['$node', '$seq'],
};

afterEach(cleanup);

function shown(type: 'tree' | 'graph', query: ProcessQuery) {
  const onChange = vi.fn<(query: ProcessQuery) => void>();
  const onRunQuery = vi.fn<() => void>();
  render(<ProcessEditor type={type} query={query} source={source} onChange={onChange} onRunQuery={onRunQuery} />);
  return { onChange, onRunQuery };
}

describe('the editor of a process tree', () => {
  it('writes nothing by being drawn, and says what is wanted', () => {
    const { onChange, onRunQuery } = shown('tree', fresh);
    expect(onChange).not.toHaveBeenCalled();
    expect(onRunQuery).not.toHaveBeenCalled();
    expect(screen.getByText(/Choose an event/)).toBeTruthy();
  });

  it('takes a variable as the event', async () => {
    const { onChange } = shown('tree', { ...fresh, target: { by: 'event', node: '$node', seq: '' } });
    await userEvent.type(screen.getByTestId(testIds.editor.processSeq), ' $seq {Enter}');
    expect(onChange).toHaveBeenLastCalledWith({ ...fresh, target: { by: 'event', node: '$node', seq: '$seq' } });
  });

  it('changes from an event to a PID on the same node', async () => {
    const { onChange } = shown('tree', { ...fresh, target: { by: 'event', node: 'edge', seq: '7' } });
    await userEvent.click(screen.getByRole('radio', { name: 'A process by PID' }));
    const target = { by: 'pid', node: 'edge', host: '', pid: '', time: '' };
    expect(onChange).toHaveBeenLastCalledWith({ ...fresh, target });
  });

  it('asks for PID, host and time', async () => {
    const target = { by: 'pid', node: 'edge', host: 'h', pid: '1', time: '' } as const;
    const { onChange } = shown('tree', { ...fresh, target });
    const pid = screen.getByRole('textbox', { name: 'PID on the host' });
    await userEvent.clear(pid);
    await userEvent.type(pid, '$pid');
    await userEvent.tab();
    expect(onChange).toHaveBeenLastCalledWith({ ...fresh, target: { ...target, pid: '$pid' } });
    expect(screen.getByRole('textbox', { name: 'Host' })).toBeTruthy();
    expect(screen.getByRole('textbox', { name: 'Until' })).toBeTruthy();
  });

  it('switches to the waterfall and runs', async () => {
    const { onChange, onRunQuery } = shown('tree', fresh);
    await userEvent.click(screen.getByRole('radio', { name: 'Waterfall' }));
    expect(onChange).toHaveBeenLastCalledWith({ ...fresh, view: 'waterfall' });
    expect(onRunQuery).toHaveBeenCalledOnce();
  });
});

describe('the editor of a graph', () => {
  it('bounds the nodes', async () => {
    const { onChange } = shown('graph', fresh);
    const limit = screen.getByTestId(testIds.editor.processLimit);
    await userEvent.clear(limit);
    await userEvent.type(limit, '5000{Enter}');
    expect(onChange).toHaveBeenLastCalledWith({ ...fresh, nodeLimit: 200 });
  });

  it('of behaviour needs no event', () => {
    shown('graph', { ...fresh, graph: 'behaviour' });
    expect(screen.queryByTestId(testIds.editor.processTarget)).toBeNull();
  });
});
