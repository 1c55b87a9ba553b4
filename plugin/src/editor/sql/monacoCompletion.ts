import type { Monaco, MonacoEditor, monacoTypes } from '@grafana/ui';
import type { CompletionItem, CompletionSource } from './completion.js';
import { itemsAt, placeAt, tableWith, valueItems } from './completion.js';

/** Offers completion in this one editor; the source is asked for anew each time. */
export function registerCompletion(
  monaco: Monaco,
  editor: MonacoEditor,
  source: () => CompletionSource,
): monacoTypes.IDisposable {
  return monaco.languages.registerCompletionItemProvider('sql', {
    triggerCharacters: ['$', '.', "'"],
    provideCompletionItems: async (model, position) => {
      // Providers belong to the language: every SQL editor on the page asks each of them.
      if (model.id !== editor.getModel()?.id) return { suggestions: [] };
      const place = placeAt(model.getValue(), model.getOffsetAt(position));
      if (place.kind === 'nothing') return { suggestions: [] };
      const start = model.getPositionAt(place.start);
      const range = {
        startLineNumber: start.lineNumber,
        startColumn: start.column,
        endLineNumber: position.lineNumber,
        endColumn: position.column,
      };
      const now = source();
      const items = place.kind === 'value' ? await valuesFor(place, now) : itemsAt(place, now);
      return {
        suggestions: items.map((item, index) => suggestionOf(monaco, item, range, index)),
        // Values are those that fit what is typed: asked for again with each character.
        incomplete: place.kind === 'value',
      };
    },
  });
}

async function valuesFor(
  place: { readonly tables: readonly string[]; readonly column: string; readonly typed: string },
  source: CompletionSource,
): Promise<readonly CompletionItem[]> {
  const table = tableWith(source.catalog, place.tables, place.column);
  if (table === null) return [];
  try {
    return valueItems(await source.values(table, place.column, place.typed));
  } catch {
    // A look-up that failed is no reason to disturb who types.
    return [];
  }
}

function suggestionOf(
  monaco: Monaco,
  { label, kind, insert, snippet, detail, documentation }: CompletionItem,
  range: monacoTypes.IRange,
  index: number,
): monacoTypes.languages.CompletionItem {
  const kinds = monaco.languages.CompletionItemKind;
  const icon = {
    table: kinds.Struct,
    column: kinds.Field,
    function: kinds.Function,
    macro: kinds.Snippet,
    variable: kinds.Variable,
    keyword: kinds.Keyword,
    value: kinds.Value,
  }[kind];
  return {
    label,
    kind: icon,
    insertText: insert,
    range,
    // As they come: columns before functions, frequent values before rare ones.
    sortText: String(index).padStart(5, '0'),
    ...(snippet === true ? { insertTextRules: monaco.languages.CompletionItemInsertTextRule.InsertAsSnippet } : {}),
    ...(detail === undefined ? {} : { detail }),
    ...(documentation === undefined ? {} : { documentation }),
  };
}
