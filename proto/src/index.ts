export * from './feeder/decoder.js';
export * from './feeder/encoder.js';
export * from './feeder/events.js';
export { WireError } from './feeder/wire-reader.js';
export * from './grpc/client.js';
export * from './grpc/codec.js';
export * from './grpc/server.js';
/** KubeArmor's service and messages as protobuf-es sees them. */
export * as feeder from './gen/feeder/kubearmor_pb.js';
/** The standard health service. */
export * as health from './gen/grpc/health/v1/health_pb.js';
/** k8s-metacollector's service and messages. */
export * as metacollector from './gen/metadata/metadata_pb.js';
/** hashicorp's go-plugin services. */
export * as goPlugin from './gen/plugin/go_plugin_pb.js';
/** Grafana's plugin protocol. */
export * as grafanaPlugin from './gen/pluginv2/backend_pb.js';
/** How Armorlake's nodes talk. */
export * as network from './gen/armorlake/network/v1/network_pb.js';
