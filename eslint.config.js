import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** The folders of backend/src in their order: each imports only from those before it, through its index.ts. */
const layers = [
  'core',
  'config',
  'engine',
  'lake',
  'connectors',
  'intake',
  'query',
  'network',
  'policies',
  'outputs',
  'api',
  'simulator',
  'cli',
];

const directionRules = layers.map((layer, position) => {
  const later = layers.slice(position + 1);
  return {
    files: [`backend/src/${layer}/**/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...(later.length === 0
              ? []
              : [
                  {
                    regex: `^(\\.\\./)+(${later.join('|')})(/|$)`,
                    message: `backend/src/${layer} may import only from the folders above it: ${layers.slice(0, position).join(', ') || 'none'}.`,
                  },
                ]),
            {
              regex: `^(\\.\\./)+(${layers.join('|')})/(?!index\\.js$|host\\.js$)`,
              message: "Import another folder through its index.js (in the engine's process: host.js).",
            },
            ...(layer === 'engine'
              ? []
              : [{ regex: '^@duckdb/', message: 'Only backend/src/engine opens DuckDB.', allowTypeImports: true }]),
          ],
        },
      ],
    },
  };
});

const noDoubleCasts = {
  selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
  message: 'No double casts: parse the value instead.',
};

const noLostTimeouts = {
  selector:
    "CallExpression[callee.object.name='AbortSignal'][callee.property.name='any'] CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']",
  message: 'Node.js may collect this timeout as garbage, and then it never comes: deadlineOf or withDeadline.',
};

/** Where other people's SQL runs, only statements that are written there run unprepared. */
const preparedRules = {
  files: ['backend/src/engine/execute/**/*.ts', 'backend/src/engine/merge/**/*.ts'],
  rules: {
    'no-restricted-syntax': [
      'error',
      noDoubleCasts,
      noLostTimeouts,
      {
        selector:
          "CallExpression[callee.object.name=/[cC]onnection$/][callee.property.name=/^(run|stream)/]:not([arguments.0.type='Literal'])",
        message: 'A statement that is put together is prepared as one: withSelect or withCopy.',
      },
    ],
  },
};

/** The plugin's halves meet in shared only; shared is pure and runs in both. */
const pluginRules = [
  { files: ['plugin/shared/**'], forbidden: ['^node:', '^@grafana/', '^react', '/(backend|src)/'] },
  { files: ['plugin/backend/**'], forbidden: ['^@grafana/', '^react', '/src/'] },
  { files: ['plugin/src/**'], forbidden: ['^node:', '^@armorlake/', '/backend/'] },
].map(({ files, forbidden }) => ({
  files,
  ignores: ['**/*.test.ts', '**/*.test.tsx'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: forbidden.map((regex) => ({
          regex,
          message: 'plugin/src and plugin/backend meet in plugin/shared, which is pure.',
        })),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'proto/src/gen/**', '**/.cache/**'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-restricted-syntax': ['error', noDoubleCasts, noLostTimeouts],
      // Event text is hostile: matching control characters is our business.
      'no-control-regex': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  { files: ['plugin/src/**'], ...reactHooks.configs.flat.recommended },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', __dirname: 'readonly', process: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  ...directionRules,
  ...pluginRules,
  preparedRules,
);
