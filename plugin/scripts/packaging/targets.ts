/** The version of bun whose runtime is packaged, got from npm when it is needed. */
export const BUN_VERSION = '1.4.5';

/** One executable: where it runs, and the npm package that holds bun for it. */
export interface Target {
  /** Ends the zip's name. */
  readonly name: string;
  /** As Grafana looks for it: `gpx_armorlake_<goos>_<goarch>`. */
  readonly executable: string;
  readonly bunPackage: string;
  /** npm's own checksum of the package at BUN_VERSION. */
  readonly integrity: string;
}

export const EXECUTABLE = 'gpx_armorlake';

/** amd64 as the baseline builds: they also run on processors (and virtual machines) without AVX2. */
export const targets: readonly Target[] = [
  {
    name: 'linux-amd64',
    executable: `${EXECUTABLE}_linux_amd64`,
    bunPackage: '@oven/bun-linux-x64-baseline',
    integrity: 'sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==',
  },
  {
    name: 'linux-amd64-musl',
    executable: `${EXECUTABLE}_linux_amd64`,
    bunPackage: '@oven/bun-linux-x64-musl-baseline',
    integrity: 'sha512-cWJhU8h0+MiUgpSt99sQhjxLIIosKEcKYdtKddohokUvAuN6jKOy7g7+QDTZTXtwHxz93wL3BX+L6wXVPDUH3A==',
  },
  {
    name: 'linux-arm64',
    executable: `${EXECUTABLE}_linux_arm64`,
    bunPackage: '@oven/bun-linux-aarch64',
    integrity: 'sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==',
  },
  {
    name: 'linux-arm64-musl',
    executable: `${EXECUTABLE}_linux_arm64`,
    bunPackage: '@oven/bun-linux-aarch64-musl',
    integrity: 'sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==',
  },
];

/** Where the Node launcher goes: names that Grafana looks for on the machines that have no executable of their own. */
export const launcherNames = ['linux_amd64', 'linux_arm64', 'linux_arm', 'darwin_amd64', 'darwin_arm64'].map(
  (platform) => `${EXECUTABLE}_${platform}`,
);
