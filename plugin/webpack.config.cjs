const { cpSync, readFileSync, writeFileSync, mkdirSync } = require('node:fs');
const { dirname, join } = require('node:path');

const source = join(__dirname, 'src');
const { version } = require('./package.json');

/** What Grafana itself gives to plugins; react/jsx-runtime is not among it. */
const shared = [
  'react',
  'react-dom',
  'rxjs',
  'lodash',
  'moment',
  'react-router',
  'react-router-dom',
  '@emotion/css',
  '@emotion/react',
];

/** Copies what is not bundled; plugin.json gets the package's version and today's date. */
class Assets {
  apply(compiler) {
    compiler.hooks.afterEmit.tap('Assets', () => {
      const output = compiler.outputPath;
      mkdirSync(output, { recursive: true });
      // As reproducible builds have it: the same commit gives the same files on any day.
      const epoch = process.env['SOURCE_DATE_EPOCH'];
      const today = (epoch === undefined ? new Date() : new Date(Number(epoch) * 1000)).toISOString().slice(0, 10);
      const descriptor = readFileSync(join(source, 'plugin.json'), 'utf8');
      writeFileSync(
        join(output, 'plugin.json'),
        descriptor.replaceAll('%VERSION%', version).replaceAll('%TODAY%', today),
      );
      for (const [from, to] of [
        [join(source, 'img'), 'img'],
        // The dashboards that plugin.json names in `includes`.
        [join(dirname(__dirname), 'provisioning', 'dashboards', 'json'), 'dashboards'],
        [join(source, 'README.md'), 'README.md'],
        [join(dirname(__dirname), 'CHANGELOG.md'), 'CHANGELOG.md'],
        [join(dirname(__dirname), 'LICENSE'), 'LICENSE'],
      ])
        cpSync(from, join(output, to), { recursive: true });
    });
  }
}

module.exports = (_env, { mode = 'production' }) => ({
  mode,
  context: source,
  entry: { module: './module.ts' },
  devtool: mode === 'production' ? 'source-map' : 'eval-source-map',
  output: {
    path: join(__dirname, 'dist'),
    filename: '[name].js',
    chunkFilename: '[name].js?_cache=[contenthash]',
    library: { type: 'amd' },
    publicPath: 'public/plugins/armorlake-kubearmor-datasource/',
    uniqueName: 'armorlake-kubearmor-datasource',
  },
  externals: [
    ...shared,
    'amd-module',
    ({ request }, done) => (/^@grafana\/(data|runtime|ui)$/.test(request) ? done(null, request) : done()),
  ],
  module: {
    rules: [{ test: /\.tsx?$/, loader: 'esbuild-loader', options: { target: 'es2022', jsx: 'transform' } }],
  },
  resolve: {
    extensions: ['.tsx', '.ts', '.js'],
    extensionAlias: { '.js': ['.ts', '.tsx', '.js'] },
  },
  performance: { hints: false },
  plugins: [new Assets()],
});
