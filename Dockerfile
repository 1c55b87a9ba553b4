# What docker-compose.yaml runs: the node with its simulated KubeArmor (target `armorlake`), and the Grafana plugin
# (target `plugin`).
FROM node:24.22.3-bookworm-slim AS manifests
WORKDIR /src
COPY .npmrc package.json package-lock.json ./
COPY proto/package.json proto/
COPY backend/package.json backend/
COPY plugin/package.json plugin/
COPY provisioning/package.json provisioning/

FROM manifests AS production
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace proto --workspace backend
RUN npm run --silent sbom > sbom.cdx.json

FROM manifests AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json tsconfig.build.json ./
COPY proto proto
COPY backend backend
COPY plugin plugin
RUN npm run build

# The executable carries its own runtime (bun, from npm): Grafana's image has no Node.js.
FROM build AS plugin-build
COPY CHANGELOG.md LICENSE ./
COPY provisioning/dashboards/json provisioning/dashboards/json
RUN node --import tsx plugin/scripts/package.ts --only "linux-$(dpkg --print-architecture)"

FROM node:24.22.3-bookworm-slim AS plugin
COPY --from=plugin-build /src/plugin/dist /plugin
# A volume that is mounted there gets this owner.
RUN mkdir /plugins && chown node:node /plugins
USER node
CMD ["sh", "-c", "rm -rf /plugins/* && cp -R /plugin /plugins/armorlake-kubearmor-datasource"]

FROM node:24.22.3-bookworm-slim AS armorlake
ENV NODE_ENV=production
WORKDIR /opt/armorlake
COPY --from=production /src/node_modules node_modules
COPY --from=production /src/sbom.cdx.json ./
COPY --from=build /src/proto/package.json proto/
COPY --from=build /src/proto/dist proto/dist
COPY --from=build /src/backend/package.json backend/
COPY --from=build /src/backend/bin backend/bin
COPY --from=build /src/backend/data backend/data
COPY --from=build /src/backend/dist backend/dist
COPY LICENSE package.json ./
COPY docker/certificates.sh docker/
# Volumes that are mounted there get this owner.
RUN ln -s /opt/armorlake/backend/bin/armorlake.js /usr/local/bin/armorlake \
  && mkdir -p /data /certificates/ca /certificates/query \
    /certificates/edge-1 /certificates/edge-2 /certificates/edge-3 /certificates/edge-host \
  && chown -R node:node /data /certificates
USER node
ENTRYPOINT ["armorlake"]
CMD ["--help"]
